"""Keeps Skuld and the shim alive: starts them, adopts what a forge left behind, starts dead ones again, ends them on purpose.

They are processes of their own that outlive the forge. A forge that crashes leaves them running; only `end` ends them.
"""

import asyncio
import logging
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from volundr import __version__
from volundr.domain.errors import Unavailable, VolundrError
from volundr.local import runfile
from volundr.local.keepers import START_SECONDS, Condition, Keepers
from volundr.local.shim import Shim
from volundr.local.skuld import Skuld
from volundr.process import Running, Tasks, detach, own_command, start_time

log = logging.getLogger(__name__)

ANSWER_SECONDS = 10.0
"""How long a living process of an earlier forge may take to answer before it counts as hung and is replaced."""
END_SECONDS = 10.0
FORCE_SECONDS = 3.0
STEADY_SECONDS = 30.0
"""A process that lived this long and died is started again at once; one that keeps dying waits longer each time."""
LONGEST_PAUSE = 30.0
LARGEST_LOG = 10 * 1024 * 1024


def pause(deaths: int) -> float:
    """Seconds to wait before the next start, after so many early deaths in a row."""
    return 0.0 if deaths <= 1 else min(LONGEST_PAUSE, 0.25 * 2.0 ** min(deaths, 10))


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One process to look after. `replaceable`: a newer version may take its place while sessions run."""

    name: str
    argv: Sequence[str]
    socket: Path
    health: Callable[[], Awaitable[object]]
    shutdown: Callable[[], Awaitable[object]]
    replaceable: bool


def roles(home: Path, key: str, grace: float) -> Sequence[Role]:
    """Skuld and the shim of this home."""
    skuld = Skuld(socket=runfile.socket_path(home, "skuld"), key=key)
    shim = Shim(socket=runfile.socket_path(home, "shim"))
    return (
        Role(
            name="skuld",
            argv=[*own_command(), "broker"],
            socket=skuld.socket,
            health=skuld.health,
            shutdown=lambda: skuld.shutdown(END_SECONDS),
            replaceable=True,
        ),
        Role(
            name="shim",
            argv=[*own_command(), "shim"],
            socket=shim.socket,
            health=shim.health,
            shutdown=lambda: shim.shutdown(grace, END_SECONDS),
            replaceable=False,
        ),
    )


class Supervisor(Keepers):
    """One per forge, inside `runfile.sole_forge`."""

    def __init__(self, home: Path, watched: Sequence[Role], environment: Mapping[str, str]) -> None:
        super().__init__([role.name for role in watched])
        self._home = home
        self._roles = {role.name: role for role in watched}
        self._environment = {**environment, "VOLUNDR_HOME": str(home)}
        self._tasks = Tasks()
        self._restarts = dict.fromkeys(self._roles, 0)

    def start(self) -> None:
        """Begin to look after them, without waiting: see `ready`."""
        for role in self._roles.values():
            self._tasks.spawn(self._keep(role), name=f"supervise {role.name}")

    def restarts(self, name: str) -> int:
        return self._restarts[name]

    async def close(self) -> None:
        """Look away; they go on."""
        await self._tasks.close()

    async def end(self) -> None:
        """End them in order, gracefully, then by force, also those that an earlier forge left. Returns when all are gone."""
        await self.close()
        for role in self._roles.values():
            self.learn(role.name, Condition())
            await self._end(role)

    async def _keep(self, role: Role) -> None:
        deaths = failures = 0
        running = await self._adopt(role)
        while True:
            begun = time.monotonic()
            try:
                running = running or await self._launch(role)
            except (VolundrError, OSError) as error:
                problem = str(error)
                failures += 1
                log.warning("process does not start", extra={"role": role.name, "cause": str(error).partition("\n")[0]})
            else:
                failures = 0
                self.learn(role.name, Condition(up=True))
                await running.gone()
                problem = f"it ended{_last_words(self._log(role))}"
                log.error("process died", extra={"role": role.name, "pid": running.pid})
            running = None
            self.learn(role.name, Condition(problem=problem, failures=failures))
            deaths = 1 if time.monotonic() - begun > STEADY_SECONDS else deaths + 1
            self._restarts[role.name] += 1
            await asyncio.sleep(pause(deaths))

    def _log(self, role: Role) -> Path:
        return self._home / "logs" / f"{role.name}.log"

    async def _adopt(self, role: Role) -> Running | None:
        """The living process of an earlier forge, if there is one and it is fit; one that is not is ended."""
        running = runfile.read(self._home, role.name)
        if running is None or not running.alive():
            return None
        if role.replaceable and running.version != __version__:
            log.info("process of another version is replaced", extra={"role": role.name, "version": running.version})
        else:
            with suppress(TimeoutError):
                async with asyncio.timeout(ANSWER_SECONDS):
                    await _until_healthy(role)
                    log.info("process adopted", extra={"role": role.name, "pid": running.pid})
                    return running
            log.error("process does not answer and is replaced", extra={"role": role.name, "pid": running.pid})
        await _force(running, END_SECONDS)
        return None

    async def _launch(self, role: Role) -> Running:
        """Start it and wait until it answers. Raises Unavailable with what it said."""
        path = self._log(role)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        if path.exists() and path.stat().st_size > LARGEST_LOG:
            path.replace(path.with_suffix(".log.1"))
        before = path.stat().st_size if path.exists() else 0
        pid = detach(role.argv, path, self._environment)
        running = Running(pid=pid, start_time=start_time(pid) or 0, address=str(role.socket), version=__version__)
        runfile.write(self._home, role.name, running)
        log.info("process started", extra={"role": role.name, "pid": pid})
        healthy = self._tasks.spawn(_until_healthy(role), name=f"wait for {role.name}")
        gone = self._tasks.spawn(running.gone(), name=f"watch {role.name}")
        try:
            await asyncio.wait([healthy, gone], timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if healthy.done():
                return running
            what = "it ended" if gone.done() else f"it did not answer within {START_SECONDS:.0f} s"
        finally:
            healthy.cancel()
            gone.cancel()
        await _force(running, FORCE_SECONDS)
        raise Unavailable(f"{what}{_last_words(path, before)}")

    async def _end(self, role: Role) -> None:
        running = runfile.read(self._home, role.name)
        if running is None:
            return
        if running.alive():
            try:
                async with asyncio.timeout(END_SECONDS):
                    await role.shutdown()
                    await running.gone()
            except (TimeoutError, VolundrError) as error:
                log.warning("process does not end when asked", extra={"role": role.name, "cause": str(error)})
            await _force(running, FORCE_SECONDS)
        runfile.forget(self._home, role.name, running)
        role.socket.unlink(missing_ok=True)


async def _until_healthy(role: Role) -> None:
    """Ask until it answers. Endless: the caller has the time limit."""
    while True:
        try:
            await role.health()
        except VolundrError:
            await asyncio.sleep(0.02)
        else:
            return


async def _force(running: Running, grace: float) -> None:
    """SIGTERM, and SIGKILL after `grace` seconds; only ever this very process."""
    for number, limit in ((signal.SIGTERM, grace), (signal.SIGKILL, FORCE_SECONDS)):
        if not running.signal(number):
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await running.gone()


def _last_words(path: Path, start: int = 0) -> str:
    """The end of what a process printed, the last line first: mostly it is the one that matters."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(start, size - 4096))
            lines = file.read().decode("utf-8", "replace").strip().splitlines()[-8:]
    except OSError:
        lines = []
    return f": {lines[-1]}" + "".join(f"\n  {line}" for line in lines[:-1]) if lines else " without a word"
