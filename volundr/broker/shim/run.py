"""One run: a CLI, the lines it printed that Skuld has not settled, and the WebSocket that carries both ways."""

import asyncio
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from volundr.broker.keeper import Job
from volundr.broker.shim.child import Child
from volundr.broker.shim.lines import LONGEST, Lines
from volundr.broker.shim.websocket import Client, Closed

log = logging.getLogger(__name__)

PROTOCOL = "volundr.shim.v1"
KEEP_ALIVE = 10.0
SILENCE = 30.0
"""Seconds: how often to show a sign of life, and after how long without one the link counts as dead."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
CONNECT = 5.0
KEPT_AFTER_EXIT = 600.0
NOTHING_WRITTEN = -1
"""What `hello` says before the first input, whose number may be 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spawn:
    """What Skuld wants started, and where to find Skuld."""

    session: str
    run: str
    job: Job
    link: str
    secret: str = field(repr=False)


class Run:
    def __init__(self, spawn: Spawn, cap: int = LONGEST) -> None:
        self.spawn = spawn
        self._cap = cap
        self._lines = Lines()
        self._child = Child(self._line, self._end)
        self._input = NOTHING_WRITTEN
        self._replied = 0
        self._tell: Callable[[bytes], None] = lambda _: None
        self._wake = asyncio.Event()
        self._paused = False
        self._wanted = False
        self._over = asyncio.Event()
        self._forgetting: asyncio.TimerHandle | None = None

    @property
    def keeper(self) -> int:
        return self._child.keeper

    @property
    def alive(self) -> bool:
        return not self._child.ended.is_set()

    def describe(self) -> dict[str, Any]:
        return {"session": self.spawn.session, "run": self.spawn.run, "pid": self._child.pid, "alive": self.alive}

    async def start(self) -> str:
        """Start the CLI; "" or why that failed."""
        return await self._child.start(self.spawn.job)

    async def stop(self, grace: float) -> None:
        """End the CLI and all that descends from it. Returns when so; the caller has the time limit."""
        self._wanted = True
        if self.alive:
            self._child.end(grace)
        await self._child.ended.wait()

    def keeper_gone(self) -> None:
        self._child.keeper_gone()

    def forget(self) -> None:
        """Nobody will ask for its lines any more."""
        self._over.set()
        self._wake.set()
        if self._forgetting is not None:
            self._forgetting.cancel()

    async def serve(self) -> None:
        """Keep a link to Skuld until the run has ended and its last line is settled, or nobody asked for 10 minutes."""
        pause = SHORTEST_PAUSE
        while not self._over.is_set():
            client = await self._connect()
            if client is not None:
                pause = SHORTEST_PAUSE
                await self._talk_through(client)
                if self._over.is_set():
                    return
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._over.wait()
            pause = min(LONGEST_PAUSE, pause * 2)

    async def _connect(self) -> Client | None:
        headers = {"Authorization": f"Bearer {self.spawn.secret}", "Sec-WebSocket-Protocol": PROTOCOL}
        try:
            async with asyncio.timeout(CONNECT):
                return await Client.open(self.spawn.link, f"/ws/cli/{self.spawn.session}", headers)
        except OSError:  # Skuld is away, or does not know the session yet
            return None

    async def _talk_through(self, client: Client) -> None:
        """A fault in one link ends that link: the CLI lives, and what it says must still reach somebody."""
        try:
            await self._talk(client)
        except Exception:
            log.exception("link to Skuld broke", extra={"run": self.spawn.run})

    async def _talk(self, client: Client) -> None:
        """Until the connection or the run is over."""
        start: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.TaskGroup() as both:
                listener = both.create_task(self._listen(client, start), name="shim listens")
                await self._speak(client, start)
                listener.cancel()
        except* (OSError, TimeoutError, ValueError):
            pass  # the next connection goes on where this one ended
        finally:
            self._tell = lambda _: None
            client.close()

    async def _speak(self, client: Client, start: asyncio.Future[int]) -> None:
        hello = {"type": "hello", "run": self.spawn.run, "input": self._input, "replied": self._replied}
        about = {"first": self._lines.first, "last": self._lines.last, "alive": self.alive}
        await client.send(json.dumps(hello | about).encode())
        acknowledged: list[bytes] = []

        def tell(message: bytes) -> None:
            acknowledged.append(message)
            self._wake.set()

        self._tell = tell  # before `from` is known: inputs may come in the same packet
        async with asyncio.timeout(SILENCE):
            sent = await start
        while not self._over.is_set():
            self._wake.clear()
            while acknowledged:
                await client.send(acknowledged.pop(0))
            sent, frame = self._lines.after(sent)
            if frame:
                await client.send(frame)
                continue
            try:
                async with asyncio.timeout(KEEP_ALIVE):
                    await self._wake.wait()
            except TimeoutError:
                await client.send(b'{"type":"keep_alive"}')

    async def _listen(self, client: Client, start: asyncio.Future[int]) -> None:
        while True:
            async with asyncio.timeout(SILENCE):
                message = await client.receive()
            said = json.loads(message)
            match said:
                case {"type": "from", "line": int(line)} if not start.done():
                    start.set_result(line)
                case {"type": "input", "number": int(number), "lines": list(lines)}:
                    self._take(number, lines, said.get("then", ""))
                case {"type": "reply", "line": int(line), "lines": list(lines)}:
                    self._reply(line, lines)
                case {"type": "settled", "line": int(line)}:
                    self._settle(line)
                case {"type": "keep_alive"}:
                    pass
                case _:
                    raise Closed("a message that makes no sense here")

    def _reply(self, line: int, lines: list[str]) -> None:
        """Write what the CLI must get because of this line of its own, once."""
        if line > self._replied:
            self._replied = line
            self._child.write(_joined(lines))
        self._tell(b'{"type":"replied","line":%d}' % line)

    def _take(self, number: int, lines: list[str], then: str) -> None:
        """Write an input once. It counts as written when the CLI's pipe has taken it; only then it is acknowledged."""
        if number <= self._input:
            self._child.write(b"", lambda: self._tell(_got(number)))  # behind the first one, should that still wait
            return
        self._input = number
        self._child.write(_joined(lines), lambda: self._tell(_got(number)))
        if then == "close":
            self._child.close_input()
        elif then == "interrupt":
            self._child.interrupt()

    def _settle(self, line: int) -> None:
        self._lines.settle(line)
        if self._paused and self._kept < self._cap:
            self._paused = False
            self._child.resume()
        if not self.alive and self._lines.first > self._lines.last:
            self.forget()

    @property
    def _kept(self) -> int:
        return self._lines.size + self._child.pending

    def _line(self, line: bytes) -> None:
        self._lines.add(line)
        self._wake.set()
        if not self._paused and self._kept >= self._cap:
            self._paused = True
            self._child.pause()

    def _end(self, code: int | None, stderr: str) -> None:
        last = {"type": "shim_exited", "code": code, "stderr": stderr, "wanted": self._wanted}
        self._line(json.dumps(last, separators=(",", ":")).encode())
        self._forgetting = asyncio.get_running_loop().call_later(KEPT_AFTER_EXIT, self.forget)


def _joined(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")  # JSON can name what UTF-8 cannot


def _got(number: int) -> bytes:
    return b'{"type":"got","number":%d}' % number
