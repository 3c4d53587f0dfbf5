"""One CLI process as the shim sees it: its pipes, without a thread and without losing a byte."""

import asyncio
import json
import os
from collections.abc import Callable
from contextlib import suppress

from volundr.broker import keeper
from volundr.broker.shim.lines import LONGEST, Splitter

CHUNK = 256 * 1024
STDERR_KEPT = 64 * 1024
DRAIN_SECONDS = 1.0
"""How long output may still come after the process has ended."""


class Child:
    """Forks a keeper, which starts the CLI. `on_line` and `on_end` are called from the event loop.

    `on_end` comes once, after the last line, when the CLI and all that descends from it is gone.
    """

    def __init__(self, on_line: Callable[[bytes], None], on_end: Callable[[int | None, str], None]) -> None:
        self._on_line, self._on_end = on_line, on_end
        self._loop = asyncio.get_running_loop()
        self._splitter = Splitter()
        self._stderr = bytearray()
        self._said = b""
        self._open: set[int] = set()
        self._stdin = self._stdout = self._control = -1
        self._todo: list[tuple[memoryview, Callable[[], None] | None]] = []
        self._started: asyncio.Future[str] = self._loop.create_future()
        self._over = self._closing = False
        self.code: int | None = None
        self.keeper = 0
        self.pid = 0
        self.ended = asyncio.Event()

    async def start(self, job: keeper.Job) -> str:
        """Start it. Returns why that failed, or "" when it runs."""
        (stdin, self._stdin), (self._stdout, stdout), (errors, stderr) = os.pipe(), os.pipe(), os.pipe()
        (control, self._control), (report, status) = os.pipe(), os.pipe()
        theirs = keeper.Pipes(stdin=stdin, stdout=stdout, stderr=stderr, control=control, status=status)
        try:
            self.keeper = keeper.fork(job, theirs)
        finally:
            for handle in (stdin, stdout, stderr, control, status):
                os.close(handle)
        for handle in (self._stdin, self._stdout, errors, report):
            os.set_blocking(handle, False)
        self._open |= {self._stdout, errors, report}
        self._loop.add_reader(report, self._read_report, report)
        self._loop.add_reader(errors, self._read_stderr, errors)
        self._loop.add_reader(self._stdout, self._read_stdout)
        return await self._started

    def write(self, data: bytes, written: Callable[[], None] | None = None) -> None:
        """Give this to the CLI; call `written` once its pipe has taken all of it. Nothing to write is written at once when the
        CLI's input has ended."""
        if not data and self._stdin < 0 and written is not None:
            written()
            return
        self._todo.append((memoryview(data), written))
        if len(self._todo) == 1:
            self._write_more()

    def close_input(self) -> None:
        """Tell the CLI that nothing more will come, behind all that is still to be written."""
        self._closing = True
        if not self._todo:
            self._close_stdin()

    def interrupt(self) -> None:
        """SIGINT to the CLI, as Ctrl-C would."""
        if self._control >= 0:
            with suppress(BrokenPipeError):
                os.write(self._control, b"interrupt\n")

    def pause(self) -> None:
        """Read no more: the CLI waits once its pipe is full. When it has ended, its last words are read at any rate."""
        if self._stdout in self._open and not self._over:
            self._loop.remove_reader(self._stdout)

    def resume(self) -> None:
        if self._stdout in self._open:
            self._loop.add_reader(self._stdout, self._read_stdout)

    @property
    def pending(self) -> int:
        """Bytes of an unfinished line."""
        return self._splitter.pending

    def end(self, grace: float) -> None:
        """Close its stdin and have it ended."""
        self._close_stdin()
        if self._control >= 0:
            with suppress(BrokenPipeError):
                os.write(self._control, b"stop %f\n" % grace)

    def keeper_gone(self) -> None:
        """The keeper has ended. Without a report it was killed; its tree is ended by whoever inherits it."""
        if not self._started.done():
            self._started.set_result("The keeper ended before it started the program.")
        if not self._over:
            self._over = True
            self.resume()
            self._loop.call_later(DRAIN_SECONDS, self._finish)
        self._finish_if_drained()

    def _read_report(self, handle: int) -> None:
        chunk = _read(handle)
        if chunk is None:
            return
        if not chunk:
            self._close(handle)
            self.keeper_gone()
            return
        *lines, self._said = (self._said + chunk).split(b"\n")
        for line in lines:
            self._heard(json.loads(line))

    def _heard(self, said: dict[str, object]) -> None:
        match said:
            case {"pid": int(pid)}:
                self.pid = pid
                self._started.set_result("")
            case {"failed": str(cause)}:
                self._started.set_result(cause)
            case {"exited": code}:
                self.code = code if isinstance(code, int) else None
                self.keeper_gone()
            case _:
                pass

    def _read_stderr(self, handle: int) -> None:
        chunk = _read(handle)
        if chunk:
            self._stderr += chunk
            del self._stderr[:-STDERR_KEPT]
        elif chunk is not None:
            self._close(handle)
            self._finish_if_drained()

    def _read_stdout(self) -> None:
        chunk = _read(self._stdout)
        if chunk is None:
            return
        for line in self._splitter.feed(chunk) if chunk else self._splitter.rest():
            self._on_line(line)
        if not chunk:
            self._close(self._stdout)
            self._finish_if_drained()

    def _write_more(self) -> None:
        while self._todo:
            data, written = self._todo[0]
            try:
                count = os.write(self._stdin, data) if self._stdin >= 0 else 0
            except BlockingIOError:
                self._loop.add_writer(self._stdin, self._write_more)
                return
            except BrokenPipeError:
                self._close_stdin()
                return
            if self._stdin < 0:
                self._todo.clear()
                return
            if count < len(data):
                self._todo[0] = (data[count:], written)
                continue
            self._todo.pop(0)
            if written is not None:
                written()
        if self._stdin >= 0:
            self._loop.remove_writer(self._stdin)
        if self._closing:
            self._close_stdin()

    def _close_stdin(self) -> None:
        if self._stdin >= 0:
            self._loop.remove_writer(self._stdin)
            os.close(self._stdin)
        self._stdin = -1
        self._todo.clear()

    def _close(self, handle: int) -> None:
        if handle in self._open:
            self._loop.remove_reader(handle)
            self._open.discard(handle)
            os.close(handle)

    def _finish_if_drained(self) -> None:
        if self._over and not self._open:
            self._finish()

    def _finish(self) -> None:
        if self.ended.is_set():
            return
        for line in self._splitter.rest():
            self._on_line(line)
        for handle in list(self._open):
            self._close(handle)
        self._close_stdin()
        os.close(self._control)
        self._control = -1
        self.ended.set()
        self._on_end(self.code, self._stderr.decode("utf-8", "replace"))


def _read(handle: int) -> bytes | None:
    """What is there now; b"" at the end; None when nothing is there yet."""
    try:
        return os.read(handle, min(CHUNK, LONGEST))
    except BlockingIOError:
        return None
