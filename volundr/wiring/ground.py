"""What every part of a forge stands on, and what it gives."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from volundr.api.security import Site, local_site
from volundr.db.database import Database
from volundr.domain.leases import Leases, Unshared
from volundr.domain.sessions.ports import EventBroadcaster, PodManager, SessionContributor, SessionGate
from volundr.domain.sessions.service import SessionService
from volundr.local.broadcaster import LocalBroadcaster
from volundr.local.git import Git
from volundr.local.identity import Keys, keys_of
from volundr.local.shared_broadcaster import SharedBroadcaster
from volundr.local.workspaces import LocalWorkspaces
from volundr.process import Tasks
from volundr.registry import Adapters
from volundr.settings import Settings
from volundr.store.changes import ChangeLog
from volundr.store.leases import LeaseStore
from volundr.store.sessions import SessionStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Made before any part. `tasks` end with the forge; `sessions` are the rows, not the service.

    `server`: several people use it.
    """

    settings: Settings
    db: Database
    adapters: Adapters
    pods: PodManager
    tasks: Tasks
    sessions: SessionStore
    events: EventBroadcaster
    workspaces: LocalWorkspaces
    git: Git
    keys: Keys
    site: Site
    port: int
    server: bool
    leases: Leases


def lay(settings: Settings, port: int, db: Database, pods: PodManager, adapters: Adapters, site: Site | None) -> Ground:
    """`site` is a server's; a laptop's forge goes by the names of its machine. On Postgres others may share the sessions."""
    git = Git(env=settings.environment)
    changes = ChangeLog(db) if db.kind == "postgres" else None
    return Ground(
        settings=settings,
        db=db,
        adapters=adapters,
        pods=pods,
        tasks=Tasks(),
        sessions=SessionStore(db, changes),
        events=SharedBroadcaster(db, changes) if changes else LocalBroadcaster(),
        workspaces=LocalWorkspaces(home=settings.home, git=git),
        git=git,
        keys=keys_of(settings.home),
        site=site or local_site(port),
        port=port,
        server=site is not None,
        leases=LeaseStore(db, settings.server.lease_seconds) if changes else Unshared(),
    )


type Services = Mapping[type, Any]
"""What is found by its type."""


def _nothing(_: SessionService, __: Services) -> Services:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """`services` are what routes find by their type; `with_sessions` makes those that need the session service. It is given the
    services of all parts, and those that the parts before it made so.

    `prepare` is awaited before the first request is taken, in every worker. `run` are tasks by name, begun when the forge
    begins to work and cancelled when it ends; `duties` the same, but each is done by one worker of all. `close` is awaited
    after that, in reverse order, while the database is still open.
    """

    services: Services = field(default_factory=dict)
    with_sessions: Callable[[SessionService, Services], Services] = _nothing
    contributors: Sequence[SessionContributor] = ()
    gates: Sequence[SessionGate] = ()
    prepare: Sequence[Callable[[], Awaitable[None]]] = ()
    run: Mapping[str, Callable[[], Coroutine[Any, Any, None]]] = field(default_factory=dict)
    duties: Mapping[str, Callable[[], Coroutine[Any, Any, None]]] = field(default_factory=dict)
    close: Sequence[Callable[[], Awaitable[None]]] = ()
