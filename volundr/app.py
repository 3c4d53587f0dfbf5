"""Puts Volundr together. The one module that knows every other; it wires and does nothing else."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from starlette.types import ASGIApp

from volundr import __version__
from volundr.api import security
from volundr.api.http import Rooms, build_api
from volundr.api.security import Site, local_site
from volundr.api.webui import WebUI
from volundr.books import books
from volundr.broker.transports.transport import Agent
from volundr.db.database import Database
from volundr.document import described
from volundr.domain.agents import AgentCatalog
from volundr.domain.gateway import GatewayPort, SessionKeys
from volundr.domain.logins import Logins
from volundr.domain.retention import Retention
from volundr.domain.sessions.contributors.core import CoreContributor
from volundr.domain.sessions.contributors.workspace import WorkspaceContributor
from volundr.domain.sessions.launch import Launch
from volundr.domain.sessions.model import Status
from volundr.domain.sessions.ports import EventBroadcaster, PodManager
from volundr.domain.sessions.progress import Progress
from volundr.domain.sessions.reconcile import Reconciler
from volundr.domain.sessions.service import SessionService
from volundr.domain.system import SystemReport, SystemService
from volundr.domain.upstream import Upstream
from volundr.domain.workspaces import Workspaces
from volundr.local.agents import LocalAgents
from volundr.local.broadcaster import LocalBroadcaster
from volundr.local.gateway import Door, GatewayApp, LocalGateway, gateway_socket
from volundr.local.git import Git
from volundr.local.identity import FileLogins, LocalAuthorization, LocalIdentity, keys_of
from volundr.local.machine import LocalMachine
from volundr.local.retention import LocalRetention
from volundr.local.workspaces import LocalWorkspaces
from volundr.process import Tasks
from volundr.registry import Adapters
from volundr.settings import Settings
from volundr.store.opening import open_up_to_date
from volundr.store.sessions import SessionStore

WEBUI = Path(__file__).resolve().parent.parent / "webui_dist"


async def open_database(settings: Settings) -> Database:
    return await open_up_to_date(settings.database.url, settings.home / "volundr.db")


@dataclass(slots=True)
class Forge:
    """A forge at work: `app` and `socket` (the class for WebSockets) are what uvicorn serves."""

    app: ASGIApp
    socket: type[Any]
    site: Site
    logins: FileLogins
    service: SessionService
    reconciler: Reconciler
    retention: LocalRetention
    db: Database
    tasks: Tasks = field(default_factory=Tasks)

    def start(self) -> None:
        """Begin to look after the sessions there are."""
        self.reconciler.start(self.tasks)
        self.tasks.spawn(self.retention.run(), name="retention")

    async def close(self) -> None:
        await self.tasks.close()
        await self.db.close()


def build_forge(settings: Settings, port: int, db: Database, pods: PodManager, adapters: Adapters) -> Forge:
    """Wire everything for a forge that listens on this port of this machine."""
    tasks, store, events = Tasks(), SessionStore(db), LocalBroadcaster()
    keys, site, logins = keys_of(settings.home), local_site(port), FileLogins(settings.home / "run" / "logins.json")
    identity, authorization = LocalIdentity(keys, logins), LocalAuthorization()
    workspaces = LocalWorkspaces(home=settings.home, git=Git(env=settings.environment))
    progress = Progress(store, events)
    agents = adapters.all(Agent, settings.agents)
    catalog = LocalAgents(agents, settings.environment)
    core = CoreContributor(keys.session, f"http://127.0.0.1:{port}", settings.sessions.transport)
    parts = (core, WorkspaceContributor(workspaces))
    launch = Launch(pods=pods, contributors=parts, progress=progress, timeout=settings.sessions.start_timeout)
    service = SessionService(store, workspaces, launch, agents, tasks, settings.definitions)
    gateway = LocalGateway(_upstream(service, pods))
    door = Door(site=site, identity=identity, authorization=authorization, gateway=gateway, secret=keys.session)
    about, retention = _about(settings, db), LocalRetention(store, settings.home, settings.retention)
    services: dict[type, Any] = books(service, db) | {
        SessionService: service,
        SystemService: SystemService(LocalMachine(db), catalog, about),
        Workspaces: workspaces,
        EventBroadcaster: events,
        GatewayPort: gateway,
        SessionKeys: keys,
        Logins: logins,
        AgentCatalog: catalog,
        Retention: retention,
    }
    api = described(build_api(services, site, identity, authorization, settings.limits.body_bytes))
    webui, rooms = (security.SecurityMiddleware(part, site=site, identity=identity) for part in (WebUI(WEBUI), GatewayApp(door)))
    return Forge(
        app=Rooms(api, webui, rooms),
        socket=gateway_socket(door, tasks),
        site=site,
        logins=logins,
        service=service,
        reconciler=Reconciler(store, pods, service, progress),
        retention=retention,
        db=db,
        tasks=tasks,
    )


def _about(settings: Settings, db: Database) -> SystemReport:
    return SystemReport(
        version=__version__, home=str(settings.home), database=db.kind, pods=settings.pods.use, agents=(), tools=()
    )


def _upstream(service: SessionService, pods: PodManager) -> Any:
    async def find(session_id: UUID) -> Upstream | None:
        session = await service.get(session_id)
        return pods.upstream(session_id, session.pod) if session.status is Status.RUNNING else None

    return find
