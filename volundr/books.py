"""Puts together what keeps the reports of sessions, and who is asked about them."""

from typing import Any

from volundr.db.database import Database
from volundr.domain.chronicles import ChronicleService
from volundr.domain.permissions import PermissionService
from volundr.domain.reports import Books, ReportService
from volundr.domain.sessions.service import SessionService
from volundr.domain.timeline import TimelineService
from volundr.domain.tokens import TokenService
from volundr.store.chronicles import ChronicleStore
from volundr.store.permissions import PermissionStore
from volundr.store.timeline import TimelineStore
from volundr.store.tokens import TokenStore


def books(service: SessionService, db: Database) -> dict[type, Any]:
    """The services by their type, as routes find them."""
    kept = Books(
        tokens=TokenStore(db), timeline=TimelineStore(db), chronicles=ChronicleStore(db), permissions=PermissionStore(db)
    )
    return {
        ReportService: ReportService(service, kept),
        TokenService: TokenService(kept.tokens),
        TimelineService: TimelineService(kept.timeline),
        ChronicleService: ChronicleService(kept.chronicles),
        PermissionService: PermissionService(kept.permissions),
    }
