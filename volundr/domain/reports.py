"""What a session's broker tells the forge, and where it goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from volundr.domain.chronicles import Chronicle, ChronicleRepository
from volundr.domain.permissions import OpenQuestion, PermissionRepository
from volundr.domain.sessions.model import Activity
from volundr.domain.sessions.service import SessionService
from volundr.domain.timeline import Moment, TimelineRepository
from volundr.domain.tokens import TokenRepository, TokenUse


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A batch from a broker's outbox. The same one may come again: everything in it is known by its place in the log."""

    uses: Sequence[TokenUse] = ()
    moments: Sequence[Moment] = ()
    chronicle: Chronicle | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Where the parts of a report are kept."""

    tokens: TokenRepository
    timeline: TimelineRepository
    chronicles: ChronicleRepository
    permissions: PermissionRepository


class ReportService:
    """Takes what brokers report, also of sessions that do not run any more."""

    def __init__(self, sessions: SessionService, books: Books) -> None:
        self._sessions = sessions
        self._books = books

    async def take(self, session_id: UUID, report: Report) -> None:
        """Returns when all of it is kept. When it fails in between, the broker says it again. Raises NotFound."""
        session = await self._sessions.get(session_id)
        if report.uses:
            await self._books.tokens.add(session, report.uses)
        if report.moments:
            await self._books.timeline.add(session_id, report.moments)
        if report.chronicle is not None:
            await self._books.chronicles.tell(report.chronicle)

    async def activity(self, session_id: UUID, activity: Activity, questions: Sequence[OpenQuestion]) -> None:
        """What a session does now and asks now. One that does not run any more does and asks nothing, which is no error.

        The questions are kept first: who is told that a session waits finds in the list what it waits for.
        """
        await self._books.permissions.replace(session_id, questions)
        await self._sessions.report(session_id, activity)
