"""Every change of a session goes through here: stored first, then told to whoever watches."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from volundr.domain.sessions.model import WAYS, Activity, Session, Status
from volundr.domain.sessions.ports import Event, EventBroadcaster, SessionRepository

type Quiet = Literal["starting", "stopped", "failed"]

QUIET: Mapping[Status, Quiet] = {
    Status.STARTING: "starting",
    Status.STOPPED: "stopped",
    Status.FAILED: "failed",
    Status.ARCHIVED: "stopped",
}
"""States in which no broker says what the session does."""


class Progress:
    """A guarded change and its announcement as one."""

    def __init__(self, sessions: SessionRepository, events: EventBroadcaster) -> None:
        self._sessions = sessions
        self._events = events

    async def move(
        self, session_id: UUID, target: Status, changes: Mapping[str, Any], revision: int | None = None
    ) -> Session | None:
        """One step; None when no legal way leads there from where the session is now, or it has another revision."""
        if target in QUIET:
            return await self._quieten(session_id, target, changes, revision)
        return self._tell(await self._sessions.move(session_id, target, changes, revision))

    async def _quieten(
        self, session_id: UUID, target: Status, changes: Mapping[str, Any], revision: int | None
    ) -> Session | None:
        """A step after which nothing is done. What is known of the conversation stays: messages, model, cost."""
        while (known := await self._sessions.get(session_id)) is not None:
            activity = replace(known.activity, state=QUIET[target], what="", since=datetime.now(UTC))
            told = {"activity": activity, **changes}
            moved = await self._sessions.move(session_id, target, told, known.revision if revision is None else revision)
            if moved is not None:
                return self._tell(moved)
            if revision is not None or target not in WAYS[known.status]:
                return None  # otherwise somebody changed it since we looked: a report, most of the time
        return None

    async def note(self, session_id: UUID, changes: Mapping[str, Any], revision: int | None = None) -> Session | None:
        """Change fields other than the status."""
        return self._tell(await self._sessions.update(session_id, changes, revision))

    async def report(self, session_id: UUID, activity: Activity) -> Session | None:
        return self._tell(await self._sessions.report(session_id, activity))

    async def add(self, session: Session) -> Session:
        await self._sessions.add(session)
        self._tell(session)
        return session

    async def remove(self, session: Session) -> None:
        if await self._sessions.delete(session.id):
            self._events.publish(
                Event(
                    type="session_deleted",
                    session_id=session.id,
                    owner_id=session.owner_id,
                    tenant_id=session.tenant_id,
                    data={"id": str(session.id)},
                )
            )

    def _tell(self, session: Session | None) -> Session | None:
        if session is not None:
            self._events.publish(
                Event(
                    type="session",
                    session_id=session.id,
                    owner_id=session.owner_id,
                    tenant_id=session.tenant_id,
                    session=session,
                )
            )
        return session
