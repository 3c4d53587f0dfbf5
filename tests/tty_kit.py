"""Terminals behind a real socket, and the client script that speaks ttyd's protocol to ours and to ttyd itself."""

import asyncio
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import uvicorn
import websockets
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.routing import WebSocketRoute
from websockets.asyncio.client import ClientConnection, connect, unix_connect

from tests.skuld_kit import _no_signals, until
from volundr.broker.channels.admission import Admission
from volundr.broker.channels.tty import tty
from volundr.broker.routes.terminals import router
from volundr.broker.terminal.parser import Parser
from volundr.broker.terminal.protocol import Size
from volundr.broker.terminal.screen import Screen
from volundr.broker.terminal.terminals import Place, Terminals
from volundr.domain.errors import NotFound, VolundrError
from volundr.domain.tickets import issue
from volundr.process import Tasks

SECRET, SESSION = "s3cret", "8b0c3a52-1111-4222-8333-444455556666"
SHELL_ENV = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "SHELL": "/bin/bash", "LANG": "C.UTF-8", "PS1": "$ "}


class Looker:
    """One client: what it got, and a terminal model of its own that shows it."""

    def __init__(self, link: ClientConnection, size: Size) -> None:
        self.link = link
        self.size = size
        self.screen = Screen(size.columns, size.rows)
        self._parser = Parser(self.screen)
        self.raw = bytearray()
        self.titles: list[str] = []
        self.preferences: list[dict[str, Any]] = []
        self.code: int | None = None

    async def greet(self, token: str = "") -> None:
        await self.link.send(json.dumps({"AuthToken": token, "columns": self.size.columns, "rows": self.size.rows}))

    async def type(self, text: str) -> None:
        await self.link.send(b"0" + text.encode())

    async def resize(self, columns: int, rows: int) -> None:
        await self.link.send(b"1" + json.dumps({"columns": columns, "rows": rows}).encode())

    async def read(self, limit: float = 10.0) -> bool:
        """One frame more. False when the socket is closed."""
        try:
            async with asyncio.timeout(limit):
                frame = await self.link.recv()
        except websockets.ConnectionClosed as closed:
            self.code = closed.rcvd.code if closed.rcvd else 1006
            return False
        assert isinstance(frame, bytes)
        if frame[:1] == b"0":
            self.raw += frame[1:]
            self._parser.feed(frame[1:])
        elif frame[:1] == b"1":
            self.titles.append(frame[1:].decode())
        else:
            self.preferences.append(json.loads(frame[1:]))
            if {"columns", "rows"} <= self.preferences[-1].keys():
                self.screen.resize(self.preferences[-1]["columns"], self.preferences[-1]["rows"])
        return True

    async def see(self, true: Callable[[], bool], limit: float = 10.0) -> None:
        async with asyncio.timeout(limit):
            while not true():
                assert await self.read(limit), f"closed with {self.code}: {self.text()[-400:]}"

    async def shows(self, text: str, limit: float = 10.0) -> None:
        try:
            await self.see(lambda: text in self.text(), limit)
        except TimeoutError:
            raise AssertionError(f"{text!r} did not come: {self.text()}") from None

    def text(self) -> str:
        history = ["".join(text for _, text in line.runs) for line in self.screen.history]
        return "\n".join(line.rstrip() for line in [*history, *self.screen.display()]).rstrip()

    async def end(self, limit: float = 10.0) -> int | None:
        """Read until the socket is closed; its code."""
        async with asyncio.timeout(limit):
            while await self.read(limit):
                pass
        return self.code


@dataclass
class Rig:
    terminals: Terminals
    port: int

    def ticket(self) -> str:
        return issue(SECRET, SESSION, "ann", time.time())

    async def http(self, method: str, path: str = "", body: object = None, ticket: str | None = None) -> httpx.Response:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=20) as client:
            token = self.ticket() if ticket is None else ticket
            return await client.request(
                method, f"/s/{SESSION}/terminals{path}", json=body, headers={"authorization": f"Bearer {token}"}
            )

    @asynccontextmanager
    async def look(
        self, name: str, size: Size | None = None, *, view: bool = False, ticket: str | None = None
    ) -> AsyncIterator[Looker]:
        uri = f"ws://127.0.0.1:{self.port}/s/{SESSION}/ws/terminal/{name}{'?view=1' if view else ''}"
        offered = ["tty", f"volundr.ticket.{self.ticket() if ticket is None else ticket}"]
        async with link(uri, size or Size(), offered) as looker:
            yield looker


@asynccontextmanager
async def link(uri: str, size: Size, offered: Sequence[str] = ("tty",)) -> AsyncIterator[Looker]:
    protocols = [websockets.Subprotocol(one) for one in offered]
    async with connect(uri, subprotocols=protocols, max_size=None, compression=None, max_queue=4) as socket:
        assert socket.subprotocol == "tty"
        looker = Looker(socket, size)
        await looker.greet()
        yield looker


@asynccontextmanager
async def in_skuld(path: Path, session: str, name: str, ticket: str) -> AsyncIterator[Looker]:
    """A look at a terminal of the Skuld that listens there."""
    protocols = [websockets.Subprotocol("tty"), websockets.Subprotocol(f"volundr.ticket.{ticket}")]
    uri = f"ws://skuld/s/{session}/ws/terminal/{name}"
    async with unix_connect(str(path), uri, subprotocols=protocols, max_size=None, compression=None) as socket:
        looker = Looker(socket, Size())
        await looker.greet()
        yield looker


@asynccontextmanager
async def rig(folder: Path, **more: Any) -> AsyncIterator[Rig]:
    """The routes and the socket of one session's terminals, served on loopback."""
    terminals = Terminals(Place(**{"folder": str(folder), "env": SHELL_ENV} | more))
    broker = SimpleNamespace(spec=SimpleNamespace(secret=SECRET), terminals=terminals)

    def find(name: str) -> object:
        if name != SESSION:
            raise NotFound("This session does not run here.")
        return broker

    app = FastAPI()
    app.state.manager, app.state.admission = SimpleNamespace(find=find), Admission()
    app.include_router(router)
    app.router.routes.append(WebSocketRoute("/s/{session_id}/ws/terminal/{terminal_id}", tty))
    app.add_exception_handler(VolundrError, _problem)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, ws="websockets-sansio", log_config=None, ws_per_message_deflate=False))
        server.capture_signals = _no_signals  # type: ignore[method-assign]
        serving = Tasks().spawn(server.serve([listener]), name="serve")
        await until(lambda: server.started)
        try:
            yield Rig(terminals, listener.getsockname()[1])
        finally:
            await terminals.close()
            server.should_exit = True
            await serving


async def _problem(_: Request, error: Exception) -> Response:
    return JSONResponse({"detail": str(error)}, {"NotFound": 404, "Conflict": 409}.get(type(error).__name__, 403))
