"""A Skuld in this process with scripted agents, and clients that speak to it over real sockets."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import uvicorn
import websockets
from websockets.asyncio.client import ClientConnection, unix_connect

from volundr.broker.app import Skuld, compose
from volundr.broker.events import AgentEvent, Command, Exited
from volundr.broker.parts import Capabilities
from volundr.broker.service_manager import Surroundings
from volundr.broker.transports.transport import Agent, CLITransport, Dialect, Found, Heard, Job, Launch
from volundr.domain.errors import Unavailable
from volundr.domain.sessions.spec import SessionSpec
from volundr.domain.tickets import issue
from volundr.process import Tasks

KEY = "manage-key"


async def until(true: Callable[[], bool], limit: float = 5.0) -> None:
    """Wait until it is so."""
    end = time.monotonic() + limit
    while not true():
        assert time.monotonic() < end, "it did not become so in time"
        await asyncio.sleep(0.002)


class NoDialect(Dialect):
    """A scripted agent speaks in events; nothing is translated."""

    def opening(self) -> Sequence[str]:
        return ()

    def encode(self, command: Command) -> Sequence[str]:
        return ()

    def decode(self, line: str) -> Sequence[AgentEvent]:
        return ()


class ScriptedAgent(Agent):
    label = "Scripted"

    transports = ("shim", "per_message")

    def __init__(self, capabilities: Capabilities | None = None) -> None:
        self.capabilities = capabilities or Capabilities()
        self.missing = ""
        self.jobs: list[Job] = []

    def find(self, env: Mapping[str, str]) -> Found:
        return Found(available=True)

    def launch(self, job: Job) -> Launch:
        self.jobs.append(job)
        if self.missing:
            raise Unavailable(self.missing, hint="Install it.")
        return Launch(argv=("scripted",), env={}, cwd=job.cwd)

    def dialect(self, job: Job) -> Dialect:
        return NoDialect()

    def hint(self, error: str) -> str:
        return "Log in." if "log in" in error else ""

    def lost(self, error: str) -> bool:
        return "No conversation" in error


@dataclass
class Process:
    """What outlives Skuld: one run with its numbered output and the commands it got, as under the real shim."""

    run: str
    lines: list[Sequence[AgentEvent]] = field(default_factory=list)
    told: dict[int, Command] = field(default_factory=dict)
    alive: bool = True
    settled: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)
    order: list[int] = field(default_factory=list)

    def say(self, *events: AgentEvent) -> None:
        """One line of output, which means these events."""
        self.lines.append(events)
        self.news.set()

    def die(self, code: int | None = 1, error: str = "", wanted: bool = False) -> None:
        self.say(Exited(code=code, error=error, wanted=wanted))
        self.alive = False


class World:
    """All processes by session and run: they live on when Skuld does not."""

    def __init__(self) -> None:
        self.processes: dict[str, list[Process]] = {}
        self.refuse = ""
        self.deaf = False

    def of(self, session: str) -> Process:
        return self.processes[session][-1]


class ScriptedTransport(CLITransport):
    def __init__(self, world: World, session: str) -> None:
        self.world = world
        self.session = session
        self.process: Process | None = None
        self.at = 0
        self.stopped = False
        self.news = asyncio.Event()

    async def start(self, run: str, launch: Launch, dialect: Dialect) -> None:
        if self.world.refuse:
            raise Unavailable(self.world.refuse, hint="Do something.")
        self.process = Process(run, news=self.news)
        self.at, self.stopped = 0, False
        self.world.processes.setdefault(self.session, []).append(self.process)
        self.news.set()

    async def adopt(self, run: str, dialect: Dialect, after: int) -> int | None:
        for process in self.world.processes.get(self.session, ()):
            if process.run == run:
                self.process, self.at = process, after
                process.news = self.news
                self.news.set()
                return max(process.told, default=0)
        return None

    async def tell(self, number: int, command: Command) -> None:
        process = self.process
        if process is None or not process.alive or self.world.deaf:
            raise Unavailable("There is no run.")
        if number not in process.told:
            process.told[number] = command
            process.order.append(number)

    async def hear(self) -> AsyncIterator[Sequence[Heard]]:
        while not self.stopped or (self.process and self.at < len(self.process.lines)):
            await self.news.wait()
            self.news.clear()
            process = self.process
            while process and self.at < len(process.lines):
                lines = process.lines[self.at :]
                first, self.at = self.at + 1, len(process.lines)
                yield [Heard(first + n, event) for n, events in enumerate(lines) for event in events]

    def settled(self, line: int) -> None:
        if self.process:
            assert line >= self.process.settled
            self.process.settled = line

    async def stop(self, grace: float) -> None:
        self.stopped = True
        if self.process and self.process.alive:
            self.process.die(0, wanted=True)
        self.news.set()


class Client:
    """A browser, as far as the socket goes."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.frames: list[dict[str, Any]] = []
        self.raw: list[str] = []

    async def send(self, **frame: Any) -> None:
        await self.socket.send(json.dumps(frame))

    async def read(self, limit: float = 5.0) -> list[dict[str, Any]]:
        """The frames of the next message."""
        async with asyncio.timeout(limit):
            message = await self.socket.recv()
        assert isinstance(message, str)
        lines = message.split("\n")
        new = [json.loads(line) for line in lines]
        self.raw += [line for line, frame in zip(lines, new, strict=True) if "seq" in frame and "at" in frame]
        self.frames += new
        return new

    async def wait(self, kind: str, limit: float = 5.0, **wanted: Any) -> dict[str, Any]:
        """Read until a frame like this is there."""
        seen = 0
        while True:
            for frame in self.frames[seen:]:
                if frame["type"] == kind and all(frame.get(name) == value for name, value in wanted.items()):
                    return frame
            seen = len(self.frames)
            await self.read(limit)

    def records(self) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if "seq" in frame and "at" in frame]


