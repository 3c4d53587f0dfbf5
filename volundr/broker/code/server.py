"""One code-server for one session: started by the first request, on a socket of its own, ended when nobody uses it."""

import asyncio
import logging
import os
import shutil
import tempfile
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from volundr.broker import kept
from volundr.domain.errors import Conflict, Unavailable
from volundr.process import Tasks

log = logging.getLogger(__name__)

START_SECONDS = 30.0
IDLE_SECONDS = 1800.0
STOP_SECONDS = 10.0
GRACE_SECONDS = 3.0
SAID_BYTES = 4096
RETRY_PAUSE = 0.05
MISSING = "code-server, the editor for the browser, is not installed where this session runs."
INSTALL = "Install it (`npm install -g code-server`, with Node.js 22 or newer), or use the Files tab."


@dataclass(frozen=True, slots=True, kw_only=True)
class CodePlace:
    """What a session's editor works on. `folder` keeps its settings, `env` is the agent's own."""

    workspace: Path
    folder: Path
    env: Mapping[str, str] = field(repr=False)


class CodeServer:
    """`program` is a path or a name on the PATH. `idle`: seconds without a connection after which it ends."""

    def __init__(self, place: CodePlace, program: str = "code-server", idle: float = IDLE_SECONDS) -> None:
        self._place = place
        self._program = program
        self._idle = idle
        self._starting = asyncio.Lock()
        self._tasks = Tasks()
        self._run: _Run | None = None
        self._users = 0
        self._used = asyncio.Event()
        self._closed = False

    def find(self) -> str | None:
        """Where the program is."""
        return shutil.which(self._program, path=self._place.env.get("PATH"))

    @property
    def running(self) -> bool:
        return self._run is not None

    @asynccontextmanager
    async def used(self) -> AsyncIterator[Path]:
        """The socket of a server that listens, started if need be, and kept for as long as the block lasts.

        Raises Unavailable with the cause when there is none.
        """
        self._users += 1
        self._used.set()
        try:
            yield await self._listening()
        finally:
            self._users -= 1
            self._used.set()

    async def close(self) -> None:
        """End it for good."""
        self._closed = True
        async with self._starting:
            run, self._run = self._run, None
        if run is not None:
            await run.stop()
        await self._tasks.close()

    async def _listening(self) -> Path:
        async with self._starting:
            if self._closed:
                raise Conflict("This session is being stopped.")
            if self._run is None:
                program = await asyncio.to_thread(self.find)
                if program is None:
                    raise Unavailable(MISSING, hint=INSTALL)
                self._run = await _start(program, self._place)
                self._tasks.spawn(self._follow(self._run), name="code-server")
            return self._run.socket

    async def _follow(self, run: "_Run") -> None:
        """Until it has ended by itself or nobody needed it for long."""
        ended = self._tasks.spawn(run.ended(), name="code-server ends")
        while not ended.done():
            self._used.clear()
            used = self._tasks.spawn(self._used.wait(), name="code-server is used")
            idle = None if self._users else self._idle
            done, _ = await asyncio.wait({ended, used}, timeout=idle, return_when=asyncio.FIRST_COMPLETED)
            used.cancel()
            if not done and not self._users:
                log.info("code-server ends because nobody uses it", extra={"folder": str(self._place.folder)})
                break
        async with self._starting:
            if self._run is run:
                self._run = None
        await run.stop()


@dataclass(slots=True)
class _Run:
    """A keeper with its code-server. What it prints is kept in a file, in case that it does not come up."""

    socket: Path
    process: asyncio.subprocess.Process
    control: int
    said: Path

    async def ended(self) -> None:
        await self.process.wait()

    async def stop(self) -> None:
        """The program and all it started are gone when this returns."""
        if self.control >= 0:
            with suppress(OSError):
                os.write(self.control, b"stop %f\n" % GRACE_SECONDS)
            with suppress(OSError):
                os.close(self.control)
            self.control = -1
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self.process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                self.process.kill()
        with suppress(OSError):
            self.socket.unlink(missing_ok=True)
            self.socket.parent.rmdir()

    def words(self) -> str:
        with suppress(OSError):
            return self.said.read_bytes()[-SAID_BYTES:].decode("utf-8", "replace").strip()
        return ""


async def _start(program: str, place: CodePlace) -> _Run:
    await asyncio.to_thread(place.folder.mkdir, parents=True, exist_ok=True, mode=0o700)
    socket = Path(tempfile.mkdtemp(prefix="volundr-code-")) / "code.sock"  # a path in the home may be too long for a socket
    said = place.folder / "code-server.log"
    argv = [program, "--auth", "none", "--socket", str(socket), "--socket-mode", "600", "--disable-telemetry"]
    argv += ["--disable-update-check", "--user-data-dir", str(place.folder / "data"), str(place.workspace)]
    run = await _keep(argv, place, socket, said)
    try:
        async with asyncio.timeout(START_SECONDS):
            while not await _answers(socket):
                if run.process.returncode is not None:
                    raise Unavailable(f"code-server ended as it was started: {run.words() or 'it said nothing'}", hint=INSTALL)
                await asyncio.sleep(RETRY_PAUSE)
    except TimeoutError as error:
        await run.stop()
        raise Unavailable("code-server does not come up.", hint=run.words()[-300:]) from error
    except BaseException:
        await run.stop()
        raise
    return run


async def _keep(argv: list[str], place: CodePlace, socket: Path, said: Path) -> _Run:
    """Start it under a keeper, which ends it with all it started, also when we are killed."""
    control, ours = os.pipe()
    status = os.open(os.devnull, os.O_WRONLY)
    env = {name: value for name, value in place.env.items() if name not in {"PORT", "PASSWORD", "HASHED_PASSWORD"}}
    try:
        with said.open("wb") as out:
            ends = kept.Ends(control=control, status=status, stdin=DEVNULL, stdout=out, stderr=out)
            process = await kept.start(argv, env, str(place.workspace), ends)
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(control)
        os.close(status)
    return _Run(socket, process, ours, said)


async def _answers(socket: Path) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(str(socket))
    except OSError:
        return False
    writer.close()
    return True
