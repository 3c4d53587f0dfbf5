"""The worker processes of `volundr serve`: the parent starts them on one listener, tells them how Skuld and the shim are,
starts dead ones again, and renews them one after another without a gap.

A worker holds one end of a socket pair. When it closes, the parent is gone, and the worker ends as if it were asked to.
"""

import asyncio
import json
import logging
import signal
import socket
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from volundr.domain.errors import Unavailable
from volundr.local.keepers import HOPELESS, Condition, Keepers
from volundr.process import Tasks, own_command

log = logging.getLogger(__name__)

START_SECONDS = 30.0
END_SECONDS = 30.0
"""How long a worker may take to finish its requests; then it is ended by force."""
FORCE_SECONDS = 3.0
STEADY_SECONDS = 30.0
LONGEST_PAUSE = 15.0
READY = b"ready\n"


@dataclass(slots=True, kw_only=True)
class Worker:
    """One process. `up` once it takes connections."""

    process: asyncio.subprocess.Process
    talk: asyncio.StreamWriter
    up: bool = False
    watching: list[asyncio.Task[None]] = field(default_factory=list)


class Workers:
    """`many` places, each with one process that is replaced when it dies."""

    def __init__(self, listener: socket.socket, many: int, keepers: Keepers, environment: Mapping[str, str]) -> None:
        self._listener = listener
        self._keepers = keepers
        self._environment = environment
        self._tasks = Tasks()
        self._places: list[Worker | None] = [None] * many
        self._failures = 0
        self._renewing = asyncio.Lock()
        self._ending = False
        self._turn = asyncio.Event()

    def start(self) -> None:
        for number in range(len(self._places)):
            self._tasks.spawn(self._keep(number), name=f"keep worker {number}")

    @property
    def pids(self) -> Sequence[int]:
        """Of those that take connections now."""
        return [worker.process.pid for worker in self._places if worker is not None and worker.up]

    async def ready(self) -> None:
        """Return when all take connections. Raises Unavailable when they cannot start; they have said why themselves."""
        limit = START_SECONDS * 2
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                while len(self.pids) < len(self._places) and self._failures < HOPELESS * len(self._places):
                    await self._turn.wait()
        if len(self.pids) < len(self._places):
            raise Unavailable("The workers do not start.", hint="What they said stands above, and in the forge's log.")

    async def renew(self) -> None:
        """Replace one after another: the new one takes connections before the old one is asked to end."""
        async with self._renewing:
            for number, old in enumerate(self._places):
                if old is None or not old.up:
                    continue  # it is being started anyway
                try:
                    new = await self._launch()
                except Unavailable as error:
                    log.warning("workers are not renewed", extra={"cause": str(error)})
                    return
                if self._places[number] is not old:  # it died meanwhile and has its successor
                    await self._retire(new)
                    continue
                self._places[number] = new
                self._tasks.spawn(self._keep(number, new), name=f"keep worker {number}")
                await self._retire(old)
        log.info("workers renewed")

    async def end(self, limit: float = END_SECONDS) -> None:
        """Ask all to end, and wait until they have; by force after `limit` seconds."""
        self._ending = True
        left = [worker for worker in self._places if worker is not None]
        await asyncio.gather(*(self._retire(worker, limit) for worker in left))
        await self._tasks.close()

    async def _keep(self, number: int, worker: Worker | None = None) -> None:
        """Until it is replaced: `renew` puts another one in its place and keeps that one."""
        deaths = 0
        while True:
            begun = time.monotonic()
            try:
                worker = worker or await self._launch()
            except Unavailable as error:
                self._failures += 1
                log.warning("worker does not start", extra={"cause": str(error)})
            else:
                self._places[number], self._failures = worker, 0
                self._turned()
                code = await worker.process.wait()
                if self._ending or self._places[number] is not worker:
                    return
                log.error("worker died", extra={"pid": worker.process.pid, "code": code})
                self._places[number] = None
                _let_go(worker)
            worker = None
            self._turned()
            deaths = 1 if time.monotonic() - begun > STEADY_SECONDS else deaths + 1
            await asyncio.sleep(0.0 if deaths <= 1 else min(LONGEST_PAUSE, 0.25 * 2.0 ** min(deaths, 10)))

    def _turned(self) -> None:
        self._turn.set()
        self._turn.clear()

    async def _launch(self) -> Worker:
        """A process that takes connections. Raises Unavailable when it ends or is late."""
        ours, theirs = socket.socketpair()
        argv = [*own_command(), "worker", str(self._listener.fileno()), str(theirs.fileno())]
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                env=dict(self._environment),
                pass_fds=[self._listener.fileno(), theirs.fileno()],
                start_new_session=True,
            )
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        worker = Worker(process=process, talk=writer)
        worker.watching.append(self._tasks.spawn(self._tell(writer), name=f"tell worker {process.pid}"))
        try:
            async with asyncio.timeout(START_SECONDS):
                said = await reader.readline()
        except (TimeoutError, OSError):
            said = b""
        except asyncio.CancelledError:
            await self._retire(worker)
            raise
        if said != READY:
            with suppress(TimeoutError):  # one that fails says why before it is gone
                async with asyncio.timeout(FORCE_SECONDS):
                    await process.wait()
            await self._retire(worker)
            raise Unavailable(f"A worker ended with code {process.returncode} or was late.")
        worker.up = True
        log.info("worker started", extra={"pid": process.pid})
        return worker

    async def _tell(self, writer: asyncio.StreamWriter) -> None:
        """The board, now and whenever it changes."""
        seen = 0
        with suppress(OSError):
            while True:
                known = {name: [one.up, one.problem, one.failures] for name, one in self._keepers.conditions.items()}
                writer.write(json.dumps(known).encode() + b"\n")
                await writer.drain()
                seen = await self._keepers.next_change(seen)

    async def _retire(self, worker: Worker, limit: float = END_SECONDS) -> None:
        worker.up = False
        for number, seconds in ((signal.SIGTERM, limit), (signal.SIGKILL, FORCE_SECONDS)):
            with suppress(ProcessLookupError):
                worker.process.send_signal(number)
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await worker.process.wait()
                    break
        _let_go(worker)


def _let_go(worker: Worker) -> None:
    for task in worker.watching:
        task.cancel()
    worker.talk.close()


class Parent:
    """The worker's end of the talk."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, keepers: Keepers) -> None:
        self._reader = reader
        self._writer = writer
        self._keepers = keepers

    async def ready(self) -> None:
        """Say that connections are taken."""
        self._writer.write(READY)
        await self._writer.drain()

    async def listen(self) -> None:
        """Keep the board as the parent says. Returns when the parent is gone."""
        with suppress(OSError):
            while line := await self._reader.readline():
                for name, (up, problem, failures) in json.loads(line).items():
                    self._keepers.learn(name, Condition(up=up, problem=problem, failures=failures))

    def close(self) -> None:
        self._writer.close()


@asynccontextmanager
async def parent(handle: int, keepers: Keepers) -> AsyncIterator[Parent]:
    """The process that started us, by the handle it gave us."""
    reader, writer = await asyncio.open_unix_connection(sock=socket.socket(fileno=handle))
    talk = Parent(reader, writer, keepers)
    try:
        yield talk
    finally:
        talk.close()
