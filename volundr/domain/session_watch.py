"""Sees to it that every start and stop of a session is an event, also of sessions whose broker never said a word."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

from volundr.domain.errors import Unavailable
from volundr.domain.events import EventType, SessionEvent, SessionEventRepository
from volundr.domain.paging import LIMIT_MOST, PageRequest
from volundr.domain.sessions.model import Session, Status
from volundr.domain.sessions.ports import EventBroadcaster, SessionFilter, SessionRepository

log = logging.getLogger(__name__)

DOWN = frozenset({Status.STOPPED, Status.FAILED, Status.ARCHIVED})


class SessionWatch:
    """Compares what sessions are with the newest start or stop that is stored: what happened while nobody looked is made
    up for when the forge starts, and several watchers write it once."""

    def __init__(
        self,
        sessions: SessionRepository,
        broadcaster: EventBroadcaster,
        events: SessionEventRepository,
        removed: Callable[[UUID], Awaitable[None]],
    ) -> None:
        """`removed` is told of a session that was deleted."""
        self._sessions = sessions
        self._broadcaster = broadcaster
        self._events = events
        self._removed = removed
        self._known: dict[UUID, bool] = {}

    async def run(self) -> None:
        """Own this task: it ends when it is cancelled."""
        watching = self._broadcaster.watch()
        await self._attempt(self.catch_up, "sessions")
        async for _, event in watching:
            if event is None:
                await self._attempt(self.catch_up, "sessions")
            elif event.type == "session_deleted":
                self._known.pop(event.session_id, None)
                gone = event.session_id
                await self._attempt(lambda gone=gone: self._removed(gone), "removal")  # type: ignore[misc]
            elif (session := event.session) is not None:
                await self._attempt(lambda session=session: self.look(session), "session")  # type: ignore[misc]

    async def catch_up(self) -> None:
        """Look at every session there is."""
        cursor: str | None = ""
        while cursor is not None:
            page = await self._sessions.list(SessionFilter(), PageRequest(cursor=cursor, limit=LIMIT_MOST))
            await self._look(page.items)
            cursor = page.next

    async def look(self, session: Session) -> None:
        """Write its start or stop, unless that is known. On its way it is neither up nor down."""
        await self._look([session])

    async def _look(self, sessions: Sequence[Session]) -> None:
        settled = [session for session in sessions if session.status is Status.RUNNING or session.status in DOWN]
        new = {one.id: one for one in settled if self._known.get(one.id) != (one.status is Status.RUNNING)}
        await self._events.settle([lifecycle(session) for session in new.values()])
        self._known |= {session.id: session.status is Status.RUNNING for session in new.values()}

    async def _attempt(self, work: Callable[[], Awaitable[None]], what: str) -> None:
        try:
            await work()
        except (Unavailable, TimeoutError) as error:
            log.warning("events of sessions are not written", extra={"what": what, "cause": str(error)})


def lifecycle(session: Session) -> SessionEvent:
    """The start or stop that this session's state is evidence of."""
    data: dict[str, object] = {"name": session.name, "agent": session.agent}
    if session.status is not Status.RUNNING:
        data |= {"status": session.status.value, "messages": session.activity.messages}
        if session.status is Status.FAILED:
            data["reason"] = session.error[:500]
    return SessionEvent(
        id=uuid4(),
        session_id=session.id,
        tenant_id=session.tenant_id,
        owner_id=session.owner_id,
        type=EventType.SESSION_START if session.status is Status.RUNNING else EventType.SESSION_STOP,
        at=max(session.updated_at, session.created_at).astimezone(UTC) if session.updated_at else datetime.now(UTC),
        data=data,
        model=session.model[:100],
    )