@dataclass
class Rig:
    skuld: Skuld
    path: Path
    world: World
    agent: ScriptedAgent

    def spec(self, session: str) -> SessionSpec:
        return self.skuld.manager.find(session).spec

    async def new(self, session: str = "", **more: Any) -> str:
        spec = SessionSpec(
            **(
                {"session_id": session or str(uuid4()), "name": "test", "agent": "scripted", "workspace": "/", "secret": "s3"}
                | more
            )
        )
        await self.skuld.manager.start(spec)
        await until(lambda: bool(self.world.processes.get(spec.session_id)) or bool(self.world.refuse or self.agent.missing))
        return spec.session_id

    @asynccontextmanager
    async def client(
        self, session: str, epoch: str = "", after: int = 0, tail: int = 500, by: str = "ann"
    ) -> AsyncIterator[Client]:
        async with self.socket(session, issue("s3", session, by, time.time())) as client:
            await client.send(type="attach", epoch=epoch, after=after, tail=tail)
            yield client

    @asynccontextmanager
    async def socket(self, session: str, ticket: str) -> AsyncIterator[Client]:
        protocols = [websockets.Subprotocol("volundr.chat.v1"), websockets.Subprotocol(f"volundr.ticket.{ticket}")]
        uri = f"ws://skuld/s/{session}/ws/chat"
        async with unix_connect(str(self.path), uri, subprotocols=protocols, max_size=None, compression=None) as socket:
            yield Client(socket)

    async def http(self, method: str, path: str, token: str, body: object = None) -> tuple[int, Any]:
        reader, writer = await asyncio.open_unix_connection(str(self.path))
        payload = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nhost: skuld\r\nauthorization: Bearer {token}\r\nconnection: close\r\n"
        writer.write(f"{head}content-type: application/json\r\ncontent-length: {len(payload)}\r\n\r\n".encode() + payload)
        async with asyncio.timeout(10):
            answer = await reader.read()
        writer.close()
        head_bytes, _, rest = answer.partition(b"\r\n\r\n")
        return int(head_bytes.split()[1]), json.loads(rest) if rest else None


@asynccontextmanager
async def skuld(home: Path, world: World | None = None, agent: ScriptedAgent | None = None, **more: Any) -> AsyncIterator[Rig]:
    """Skuld until the end of the block; agents live on in `world`. `more` goes into its `Surroundings`."""
    world, agent = world or World(), agent or ScriptedAgent()
    usual = {"agents": {"scripted": agent}, "transport": lambda spec: ScriptedTransport(world, spec.session_id)}
    around = Surroundings(home=home, grace=0.5, **{**usual, **more})
    made = compose(around, KEY, end=lambda: None)
    path = home / "skuld.sock"
    config = uvicorn.Config(
        made.app, uds=str(path), ws="websockets-sansio", log_config=None, ws_per_message_deflate=False, ws_max_size=64 << 20
    )
    server = uvicorn.Server(config)
    server.capture_signals = _no_signals  # type: ignore[method-assign]
    serving = Tasks().spawn(server.serve(), name="serve")
    await until(lambda: server.started)
    try:
        yield Rig(made, path, world, agent)
    finally:
        server.should_exit = True
        await serving


@contextmanager
def _no_signals() -> Iterator[None]:
    yield
