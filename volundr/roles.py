"""The processes of a forge, each put together and run until it ends: forge, or server and its workers; broker, shim."""

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Never

from volundr.domain.errors import Invalid, VolundrError
from volundr.local import runfile
from volundr.local.logfile import log_file, log_to
from volundr.settings import Settings

if TYPE_CHECKING:
    from volundr.api.security import Site
    from volundr.app import Forge

log = logging.getLogger(__name__)

STOP_SECONDS = 10.0
"""How long ending sessions may take when the forge ends; what is left then is ended by Skuld's own shutdown."""
LAST_SECONDS = 40
"""A worker that was asked to end is gone after these, whatever it waits for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Said once the forge takes requests. `note` tells that the port is another one than expected; `link` signs in once."""

    address: str
    link: str
    note: str


def run_forge(settings: Settings, tell: Callable[[Listening], None], say: Callable[[str], None]) -> None:
    """Be the forge of this home until SIGINT or SIGTERM; then end sessions, Skuld and shim."""
    from volundr.local.listeners import bind, owner
    from volundr.local.serve import run

    runfile.prepare(settings.home)
    log_to(log_file(settings.log_folder / "forge.log"))
    with runfile.sole_forge(settings.home):
        wanted = settings.server.port
        exact = "server.port" in settings.given
        with bind(settings.server.host, wanted, exact=exact) as listener:
            port = listener.getsockname()[1]
            note = "" if exact or port == wanted else f"Port {wanted} is taken{owner(wanted)}; using {port}."
            run(_forge(settings, listener, lambda address, link: tell(Listening(address=address, link=link, note=note)), say))


async def _forge(
    settings: Settings, listener: socket.socket, tell: Callable[[str, str], None], say: Callable[[str], None]
) -> None:
    from volundr.app import forge_on, open_database
    from volundr.domain.sessions.ports import PodManager
    from volundr.loader import load
    from volundr.local.identity import keys_of
    from volundr.local.pods import ProcessPods, ProcessSettings
    from volundr.local.serve import asked_to_end, serving
    from volundr.local.skuld import Skuld
    from volundr.local.supervisor import Supervisor, roles

    keys = keys_of(settings.home)
    supervisor = Supervisor(settings.home, roles(settings.home, keys.manage, settings.sessions.stop_grace), _inherited(settings))
    skuld = Skuld(socket=runfile.socket_path(settings.home, "skuld"), key=keys.manage)
    adapters = load(settings.home)
    place = runfile.place(settings.home)
    adapters.offer(PodManager, "process", ProcessSettings, lambda _: ProcessPods(skuld, supervisor, place=place))
    pods = adapters.one(PodManager, settings.pods.section())
    async with forge_on(await open_database(settings), settings, listener.getsockname()[1], pods, adapters) as forge:
        myself = runfile.myself(forge.site.url)
        try:
            await forge.prepare()
            async with asked_to_end() as over, serving(forge.app, listener, forge.socket):
                runfile.write(settings.home, "forge", myself)
                tell(forge.site.url, f"{forge.site.url}/login#{forge.logins.code()}")
                log.info("forge listens", extra={"address": forge.site.url})
                supervisor.start()
                forge.start()
                await over.wait()
                say("Ending: sessions are stopped first. Once more Ctrl-C leaves them running.")
                await _stop_sessions(forge)
                await supervisor.end()
            log.info("forge ended")
        finally:
            await supervisor.close()
            runfile.forget(settings.home, "forge", myself)


async def _stop_sessions(forge: "Forge") -> None:
    try:
        await forge.service.stop_all(STOP_SECONDS)
    except VolundrError as error:
        log.warning("sessions do not stop", extra={"cause": str(error)})


def _inherited(settings: Settings) -> dict[str, str]:
    """What Skuld and shim get: the person's environment and our variables, but not the password of a database."""
    ours = {name: value for name, value in settings.variables.items() if name != "VOLUNDR_DATABASE_URL"}
    return {**settings.environment, **ours}


