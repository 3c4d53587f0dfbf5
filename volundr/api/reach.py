"""The session that a path names, for who may do something to it."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from volundr.api.deps import service
from volundr.api.security import allowed, caller, permit
from volundr.domain.sessions.model import Session, of_session
from volundr.domain.sessions.service import SessionService

Sessions = Annotated[SessionService, Depends(service(SessionService))]


def session_for(action: str) -> Callable[[Request, Sessions, UUID], Awaitable[Session]]:
    """A dependency that hands the route the session of its `{session_id}`, if its caller may do this to it.

    Raises NotFound for a session that is another person's: whether it exists is not their business either.
    """
    decide = allowed(action)

    async def reach(request: Request, sessions: Sessions, session_id: UUID) -> Session:
        await decide(request)
        session = await sessions.get(session_id)
        if caller(request).kind == "user":
            await permit(request, action, of_session(session))
        return session

    return reach


type Readable = Annotated[Session, Depends(session_for("session.read"))]
type Writable = Annotated[Session, Depends(session_for("session.write"))]
type Reporting = Annotated[Session, Depends(session_for("session.report"))]
