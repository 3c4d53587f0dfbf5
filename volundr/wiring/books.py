"""What keeps the reports of sessions, and who is asked about them."""

from volundr.domain.chronicles import ChronicleService
from volundr.domain.drafts import DraftKeeper, Told
from volundr.domain.events import EventIngestionService
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
from volundr.wiring.ground import Ground, Part, Services


def part(ground: Ground) -> Part:
    db = ground.db
    timeline, chronicles, permissions, events = TimelineStore(db), ChronicleStore(db), PermissionStore(db), EventStore(db)

    def with_sessions(sessions: SessionService, found: Services) -> Services:
        kept = Books(
            tokens=found[TokenService],
            timeline=timeline,
            chronicles=chronicles,
            permissions=permissions,
            events=found[EventIngestionService],
        )
        return {
            ReportService: ReportService(sessions, kept),
            ReforgeService: ReforgeService(sessions, chronicles, TimelineService(timeline)),
        }

    keeper = DraftKeeper(ground.sessions, ground.events, chronicles, chronicles, Told(timeline, events))

    return Part(
        services={
            TimelineService: TimelineService(timeline),
            ChronicleService: ChronicleService(chronicles),
            PermissionService: PermissionService(permissions),
        },
        with_sessions=with_sessions,
        run={"chronicles of sessions": keeper.listen},
        duties={"drafts of chronicles": keeper.run},
    )