def run_server(settings: Settings, tell: Callable[[Listening], None], say: Callable[[str], None]) -> None:
    """Be the parent of this home's workers until SIGINT or SIGTERM. Sessions go on without it."""
    from volundr.local.listeners import bind
    from volundr.local.serve import run

    if not settings.database.url and settings.server.workers > 1:
        raise Invalid(
            f"{settings.server.workers} workers need a Postgres database, and none is set.",
            hint="Set VOLUNDR_DATABASE_URL=postgresql://user@host/name, or let one worker use SQLite: volundr serve --workers 1",
        )
    if settings.identity.use == "local" and settings.server.workers > 1:
        raise Invalid(
            "Logins of the identity `local` are known to one worker alone.",
            hint="Use `accounts`, the default of a server, or: volundr serve --workers 1",
        )
    runfile.prepare(settings.home)
    log_to(log_file(settings.log_folder / "forge.log"), logging.StreamHandler(sys.stderr))
    with runfile.sole_forge(settings.home), bind(settings.server.host, settings.server.port, exact=True) as listener:
        run(_server(settings, listener, tell, say))


async def _server(
    settings: Settings, listener: socket.socket, tell: Callable[[Listening], None], say: Callable[[str], None]
) -> None:
    from volundr.local.identity import keys_of
    from volundr.local.listeners import own_address
    from volundr.local.meters import forget_counts
    from volundr.local.serve import asked_to_end, asked_to_renew
    from volundr.local.supervisor import Supervisor, roles
    from volundr.local.workers import Workers
    from volundr.store.opening import open_up_to_date
    from volundr.wiring import entry

    keys = keys_of(settings.home)
    await (await open_up_to_date(settings.database.url, settings.home / "volundr.db")).close()
    forget_counts(settings.run_folder / "metrics")
    watched = roles(settings.home, keys.manage, settings.sessions.stop_grace) if settings.pods.use == "process" else ()
    supervisor = Supervisor(settings.home, watched, _inherited(settings))
    environment = {**settings.environment, **settings.variables, "VOLUNDR_HOME": str(settings.home)}
    workers = Workers(listener, settings.server.workers, supervisor, environment)
    address = site_of(settings, listener).url
    who, _ = entry.chosen(settings, server=True)
    myself = runfile.myself(own_address(*listener.getsockname()[:2]), "token" if who == "local" else "admin-token")
    try:
        async with asked_to_end() as over, asked_to_renew(workers.renew):
            supervisor.start()
            workers.start()
            await workers.ready()
            runfile.write(settings.home, "forge", myself)
            first = settings.home / "admin-token"
            note = f"The first administrator's token is in {first}." if first.exists() and who == "accounts" else ""
            tell(Listening(address=address, link="", note=note))
            log.info("server listens", extra={"address": address, "workers": settings.server.workers})
            await over.wait()
            say("Ending: open requests are finished first. Sessions go on; `volundr down` ends them.")
        log.info("server ends")
    finally:
        await workers.end()
        await supervisor.close()
        runfile.forget(settings.home, "forge", myself)


def run_worker(settings: Settings, arguments: Sequence[str]) -> None:
    """Be one worker: `arguments` are the handles of the listener and of the talk with the server that started it."""
    from volundr.local.serve import run

    log_to(log_file(settings.log_folder / "forge.log"), logging.StreamHandler(sys.stderr))
    listening, talking = (int(one) for one in arguments)
    for handle in (listening, talking):
        os.set_inheritable(handle, False)  # for us, not for what we start
    with socket.socket(fileno=listening) as listener:
        run(_worker(settings, listener, talking))


