"""`/manage/…`: how a forge runs sessions in this Skuld. Opened by the manage key alone."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from volundr import __version__
from volundr.broker.broker import Readiness
from volundr.broker.history import HISTORY_RECORDS
from volundr.broker.parts import Activity
from volundr.broker.service_manager import ServiceManager
from volundr.domain.errors import Forbidden, Invalid
from volundr.domain.sessions.spec import SessionSpec

LINES = 200


def bearer(authorization: str) -> str:
    """The token of an `Authorization: Bearer` header, "" if it has none."""
    kind, _, token = authorization.partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def manager_of(request: Request) -> ServiceManager:
    """The sessions of this Skuld, for who has the manage key."""
    given = bearer(request.headers.get("authorization", ""))
    if not hmac.compare_digest(given.encode(), request.app.state.manage_key.encode()):
        raise Forbidden("The manage key is missing or wrong.")
    manager: ServiceManager = request.app.state.manager
    return manager


type Manager = Annotated[ServiceManager, Depends(manager_of)]
router = APIRouter(prefix="/manage", tags=["skuld"])


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedSession:
    """One session as its pod manager sees it."""

    session: str
    state: Readiness
    step: str = ""
    error: str = ""
    hint: str = ""
    busy: bool = False
    activity: Activity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedSessions:
    items: Sequence[ManagedSession]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    lines: Sequence[str] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuldHealth:
    version: str
    sessions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """It is so now."""

    ok: bool = True


@router.get("/health", name="skuld_health")
async def health(manager: Manager) -> SkuldHealth:
    return SkuldHealth(version=__version__, sessions=len(manager.names()))


@router.get("/sessions", name="skuld_sessions")
async def list_sessions(manager: Manager) -> ManagedSessions:
    return ManagedSessions(items=[_shown(manager, name) for name in manager.names()])


@router.put("/sessions/{session_id}", name="skuld_start_session")
async def start(session_id: UUID, spec: SessionSpec, manager: Manager) -> ManagedSession:
    if spec.session_id != str(session_id):
        raise Invalid("The specification is for another session than the address.")
    await manager.start(spec)
    return _shown(manager, spec.session_id)


@router.get("/sessions/{session_id}", name="skuld_session")
async def show(session_id: UUID, manager: Manager) -> ManagedSession:
    return _shown(manager, str(session_id))


@router.post("/sessions/{session_id}/stop", name="skuld_stop_session")
async def stop(session_id: UUID, manager: Manager) -> Done:
    await manager.stop(str(session_id))
    return Done()


@router.delete("/sessions/{session_id}", name="skuld_delete_session")
async def delete(session_id: UUID, manager: Manager) -> Done:
    await manager.delete(str(session_id))
    return Done()


@router.get("/sessions/{session_id}/logs", name="skuld_session_logs")
async def logs(session_id: UUID, manager: Manager, lines: Annotated[int, Query(ge=0, le=5000)] = LINES) -> Lines:
    return Lines(lines=manager.lines(str(session_id), lines))


@router.get("/sessions/{session_id}/history", name="skuld_session_history")
async def history(
    session_id: UUID,
    manager: Manager,
    before: Annotated[int | None, Query(ge=1)] = None,
    limit: Annotated[int, Query(ge=1, le=HISTORY_RECORDS)] = 500,
) -> Response:
    """Records before this one, oldest first, whether or not the session runs."""
    return Response(await manager.history(str(session_id), before, limit), media_type="application/json")


@router.post("/shutdown", name="skuld_shutdown")
async def shutdown(manager: Manager, request: Request) -> Done:
    await manager.stop_all()
    request.app.state.end()
    return Done()


def _shown(manager: ServiceManager, name: str) -> ManagedSession:
    found, activity = manager.health(name), manager.activity(name)
    return ManagedSession(
        session=name,
        state=found.state,
        step=found.step,
        error=found.error,
        hint=found.hint,
        busy=found.busy,
        activity=activity,
    )
