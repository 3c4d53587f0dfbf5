"""Agents that are Skuld's own children, under a keeper each; they end with Skuld."""

import asyncio
import json
import logging
import os
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

from volundr.broker import kept
from volundr.broker.events import Command, Exited
from volundr.broker.shim.lines import LONGEST, Splitter
from volundr.broker.transports.raw import RawLines
from volundr.broker.transports.transport import CLITransport, Dialect, Heard, Launch
from volundr.domain.errors import Unavailable
from volundr.process import Tasks

log = logging.getLogger(__name__)

START_SECONDS = 10.0
TAKE_SECONDS = 30.0
FORCE_SECONDS = 5.0
CHUNK = 256 * 1024
STDERR_KEPT = 64 * 1024


class _Child:
    """One keeper with its CLI. `lines` that nobody has settled yet are counted in bytes, to make the CLI wait."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.written = -1
        self.wanted = False
        self.over = asyncio.Event()
        self.room = asyncio.Event()
        self.code: int | None = None
        self.stderr = bytearray()
        self.sizes: dict[int, int] = {}
        self.unsettled = 0
        self.line = 0
        self.settled = 0

    async def start(self, launch: Launch) -> None:
        """Raises Unavailable with the cause when the CLI cannot be started."""
        (control, self._control), (report, status) = os.pipe(), os.pipe()
        try:
            self._process = await kept.start(
                launch.argv,
                launch.env,
                str(launch.cwd),
                kept.Ends(control=control, status=status, stdin=PIPE, stdout=PIPE, stderr=PIPE),
            )
        except BaseException:
            os.close(self._control)
            os.close(report)
            raise
        finally:
            os.close(control)
            os.close(status)
        self._report = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        pipe = os.fdopen(report, "rb", 0)
        self._pipe, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(self._report), pipe)
        async with asyncio.timeout(START_SECONDS):
            said = await self._report.readline()
        if b'"pid"' not in said:
            await self.force()
            raise Unavailable(str(json.loads(said)["failed"]) if said else "The keeper ended before it started the program.")

    async def write(self, lines: Sequence[str]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("".join(f"{line}\n" for line in lines).encode())
        with suppress(ConnectionError):  # it has ended, and its Exited says why
            await self._process.stdin.drain()

    def then(self, what: str) -> None:
        """What follows an input: its end, or SIGINT."""
        assert self._process.stdin is not None
        if what == "close":
            self._process.stdin.close()
        elif what == "interrupt":
            with suppress(OSError):
                os.write(self._control, b"interrupt\n")

    async def read(self) -> AsyncIterator[list[bytes]]:
        """Its lines; waits while too many are not settled."""
        assert self._process.stdout is not None
        splitter = Splitter()
        while chunk := await self._process.stdout.read(CHUNK):
            yield splitter.feed(chunk)
            while self.unsettled > LONGEST and not self.wanted:
                self.room.clear()
                await self.room.wait()
        yield splitter.rest()

    async def read_errors(self) -> None:
        assert self._process.stderr is not None
        while chunk := await self._process.stderr.read(CHUNK):
            self.stderr += chunk
            del self.stderr[:-STDERR_KEPT]

    async def wait(self) -> None:
        """Until it has ended, and take its exit code."""
        if (said := await self._report.readline()).strip():
            self.code = json.loads(said)["exited"]
        await self._process.wait()
        self._pipe.close()
        with suppress(OSError):
            os.close(self._control)

    def ask_to_end(self, grace: float) -> None:
        assert self._process.stdin is not None
        self.wanted = True
        self.room.set()
        self._process.stdin.close()
        with suppress(OSError):
            os.write(self._control, b"stop %f\n" % grace)

    async def force(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
        await self.wait()

    def settle(self, line: int) -> None:
        while self.settled < min(line, self.line):
            self.settled += 1
            self.unsettled -= self.sizes.pop(self.settled)
        self.room.set()

    def number(self, line: bytes) -> int:
        self.line += 1
        self.sizes[self.line] = len(line)
        self.unsettled += len(line)
        return self.line


class StdioTransport(CLITransport):
    def __init__(self) -> None:
        self._child: _Child | None = None
        self._raw = RawLines()
        self._lines: asyncio.Queue[tuple[_Child, Sequence[tuple[int, bytes]], Exited | None] | None] = asyncio.Queue()
        self._tasks = Tasks()

    async def start(self, run: str, launch: Launch, dialect: Dialect) -> None:
        if self._child is not None and not self._child.over.is_set():
            await self._end(self._child, 0)
        child = _Child(dialect)
        await child.start(launch)
        self._child = child
        self._tasks.spawn(self._follow(child), name=f"read {run}")
        if lines := dialect.opening():
            await self._write(child, lines)

    async def adopt(self, run: str, dialect: Dialect, after: int) -> int | None:  # noqa: ARG002 - nothing outlives Skuld
        return None

    async def tell(self, number: int, command: Command) -> None:
        child = self._child
        if child is None or child.over.is_set():
            raise Unavailable("The agent is not running.")
        lines, then = child.dialect.encode(command), child.dialect.after(command)
        if number > child.written and (lines or then):
            child.written = number
            await self._write(child, lines)
            child.then(then)

    async def hear(self) -> AsyncIterator[Sequence[Heard]]:
        while (item := await self._lines.get()) is not None:
            child, lines, exited = item
            batch: list[Heard] = []
            for number, line in lines:
                text = line.decode()
                self._raw.note(number, text)
                batch += [Heard(number, event) for event in child.dialect.decode(text)]
                if replies := child.dialect.replies():
                    self._tasks.spawn(self._reply(child, replies), name="reply to the agent")
            if exited is not None:
                batch.append(Heard(child.line + 1, exited))
            if batch:
                yield batch

    def settled(self, line: int) -> None:
        if self._child is not None:
            self._child.settle(line)

    def raw(self, count: int) -> Sequence[tuple[int, str]]:
        return self._raw.last(count)

    async def stop(self, grace: float) -> None:
        try:
            if self._child is not None and not self._child.over.is_set():
                await self._end(self._child, grace)
        finally:
            self._lines.put_nowait(None)
            await self._tasks.close()

    async def _reply(self, child: _Child, lines: Sequence[str]) -> None:
        """In the order of the lines: `write` hands all over before it first waits."""
        try:
            await self._write(child, lines)
        except Unavailable as error:
            log.warning("agent does not read a reply", extra={"cause": str(error)})

    async def _write(self, child: _Child, lines: Sequence[str]) -> None:
        try:
            async with asyncio.timeout(TAKE_SECONDS):
                await child.write(lines)
        except TimeoutError as error:
            raise Unavailable("The agent does not read what it is told.", hint="Stop the session and start it again.") from error

    async def _end(self, child: _Child, grace: float) -> None:
        child.ask_to_end(grace)
        try:
            async with asyncio.timeout(grace + FORCE_SECONDS):
                await child.over.wait()
        except TimeoutError:
            await child.force()
            await child.over.wait()

    async def _follow(self, child: _Child) -> None:
        errors = self._tasks.spawn(child.read_errors(), name="read stderr")
        try:
            async for lines in child.read():
                self._lines.put_nowait((child, [(child.number(line), line) for line in lines], None))
            await errors
            await child.wait()
        finally:
            words = child.stderr.decode("utf-8", "replace").strip()
            self._lines.put_nowait((child, (), Exited(code=child.code, wanted=child.wanted, error=words)))
            child.over.set()
