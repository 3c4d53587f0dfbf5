"""Puts Volundr together. The one module that knows every other; it wires and does nothing else."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from volundr import __version__
from volundr.api import security
from volundr.api.http import Rooms, build_api
from volundr.api.security import Site
from volundr.api.webui import WebUI
from volundr.broker.transports.transport import Agent
from volundr.db.database import Database
from volundr.document import described
from volundr.domain.agents import AgentCatalog
from volundr.domain.gateway import GatewayPort, SessionKeys
from volundr.domain.leases import Leases, duty
from volundr.domain.logins import Logins
from volundr.domain.sessions.contributors.core import CoreContributor
from volundr.domain.sessions.contributors.workspace import WorkspaceContributor
from volundr.domain.sessions.launch import Launch
from volundr.domain.sessions.model import Status
from volundr.domain.sessions.ports import EventBroadcaster, PodManager
from volundr.domain.sessions.progress import Progress
from volundr.domain.sessions.reconcile import Reconciler
from volundr.domain.sessions.service import Rules, SessionService
from volundr.domain.system import SystemReport, SystemService
from volundr.domain.workspaces import Workspaces
from volundr.local.agents import LocalAgents
from volundr.local.gateway import Door, GatewayApp, LocalGateway, gateway_socket
from volundr.local.identity import FileLogins
from volundr.local.machine import LocalMachine
from volundr.process import Tasks, lasting
from volundr.registry import Adapters
from volundr.settings import Settings
from volundr.store.opening import open_up_to_date
from volundr.wiring.entry import Entry, entry
from volundr.wiring.ground import Ground, Part, lay
from volundr.wiring.parts import PARTS

WEBUI = Path(__file__).resolve().parent.parent / "webui_dist"


async def open_database(settings: Settings) -> Database:
    return await open_up_to_date(settings.database.url, settings.home / "volundr.db", settings.database.connections)


@dataclass(slots=True)
class Forge:
    """A forge at work: `app` and `socket` (the class for WebSockets) are what uvicorn serves."""

    app: ASGIApp
    socket: type[Any]
    site: Site
    logins: FileLogins
    service: SessionService
    reconciler: Reconciler
    db: Database
    parts: Sequence[Part]
    leases: Leases
    load_all: Callable[[], None]
    """Load every route now: a server does before it takes requests, a laptop when somebody asks for one."""
    tasks: Tasks = field(default_factory=Tasks)

    async def prepare(self) -> None:
        """To be done before the first request is taken."""
        for part in self.parts:
            for prepare in part.prepare:
                await prepare()

    def start(self) -> None:
        """Begin to look after the sessions there are."""
        self.reconciler.start(self.tasks)
        for part in self.parts:
            for name, work in part.run.items():
                self.tasks.spawn(lasting(name, work), name=name)
            for name, work in part.duties.items():
                self.tasks.spawn(lasting(name, partial(duty, self.leases, name, work)), name=name)

    async def close(self) -> None:
        await self.tasks.close()
        for part in reversed(self.parts):
            for close in part.close:
                await close()
        await self.db.close()


@asynccontextmanager
async def forge_on(
    db: Database, settings: Settings, port: int, pods: PodManager, adapters: Adapters, site: Site | None = None
) -> AsyncIterator[Forge]:
    """A forge that listens on this port of this machine. `site`: a server's; without one, this machine's.

    Closes the database too, also when the settings ask for something there is not.
    """
    try:
        forge = _built(settings, port, db, pods, adapters, site)
    except BaseException:
        await db.close()
        raise
    try:
        yield forge
    finally:
        await forge.close()


def _built(settings: Settings, port: int, db: Database, pods: PodManager, adapters: Adapters, site: Site | None) -> Forge:
    ground = lay(settings, port, db, pods, adapters, site)
    keys = ground.keys
    logins = FileLogins(settings.home / "run" / "logins.json")
    chosen = entry(ground, keys, logins)
    identity, authorization = chosen.identity, chosen.authorization
    parts = [part(ground) for part in PARTS]
    progress = Progress(ground.sessions, ground.events)
    service, catalog = _sessions(ground, parts, progress)
    gateway = LocalGateway(lambda s: pods.upstream(s.id, s.pod) if s.status is Status.RUNNING else None)
    services: dict[type, Any] = {
        SessionService: service,
        SystemService: SystemService(LocalMachine(db), catalog, _about(settings, db), pods),
        Workspaces: ground.workspaces,
        EventBroadcaster: ground.events,
        GatewayPort: gateway,
        SessionKeys: keys,
        Logins: chosen.logins,
        AgentCatalog: catalog,
    } | _of_parts(parts, service)
    door = _door(ground, chosen, gateway, service)
    api = described(build_api(services, ground.site, identity, authorization, settings.limits.body_bytes))
    webui, rooms = (security.SecurityMiddleware(app, site=ground.site, identity=identity) for app in _rooms(door))
    return Forge(
        app=Rooms(api, webui, rooms),
        socket=gateway_socket(door, ground.tasks),
        site=ground.site,
        logins=logins,
        service=service,
        reconciler=Reconciler(ground.sessions, pods, service, progress),
        db=db,
        parts=parts,
        leases=ground.leases,
        load_all=api.state.segments.all,
        tasks=ground.tasks,
    )


def _of_parts(parts: Sequence[Part], sessions: SessionService) -> dict[type, Any]:
    found: dict[type, Any] = {}
    for part in parts:
        found |= part.services
    for part in parts:
        found |= part.with_sessions(sessions, found)
    return found


def _door(ground: Ground, chosen: Entry, gateway: GatewayPort, sessions: SessionService) -> Door:
    return Door(
        site=ground.site,
        identity=chosen.identity,
        authorization=chosen.authorization,
        gateway=gateway,
        secret=ground.keys.session,
        session=sessions.get,
    )


def _rooms(door: Door) -> Sequence[ASGIApp]:
    return WebUI(WEBUI), GatewayApp(door)


def _sessions(ground: Ground, parts: Sequence[Part], progress: Progress) -> tuple[SessionService, LocalAgents]:
    """The session service with the contributors and gates of all parts."""
    settings = ground.settings
    agents = ground.adapters.all(Agent, settings.agents)
    core = CoreContributor(ground.keys.session, f"http://127.0.0.1:{ground.port}", settings.sessions.transport)
    contributors = [core, WorkspaceContributor(ground.workspaces), *(one for part in parts for one in part.contributors)]
    launch = Launch(pods=ground.pods, contributors=contributors, progress=progress, timeout=settings.sessions.start_timeout)
    rules = Rules(definitions=settings.definitions, gates=[gate for part in parts for gate in part.gates], leases=ground.leases)
    service = SessionService(ground.sessions, ground.workspaces, launch, agents, ground.tasks, rules)
    return service, LocalAgents(agents, settings.environment)


def _about(settings: Settings, db: Database) -> SystemReport:
    return SystemReport(
        version=__version__, home=str(settings.home), database=db.kind, pods=settings.pods.use, agents=(), tools=()
    )
