"""A browser with a bad line: its socket is cut after any number of bytes, and what it shows is put together as a page does."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from tests.chat_client import DIAL_SECONDS, ChatClient, Frame
from volundr.process import Tasks

PIECE = 16 * 1024


@dataclass(slots=True)
class Line:
    """A TCP line to the forge that breaks when its bytes, or its time, are used up. `cuts`: bytes let through before each."""

    chance: random.Random
    port: int
    here: int = 0
    whole: bool = False
    cuts: list[int] = field(default_factory=list)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Line"]:
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.here = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    def _measure(self) -> tuple[int, float]:
        """Some break in the handshake, most among the frames; a few live long enough for the longest message."""
        if self.whole:
            return 1 << 60, 3600.0
        kind = self.chance.random()
        if kind < 0.15:
            return self.chance.randrange(1, 700), 1.0
        if kind < 0.85:
            return self.chance.randrange(700, 5000), self.chance.uniform(0.005, 0.06)
        return self.chance.randrange(5000, 600_000), self.chance.uniform(0.02, 0.2)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            forge, to_forge = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            writer.transport.abort()
            return
        left, seconds = self._measure()
        passed = 0
        there = Tasks().spawn(_copy(reader, to_forge), name="to the forge")
        try:
            async with asyncio.timeout(seconds):
                while left > passed and (data := await forge.read(PIECE)):
                    writer.write(data[: left - passed])
                    passed += len(data[: left - passed])
                    await writer.drain()
                if left <= passed:
                    self.cuts.append(passed)
        except TimeoutError:
            self.cuts.append(passed)
        except OSError:
            pass
        finally:
            # What was let through arrives; then the line is dead in both directions at once.
            with suppress(OSError):
                writer.close()
            to_forge.transport.abort()
            there.cancel()
            await asyncio.wait([there])


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(PIECE):
            writer.write(data)
            await writer.drain()
        writer.close()


@dataclass(slots=True)
class Page:
    """What a page shows: blocks that grow by deltas and are replaced by the whole. `holes`: deltas that did not fit on."""

    growing: dict[tuple[str, int], str] = field(default_factory=dict)
    shown: list[str] = field(default_factory=list)
    deltas: int = 0
    holes: list[Frame] = field(default_factory=list)
    wrong: list[tuple[str, str]] = field(default_factory=list)
    """Blocks whose pieces did not become the whole: (the pieces, the whole)."""

    def take(self, frame: Frame) -> None:
        match frame["type"]:
            case "delta":
                self.deltas += 1
                self._grow(frame)
            case "agent_message":
                pieces = self.growing.pop((frame["id"], frame["block"]), "")
                if not frame["text"].startswith(pieces):
                    self.wrong.append((pieces, frame["text"]))
                self.shown.append(frame["text"])
            case "turn_finished":
                self.growing.clear()
            case _:
                pass

    def _grow(self, delta: Frame) -> None:
        key, offset, text = (delta["id"], delta["block"]), delta["offset"], delta["text"]
        known = self.growing.get(key)
        if offset == 0:
            if known is None or not known.startswith(text):
                self.growing[key] = text
        elif known is None or offset > len(known):
            self.holes.append(delta)
        else:
            if known[offset : offset + len(text)] != text[: len(known) - offset]:
                self.wrong.append((known, text))
            self.growing[key] = known + text[len(known) - offset :]


@dataclass(slots=True)
class CutClient(ChatClient):
    """A ChatClient over a `Line`. It dials again at once; a frame that was cut off has not arrived."""

    line: Line | None = None
    page: Page = field(default_factory=Page)
    http: httpx.AsyncClient | None = None
    stored: list[str] = field(default_factory=list)

    async def run(self) -> None:
        async with httpx.AsyncClient(timeout=DIAL_SECONDS) as self.http:
            while True:
                try:
                    async with self._dial() as self.socket:
                        self.connections += 1
                        async for message in self.socket:
                            for line in str(message).split("\n"):
                                await self._take(line)
                except (OSError, WebSocketException, httpx.HTTPError, TimeoutError):
                    pass
                self.attached.clear()
                self.socket = None
                await asyncio.sleep(0.002)

    @asynccontextmanager
    async def _dial(self) -> AsyncIterator[ClientConnection]:
        assert self.line is not None and self.http is not None
        address, token = self.door()
        answer = await self.http.post(
            f"{address}/api/v1/sessions/{self.session}/ticket", headers={"authorization": f"Bearer {token}"}
        )
        answer.raise_for_status()
        ticket = answer.json()
        async with connect(
            address.replace("http", "ws", 1) + ticket["path"],
            host="127.0.0.1",
            port=self.line.here,
            subprotocols=[Subprotocol("volundr.chat.v1"), Subprotocol(f"volundr.ticket.{ticket['ticket']}")],
            additional_headers={"authorization": f"Bearer {token}"},
            max_size=None,
            compression=None,
            open_timeout=DIAL_SECONDS,
            close_timeout=0.2,
        ) as socket:
            await socket.send(json.dumps({"type": "attach", "epoch": self.epoch, "after": self.seq, "tail": 100_000}))
            yield socket

    async def put(self, frame: Frame | str) -> None:
        """The line may break while this is sent: what is not known to be stored is said again by the next connection."""
        with suppress(WebSocketException):
            await ChatClient.put(self, frame)

    async def _take(self, line: str) -> None:
        await ChatClient._take(self, line)
        self.live.clear()
        self.page.take(json.loads(line))
