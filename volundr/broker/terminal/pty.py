"""A program in a pseudo-terminal of its own, under a keeper: whatever it leaves behind ends with it."""

import asyncio
import fcntl
import json
import logging
import os
import struct
import termios
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from volundr.broker import kept
from volundr.broker.terminal.protocol import Size
from volundr.domain.errors import Unavailable
from volundr.process import Tasks

log = logging.getLogger(__name__)

START_SECONDS = 10.0
GRACE_SECONDS = 1.0
"""From the hang-up to SIGKILL."""
FORCE_SECONDS = 5.0
CHUNK = 4096
"""Bytes of output that are taken at once: between two chunks everybody else has a turn."""
INPUT_BYTES = 256 * 1024
"""Input that waits for a program to read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str


class Pty:
    """`heard` gets its output, `over` its exit code: minus the signal's number, None when nobody knows."""

    def __init__(self, heard: Callable[[bytes], None], over: Callable[[int | None], None]) -> None:
        self._heard, self._over = heard, over
        self._master = self._control = -1
        self._reading = self._hushed = False
        self._typed = bytearray()
        self._room = asyncio.Event()
        self._room.set()
        self._gone = asyncio.Event()
        self._tasks = Tasks()

    async def start(self, program: Program, size: Size) -> None:
        """Raises Unavailable with the cause when it cannot be started."""
        (control, self._control), (report, status) = os.pipe(), os.pipe()
        self._master, slave = os.openpty()
        try:
            self.resize(size)
            os.set_blocking(self._master, False)
            self._process = await kept.start(
                program.argv,
                program.env,
                program.cwd,
                kept.Ends(control=control, status=status, stdin=slave, stdout=slave, stderr=slave),
                terminal=True,
            )
        except BaseException:
            os.close(report)
            self._release()
            raise
        finally:
            for handle in (slave, control, status):
                os.close(handle)
        stream = asyncio.StreamReader()
        pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(report, "rb", 0)
        )
        try:
            await self._started(stream)
        except BaseException:
            pipe.close()
            await self._force()
            self._release()
            raise
        self._tasks.spawn(self._follow(stream, pipe), name="terminal")
        self.read(on=True)

    async def _started(self, status: asyncio.StreamReader) -> None:
        try:
            async with asyncio.timeout(START_SECONDS):
                said = await status.readline()
        except TimeoutError as error:
            raise Unavailable("The terminal's program did not start in time.", hint="Try again.") from error
        if b'"pid"' not in said:
            cause = json.loads(said)["failed"] if said else "The keeper ended before it started the program."
            raise Unavailable(f"The terminal cannot be opened. {cause}")

    async def _follow(self, status: asyncio.StreamReader, pipe: asyncio.ReadTransport) -> None:
        """Until the program and its tree are gone: then what it last said, and its exit code."""
        code = None
        try:
            if said := await status.readline():
                code = json.loads(said)["exited"]
            await self._force()
        finally:
            pipe.close()
            while self._take():
                pass
            self._release()
            self._gone.set()
            self._over(code)

    async def _force(self) -> None:
        """The keeper ends by itself once it has told the end; one that does not is ended."""
        try:
            async with asyncio.timeout(FORCE_SECONDS):
                await self._process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()

    def read(self, *, on: bool) -> None:
        """Take its output, or let the program wait with it."""
        if self._master < 0 or self._hushed or on == self._reading:
            return
        self._reading = on
        loop = asyncio.get_running_loop()
        if on:
            loop.add_reader(self._master, self._take)
        else:
            loop.remove_reader(self._master)

    def _take(self) -> bool:
        """One chunk of output. False when there is none."""
        if self._master < 0 or self._hushed:
            return False
        try:
            data = os.read(self._master, CHUNK)
        except BlockingIOError:
            return False
        except OSError:  # EIO: no program has it open any more
            data = b""
        if not data:
            self.read(on=False)
            self._hushed = True
            return False
        self._heard(data)
        return True

    def resize(self, size: Size) -> None:
        """The program hears of it by SIGWINCH."""
        if self._master >= 0:
            fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", size.rows, size.columns, 0, 0))

    async def type(self, data: bytes) -> None:
        """Give it input. Waits while it reads none; give that a time limit."""
        if self._master < 0:
            return
        await self._room.wait()
        self._typed += data
        self._write()

    def _write(self) -> None:
        if self._master < 0:
            return
        loop = asyncio.get_running_loop()
        try:
            while self._typed:
                del self._typed[: os.write(self._master, self._typed[:CHUNK])]
        except BlockingIOError:
            loop.add_writer(self._master, self._write)
        except OSError:  # nobody reads any more; its end is told elsewhere
            self._typed.clear()
        if not self._typed:
            loop.remove_writer(self._master)
        if len(self._typed) < INPUT_BYTES:
            self._room.set()
        else:
            self._room.clear()

    async def end(self) -> None:
        """Hang up, and end the whole tree. Returns when it is gone, or when the system does not let it go."""
        if self._gone.is_set():
            return
        self._hang_up()
        with suppress(OSError):
            os.write(self._control, f"stop {GRACE_SECONDS}\n".encode())
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS + FORCE_SECONDS):
                await self._gone.wait()
        await self._tasks.close()

    def _hang_up(self) -> None:
        """The other end of a terminal that is closed gets SIGHUP."""
        if self._master >= 0:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._master)
            loop.remove_writer(self._master)
            os.close(self._master)
            self._master, self._reading = -1, False
            self._typed.clear()
            self._room.set()

    def _release(self) -> None:
        self._hang_up()
        if self._control >= 0:
            os.close(self._control)
            self._control = -1