async def _worker(settings: Settings, listener: socket.socket, talking: int) -> None:
    from volundr.app import forge_on, open_database
    from volundr.domain.sessions.ports import PodManager
    from volundr.loader import load
    from volundr.local.identity import keys_of
    from volundr.local.keepers import Keepers
    from volundr.local.pods import ProcessPods, ProcessSettings
    from volundr.local.serve import WORKER_GRACE_SECONDS, EndsStreams, asked_to_end, serving
    from volundr.local.skuld import Skuld
    from volundr.local.workers import parent
    from volundr.process import Tasks

    keepers, tasks = Keepers(("skuld", "shim")), Tasks()
    skuld = Skuld(socket=runfile.socket_path(settings.home, "skuld"), key=keys_of(settings.home).manage)
    adapters = load(settings.home)
    place = runfile.place(settings.home)
    adapters.offer(PodManager, "process", ProcessSettings, lambda _: ProcessPods(skuld, keepers, place=place))
    async with asked_to_end() as over, parent(talking, keepers) as above:
        tasks.spawn(above.listen(), name="listen to the server").add_done_callback(lambda _: over.set())
        pods, port, site = (
            adapters.one(PodManager, settings.pods.section()),
            listener.getsockname()[1],
            site_of(settings, listener),
        )
        try:
            async with forge_on(await open_database(settings), settings, port, pods, adapters, site) as forge:
                forge.load_all()
                await forge.prepare()
                app = EndsStreams(forge.app, over)
                async with serving(app, listener, forge.socket, WORKER_GRACE_SECONDS):
                    forge.start()
                    await above.ready()
                    await over.wait()
                    signal.alarm(LAST_SECONDS)  # whatever hangs then: who would end it by force may be gone
        finally:
            await tasks.close()


def site_of(settings: Settings, listener: socket.socket) -> "Site":
    """The names of a server: those that are set, and those of the machine it listens on."""
    from volundr.api.security import server_site
    from volundr.local.listeners import names

    host, port = listener.getsockname()[:2]
    return server_site(port, names(host), settings.server.public_urls.replace(",", " ").split())


def run_broker(settings: Settings) -> None:
    """Be Skuld until SIGTERM (sessions' agents go on: another Skuld takes them over) or `/manage/shutdown`."""
    from volundr.local.serve import run

    _begin(settings)
    run(_broker(settings))


async def _broker(settings: Settings) -> None:
    from volundr.broker.app import build_broker
    from volundr.broker.transports.shim import Where
    from volundr.loader import load
    from volundr.local.identity import keys_of
    from volundr.local.serve import asked_to_end, listen_on, serving

    listener = listen_on(runfile.socket_path(settings.home, "skuld"))
    where = Where(shim=runfile.socket_path(settings.home, "shim"), skuld=runfile.socket_path(settings.home, "skuld"))
    skuld = build_broker(settings, load(settings.home), keys_of(settings.home).manage, where)
    async with asked_to_end() as over, serving(skuld.app, listener):
        log.info("skuld listens")
        await over.wait()


def run_shim(settings: Settings) -> None:
    """Be the shim until it is told `shutdown`."""
    from volundr.broker.shim import run_shim as run

    _begin(settings)
    run(runfile.socket_path(settings.home, "shim"))


def _begin(settings: Settings) -> None:
    runfile.prepare(settings.home)
    log_to(logging.StreamHandler(sys.stderr))
    os.chdir(settings.home)


def chosen(settings: Settings) -> Sequence[tuple[str, Sequence[str], Sequence[str]]]:
    """Every port that has named adapters: what is chosen, and all that is offered. Nothing is started."""
    from volundr.domain.identity import AuthorizationPort, IdentityPort
    from volundr.domain.sessions.ports import PodManager
    from volundr.loader import load
    from volundr.local.pods import ProcessSettings
    from volundr.wiring import credentials, entry

    adapters = load(settings.home)
    adapters.offer(PodManager, "process", ProcessSettings, _not_here)
    entry.offer(adapters, lambda: _not_here(None), lambda: _not_here(None))
    credentials.offer(adapters, lambda: _not_here(None))
    who, what = entry.chosen(settings, server=False)
    one: dict[type, str] = {PodManager: settings.pods.use, IdentityPort: who, AuthorizationPort: what}
    one |= credentials.chosen(settings, server=False)
    rows = [
        (port.__name__, [one[port]] if port in one else adapters.names(port), adapters.names(port)) for port in adapters.ports()
    ]
    database = "postgres" if settings.database.url else "sqlite"
    return sorted([*rows, ("Database", [database], ["postgres", "sqlite"])])


def _not_here(_: object) -> Never:
    raise Invalid("This is only made where a forge runs.")
