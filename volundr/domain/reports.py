"""What a session's broker tells the forge, and where it goes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from volundr.domain.chronicles import ChronicleRepository, Telling
from volundr.domain.events import EventIngestionService
from volundr.domain.permissions import OpenQuestion, PermissionRepository
from volundr.domain.reported import events_of
from volundr.domain.sessions.model import Activity
from volundr.domain.sessions.service import SessionService
from volundr.domain.timeline import Moment, TimelineRepository, inside, within
from volundr.domain.tokens import TokenService, TokenUse


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A batch from a broker's outbox. The same one may come again: everything in it is known by its place in the log."""

    uses: Sequence[TokenUse] = ()
    moments: Sequence[Moment] = ()
    telling: Telling | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Where the parts of a report are kept."""

    tokens: TokenService
    timeline: TimelineRepository
    chronicles: ChronicleRepository
    permissions: PermissionRepository
    events: EventIngestionService


class ReportService:
    """Takes what brokers report, also of sessions that do not run any more."""

    def __init__(self, sessions: SessionService, books: Books) -> None:
        self._sessions = sessions
        self._books = books

    async def take(self, session_id: UUID, report: Report) -> None:
        """Returns when all of it is kept. When it fails in between, the broker says it again. Raises NotFound."""
        session = await self._sessions.get(session_id)
        if not (report.uses or report.moments or report.telling):
            return
        uses = await self._books.tokens.record(session, report.uses) if report.uses else ()
        await self._books.chronicles.tell(session, _seen_from(report.telling, session.workspace))
        moments = [within(one, session.workspace) for one in report.moments]
        if moments:
            await self._books.timeline.add(session_id, moments)
        if events := events_of(session, uses, moments):
            await self._books.events.take(events)

    async def activity(self, session_id: UUID, activity: Activity, questions: Sequence[OpenQuestion]) -> None:
        """What a session does now and asks now. One that does not run any more does and asks nothing, which is no error.

        The questions are kept first: who is told that a session waits finds in the list what it waits for. What an agent does
        not say of its cost, our prices may know.
        """
        if activity.cost_usd is None:
            activity = replace(activity, cost_usd=await self._books.tokens.cost(session_id))
        await self._books.permissions.replace(session_id, questions)
        await self._sessions.report(session_id, activity)


def _seen_from(telling: Telling | None, workspace: str) -> Telling | None:
    """With the paths of files as seen from the workspace."""
    if telling is None:
        return None
    return replace(telling, key_changes=[inside(line, workspace) for line in telling.key_changes])
