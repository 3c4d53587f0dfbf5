"""A client of one session's socket, as a browser is one: it keeps its cursor and connects again for as long as it is needed."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from volundr.process import Tasks

PAUSES = (0.05, 0.1, 0.2, 0.4)
DIAL_SECONDS = 5.0

type Frame = dict[str, Any]
type Door = Callable[[], tuple[str, str]]
"""The forge's address and token, asked for at every attempt: a forge that comes back may have another port."""


@dataclass(slots=True)
class ChatClient:
    """`arrived` are the record numbers in the order of their arrival, `raw` each record exactly as it was sent."""

    session: str
    door: Door
    epoch: str = ""
    seq: int = 0
    arrived: list[int] = field(default_factory=list)
    raw: dict[int, bytes] = field(default_factory=dict)
    records: list[Frame] = field(default_factory=list)
    live: list[Frame] = field(default_factory=list)
    connections: int = 0
    attached: asyncio.Event = field(default_factory=asyncio.Event)
    unsure: dict[str, Frame] = field(default_factory=dict)
    socket: ClientConnection | None = None

    async def run(self) -> None:
        """Be connected until this is cancelled."""
        attempt = 0
        while True:
            try:
                async with self._dial() as self.socket:
                    self.connections += 1
                    async for message in self.socket:
                        attempt = 0
                        for line in str(message).split("\n"):
                            await self._take(line)
            except (OSError, WebSocketException, httpx.HTTPError, TimeoutError):
                pass
            self.attached.clear()
            self.socket = None
            await asyncio.sleep(PAUSES[min(attempt, len(PAUSES) - 1)])
            attempt += 1

    @asynccontextmanager
    async def _dial(self) -> AsyncIterator[ClientConnection]:
        address, token = self.door()
        async with httpx.AsyncClient(timeout=DIAL_SECONDS) as http:
            answer = await http.post(
                f"{address}/api/v1/sessions/{self.session}/ticket", headers={"authorization": f"Bearer {token}"}
            )
            answer.raise_for_status()
            ticket = answer.json()
        protocols = [Subprotocol("volundr.chat.v1"), Subprotocol(f"volundr.ticket.{ticket['ticket']}")]
        async with connect(
            address.replace("http", "ws", 1) + ticket["path"],
            subprotocols=protocols,
            additional_headers={"authorization": f"Bearer {token}"},
            max_size=None,
            compression=None,
            open_timeout=DIAL_SECONDS,
            close_timeout=1,
        ) as socket:
            assert socket.subprotocol == "volundr.chat.v1"
            await socket.send(json.dumps({"type": "attach", "epoch": self.epoch, "after": self.seq, "tail": 100_000}))
            yield socket

    async def _take(self, line: str) -> None:
        frame = json.loads(line)
        if "seq" in frame and "at" in frame:
            self.seq = frame["seq"]
            self.arrived.append(self.seq)
            self.raw[self.seq] = line.encode()
            self.records.append(frame)
            self.unsure.pop(frame.get("id", ""), None)
            return
        self.live.append(frame)
        match frame["type"]:
            case "hello":
                self.epoch = frame["epoch"]
            case "resync":
                raise AssertionError(f"the cursor was lost: {frame}")
            case "caught_up":
                self.attached.set()
                for waiting in [*self.unsure.values()]:
                    await self.put(waiting)
            case "stored" | "rejected":
                self.unsure.pop(frame["id"], None)
            case _:
                pass

    async def put(self, frame: Frame | str) -> None:
        """Send this frame, or this text as it stands, once attached."""
        await self.attached.wait()
        assert self.socket is not None
        await self.socket.send(frame if isinstance(frame, str) else json.dumps(frame))

    async def say(self, text: str) -> str:
        """Say it, again after a reconnect if it is not known to be stored. Returns the message's id."""
        name = str(uuid4())
        self.unsure[name] = {"type": "send", "id": name, "text": text}
        if self.attached.is_set():
            await self.put(self.unsure[name])
        return name

    async def decide(self, permission: str, decision: str = "allow", scope: str = "once") -> None:
        await self.put({"type": "decide", "id": permission, "decision": decision, "scope": scope})

    async def interrupt(self) -> None:
        await self.put({"type": "interrupt"})


class Watcher:
    """A client in a thread of its own, for tests that do not await."""

    def __init__(self, client: ChatClient, loop: asyncio.AbstractEventLoop) -> None:
        self.client = client
        self._loop = loop

    def do[T](self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def say(self, text: str) -> str:
        return self.do(self.client.say(text))

    def decide(self, permission: str, decision: str = "allow") -> None:
        self.do(self.client.decide(permission, decision))

    def interrupt(self) -> None:
        self.do(self.client.interrupt())

    def put(self, frame: Frame | str) -> None:
        self.do(self.client.put(frame))

    def of(self, *kinds: str) -> list[Frame]:
        """The records of these kinds so far."""
        return [record for record in list(self.client.records) if record["type"] in kinds]

    def told(self, kind: str) -> list[Frame]:
        """The live frames of this kind so far."""
        return [frame for frame in list(self.client.live) if frame["type"] == kind]

    @property
    def streamed(self) -> str:
        return "".join(frame["text"] for frame in self.told("delta"))

    @property
    def said(self) -> str:
        """All that the agent said, in whole blocks."""
        return "\n".join(record["text"] for record in self.of("agent_message"))


@contextmanager
def watching(session: str, door: Door) -> Iterator[Watcher]:
    """A client that is attached when the block begins."""
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        thread = threading.Thread(target=loop.run_forever, name="chat client", daemon=True)
        thread.start()
        client = ChatClient(session, door)
        watcher = Watcher(client, loop)
        running = watcher.do(_begin(client))
        try:
            watcher.do(_attached(client, running))
            yield watcher
        finally:
            watcher.do(_end(running))
            loop.call_soon_threadsafe(loop.stop)
            thread.join(5)


async def _begin(client: ChatClient) -> asyncio.Task[None]:
    return Tasks().spawn(client.run(), name="chat client")


async def _attached(client: ChatClient, running: asyncio.Task[None]) -> None:
    async with asyncio.timeout(15):
        while not client.attached.is_set():
            if running.done():
                running.result()
            await asyncio.sleep(0.01)


async def _end(running: asyncio.Task[None]) -> None:
    """Raises what broke the client, if something did: a lost cursor, a frame that is no JSON."""
    running.cancel()
    await asyncio.wait([running], timeout=5)
    if not running.cancelled():
        running.result()
