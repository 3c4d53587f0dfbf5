"""Skuld as a web application: what the forge's gateway, the pod manager and the shim speak to."""

import logging
import resource
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.types import ASGIApp

from volundr import __version__
from volundr.broker import manage
from volundr.broker.broker import Broker
from volundr.broker.channels.admission import Admission
from volundr.broker.channels.websocket import chat
from volundr.broker.history import HISTORY_RECORDS, page
from volundr.broker.parts import Activity
from volundr.broker.service_manager import ServiceManager, Surroundings
from volundr.broker.transports.factory import Transports
from volundr.broker.transports.shim import Where
from volundr.broker.transports.transport import Agent
from volundr.domain.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable, VolundrError
from volundr.domain.tickets import derive
from volundr.registry import Adapters

if TYPE_CHECKING:
    from volundr.settings import Settings

log = logging.getLogger(__name__)

_STATUS: Mapping[type[VolundrError], HTTPStatus] = {
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    Forbidden: HTTPStatus.FORBIDDEN,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionHealth:
    session: str
    agent: str
    alive: bool
    activity: Activity
    epoch: str
    last_seq: int


@dataclass(frozen=True, slots=True)
class Skuld:
    """`app` is what a server serves, with its lifespan."""

    app: ASGIApp
    manager: ServiceManager


def end_by_signal() -> None:
    """End this process as if it had been asked from outside."""
    signal.raise_signal(signal.SIGTERM)


def build_broker(settings: "Settings", adapters: Adapters, key: str, where: Where | None = None) -> Skuld:
    """Skuld as this home's settings and plugins make it. `where`: its own socket and the shim's, if not in `run/`."""
    sockets = where or Where(shim=settings.home / "run" / "shim.sock", skuld=settings.home / "run" / "skuld.sock")
    transports = Transports(sockets)
    around = Surroundings(
        home=settings.home,
        agents=adapters.all(Agent, settings.agents),
        transport=lambda spec: transports.make(spec.transport, spec.session_id, derive(spec.secret, "cli")),
        environment=settings.environment,
        grace=settings.sessions.stop_grace,
    )
    return compose(around, key, routes=(WebSocketRoute("/ws/cli/{session_id}", transports.links.endpoint),))


def compose(around: Surroundings, key: str, routes: Sequence[BaseRoute] = (), end: Callable[[], None] = end_by_signal) -> Skuld:
    """Skuld over these agents and transports. `routes` are the transports' own; `end` is called after `/manage/shutdown`."""
    manager = ServiceManager(around)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        _allow_many_files()
        await manager.recover()
        try:
            yield
        finally:
            await manager.leave_all()

    app = FastAPI(title="Skuld", version=__version__, docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.manager, app.state.manage_key, app.state.end = manager, key, end
    app.state.admission = Admission()
    app.add_exception_handler(VolundrError, _problem)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.include_router(manage.router)
    app.add_api_route("/s/{session_id}/health", health)
    app.add_api_route("/s/{session_id}/history", history)
    app.router.routes.append(WebSocketRoute("/s/{session_id}/ws/chat", chat))
    app.router.routes.extend(routes)
    return Skuld(app, manager)


def _admitted(request: Request, session_id: str) -> Broker:
    manager: ServiceManager = request.app.state.manager
    admission: Admission = request.app.state.admission
    broker = manager.find(session_id)
    admission.admit(broker.spec.secret, session_id, manage.bearer(request.headers.get("authorization", "")))
    return broker


async def health(request: Request, session_id: str) -> SessionHealth:
    broker = _admitted(request, session_id)
    journal = broker.journal
    return SessionHealth(
        session=session_id,
        agent=broker.spec.agent,
        alive=broker.health().state == "ready",
        activity=journal.activity,
        epoch=journal.log.epoch,
        last_seq=journal.stream.last_seq,
    )


async def history(
    request: Request,
    session_id: str,
    before: Annotated[int | None, Query(ge=1)] = None,
    limit: Annotated[int, Query(ge=1, le=HISTORY_RECORDS)] = 500,
) -> Response:
    """The records before this one, oldest first: as many as asked for, unless they are very large."""
    journal = _admitted(request, session_id).journal
    return Response(page(journal.log, journal.stream.last_seq, before, limit), media_type="application/json")


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, VolundrError)
    status = _STATUS.get(type(error), HTTPStatus.INTERNAL_SERVER_ERROR)
    return _told(status, str(error), error.hint)


async def _unreadable(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:3])
    return _told(HTTPStatus.UNPROCESSABLE_ENTITY, f"This request cannot be read: {told}.", "")


def _told(status: HTTPStatus, detail: str, hint: str) -> Response:
    problem = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    return JSONResponse(problem | ({"hint": hint} if hint else {}), status, media_type="application/problem+json")


def _allow_many_files() -> None:
    """A session holds two files open; a thousand sessions more than most systems allow at first."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ValueError, OSError):
        log.info("limit of open files not raised", extra={"limit": soft})
