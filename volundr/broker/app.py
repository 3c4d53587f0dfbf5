"""Skuld as a web application: what the forge's gateway, the pod manager and the shim speak to."""

import asyncio
import logging
import resource
import shlex
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.types import ASGIApp

from volundr import __version__
from volundr.broker import manage, problem
from volundr.broker.channels.admission import Admission
from volundr.broker.channels.channel import Channel, Sessions
from volundr.broker.channels.lounge import Lounge
from volundr.broker.channels.tty import tty
from volundr.broker.channels.websocket import chat
from volundr.broker.files.roots import Access
from volundr.broker.leftovers import deliver_leftovers
from volundr.broker.routes import SESSION_ROUTERS
from volundr.broker.routes.code import EDITOR
from volundr.broker.service_manager import ServiceManager, Surroundings
from volundr.broker.transports.factory import Transports
from volundr.broker.transports.shim import Where
from volundr.broker.transports.transport import Agent
from volundr.broker.watch import Watch
from volundr.domain.errors import VolundrError
from volundr.domain.tickets import derive
from volundr.process import Tasks
from volundr.registry import Adapters

if TYPE_CHECKING:
    from volundr.settings import Settings

CHANNEL_PAUSE, LONGEST_CHANNEL_PAUSE = 1.0, 300.0

log = logging.getLogger(__name__)


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
        channels={name: adapters.make(Channel, name, section) for name, section in settings.channels.items()},
        transport=lambda spec: transports.make(spec.transport, spec.session_id, derive(spec.secret, "cli")),
        environment=settings.environment,
        grace=settings.sessions.stop_grace,
        setup_seconds=settings.sessions.setup_minutes * 60,
        definitions=settings.definitions,
        home_files=settings.sessions.home_files,
        terminal=settings.sessions.terminal,
        terminal_command=shlex.split(settings.sessions.terminal_command),
        permission_seconds=settings.sessions.permission_minutes * 60,
    )
    return compose(around, key, routes=(WebSocketRoute("/ws/cli/{session_id}", transports.links.endpoint),))


def compose(around: Surroundings, key: str, routes: Sequence[BaseRoute] = (), end: Callable[[], None] = end_by_signal) -> Skuld:
    """Skuld over these agents and transports. `routes` are the transports' own; `end` is called after `/manage/shutdown`."""
    manager = ServiceManager(around)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        _allow_many_files()
        tasks = Tasks()
        await manager.recover()
        tasks.spawn(Watch(manager.brokers, around.permission_seconds).run(), name="watch sessions")
        tasks.spawn(deliver_leftovers(around.home, manager.runs), name="leftover reports")
        for name, channel in around.channels.items():
            tasks.spawn(_keep(name, channel, Lounge(manager)), name=f"channel {name}")
        try:
            yield
        finally:
            await tasks.close()
            await manager.leave_all()

    app = FastAPI(title="Skuld", version=__version__, docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.manager, app.state.manage_key, app.state.end = manager, key, end
    app.state.admission = Admission()
    app.add_exception_handler(VolundrError, problem.of_error)
    app.add_exception_handler(RequestValidationError, problem.of_request)
    app.include_router(manage.router)
    for router in SESSION_ROUTERS:
        app.include_router(router)
    app.state.file_access = Access(home_allowed=around.home_files)
    app.router.routes.append(EDITOR)
    app.router.routes.append(WebSocketRoute("/s/{session_id}/ws/chat", chat))
    app.router.routes.append(WebSocketRoute("/s/{session_id}/ws/terminal/{terminal_id}", tty))
    app.router.routes.extend(routes)
    return Skuld(app, manager)


async def _keep(name: str, channel: Channel, sessions: Sessions) -> None:
    """Sessions do not suffer from a fault of a channel, and neither do the other channels."""
    pause = CHANNEL_PAUSE
    while True:
        try:
            await channel.run(sessions)
        except Exception:
            log.exception("channel failed", extra={"channel": name})
        else:
            return
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_CHANNEL_PAUSE)


def _allow_many_files() -> None:
    """A session holds two files open; a thousand sessions more than most systems allow at first."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ValueError, OSError):
        log.info("limit of open files not raised", extra={"limit": soft})
