"""What keeps the reports of sessions, and who is asked about them."""

from collections.abc import Mapping
from typing import Any

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
from volundr.wiring.ground import Ground, Part


def part(ground: Ground) -> Part:
    db = ground.db
    kept = Books(
        tokens=TokenStore(db), timeline=TimelineStore(db), chronicles=ChronicleStore(db), permissions=PermissionStore(db)
    )

    def with_sessions(sessions: SessionService) -> Mapping[type, Any]:
        return {ReportService: ReportService(sessions, kept)}

    return Part(
        services={
            TokenService: TokenService(kept.tokens),
            TimelineService: TimelineService(kept.timeline),
            ChronicleService: ChronicleService(kept.chronicles),
            PermissionService: PermissionService(kept.permissions),
        },
        with_sessions=with_sessions,
    )
