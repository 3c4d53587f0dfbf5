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


def session_for(action: str, of_pods: str = "") -> Callable[[Request, Sessions, UUID], Awaitable[Session]]:
    """A dependency that hands the route the session of its `{session_id}`, if its caller may do this to it.

    `of_pods`: what the session's own broker has to be allowed instead, where people and brokers may come. Raises NotFound
    for a session that is another person's: whether it exists is not their business either.
    """
    people, pods = allowed(action), allowed(of_pods or action)

    async def reach(request: Request, sessions: Sessions, session_id: UUID) -> Session:
        is_pod = caller(request).kind == "pod"
        await (pods if is_pod else people)(request)
        session = await sessions.get(session_id)
        if not is_pod:
            await permit(request, action, of_session(session))
        return session

    return reach


type Readable = Annotated[Session, Depends(session_for("session.read"))]
type Writable = Annotated[Session, Depends(session_for("session.write"))]
type Reporting = Annotated[Session, Depends(session_for("session.report"))]
