"""What keeps the reports of sessions, and who is asked about them."""

from collections.abc import Mapping
from typing import Any

from volundr.domain.chronicles import ChronicleService
from volundr.domain.drafts import DraftKeeper, Told
from volundr.domain.permissions import PermissionService
from volundr.domain.reforge import ReforgeService
from volundr.domain.reports import Books, ReportService
from volundr.domain.sessions.service import SessionService
from volundr.domain.timeline import TimelineService
from volundr.domain.tokens import TokenService
from volundr.store.chronicles import ChronicleStore
from volundr.store.events import EventStore
from volundr.store.permissions import PermissionStore
from volundr.store.timeline import TimelineStore
from volundr.store.tokens import TokenStore
from volundr.wiring.ground import Ground, Part


def part(ground: Ground) -> Part:
    db = ground.db
    chronicles = ChronicleStore(db)
    kept = Books(tokens=TokenStore(db), timeline=TimelineStore(db), chronicles=chronicles, permissions=PermissionStore(db))

    def with_sessions(sessions: SessionService) -> Mapping[type, Any]:
        timeline = TimelineService(kept.timeline)
        return {
            ReportService: ReportService(sessions, kept),
            ReforgeService: ReforgeService(sessions, kept.chronicles, timeline),
        }

    told = Told(kept.timeline, EventStore(db))
    keeper = DraftKeeper(ground.sessions, ground.events, kept.chronicles, chronicles, told)

    return Part(
        services={
            TokenService: TokenService(kept.tokens),
            TimelineService: TimelineService(kept.timeline),
            ChronicleService: ChronicleService(kept.chronicles),
            PermissionService: PermissionService(kept.permissions),
        },
        with_sessions=with_sessions,
        run={"chronicles of sessions": keeper.listen, "drafts of chronicles": keeper.run},
    )
