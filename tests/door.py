"""A real uvicorn with the real gateway in front of a Unix socket, and a client that says exactly what it is told."""

import asyncio
import base64
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import uvicorn

from volundr.api.security import SecurityMiddleware, Site, local_site
from volundr.domain.errors import NotFound
from volundr.domain.roles import AllowAll
from volundr.domain.sessions.model import Session
from volundr.domain.upstream import Upstream
from volundr.local.gateway import Door, GatewayApp, LocalGateway, gateway_socket
from volundr.local.identity import FileLogins, Keys, LocalIdentity, keys_of
from volundr.process import Tasks

SESSION = UUID("6f1c1c8e-0b5e-4a86-9d0a-3d3c6a1f0001")
STOPPED = UUID("6f1c1c8e-0b5e-4a86-9d0a-3d3c6a1f0002")
SECONDS = 5.0


@dataclass(kw_only=True)
class Forge:
    port: int
    keys: Keys
    site: Site
    cookie: str
    server: uvicorn.Server
    tasks: Tasks = field(default_factory=Tasks)

    def head(self, target: str, *, method: str = "GET", by: str = "token", **headers: str) -> bytes:
        """A request head. `by`: token, cookie or nobody. Header names with `_` for `-`; an empty value leaves one out."""
        chosen = {"host": f"localhost:{self.port}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        if by == "token":
            chosen.setdefault("authorization", f"Bearer {self.keys.token}")
        if by == "cookie":
            chosen.setdefault("cookie", f"other=1; volundr={self.cookie}")
        lines = [f"{name}: {value}" for name, value in chosen.items() if value]
        return "\r\n".join([f"{method} {target} HTTP/1.1", *lines, "", ""]).encode()

    def ws_head(self, target: str, **chosen: str) -> bytes:
        key = base64.b64encode(os.urandom(16)).decode()
        upgrade = {"connection": "Upgrade", "upgrade": "websocket", "sec_websocket_key": key, "sec_websocket_version": "13"}
        return self.head(target, **(upgrade | chosen))

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with asyncio.timeout(SECONDS):
            return await asyncio.open_connection("127.0.0.1", self.port)

    async def ask(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the answer to these bytes."""
        reader, writer = await self.connect()
        try:
            async with asyncio.timeout(SECONDS):
                writer.write(request)
                return await read_answer(reader)
        finally:
            writer.transport.abort()


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    status = int(head[0].split()[1])
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        return status, headers, body
    return status, headers, await reader.readexactly(int(headers.get("content-length", "0")))


def free_socket() -> socket.socket:
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setblocking(False)
    return listening


@asynccontextmanager
async def serving(config: uvicorn.Config, sock: socket.socket | None = None) -> AsyncIterator[uvicorn.Server]:
    server = uvicorn.Server(config)
    tasks = Tasks()
    serve = tasks.spawn(server._serve([sock] if sock else None), name="uvicorn")
    try:
        await until(lambda: server.started or serve.done())
        yield server
    finally:
        server.should_exit = True
        async with asyncio.timeout(SECONDS):
            await serve


@asynccontextmanager
async def forge(home: Path, upstream: str, **more: Any) -> AsyncIterator[Forge]:
    """A forge whose only running session is SESSION, behind the socket `upstream`."""
    sock = free_socket()
    port = sock.getsockname()[1]
    keys, logins = keys_of(home), FileLogins(home / "logins.json")
    cookie, _ = await logins.redeem(logins.code())
    site, identity = local_site(port), LocalIdentity(keys, logins)

    async def known(session_id: UUID) -> Session:
        if session_id != SESSION:
            raise NotFound("There is no such session.")
        return Session(id=SESSION, name="here", agent="demo")

    gateway = LocalGateway(lambda _: Upstream(socket=upstream))
    door = Door(site=site, identity=identity, authorization=AllowAll(), gateway=gateway, secret=keys.session, session=known)
    tasks = Tasks()
    app = SecurityMiddleware(GatewayApp(door), site=site, identity=identity)
    config = uvicorn.Config(app, http="httptools", ws=gateway_socket(door, tasks), lifespan="off", log_config=None, **more)
    async with serving(config, sock) as server:
        yield Forge(port=port, keys=keys, site=site, cookie=cookie, server=server, tasks=tasks)
    await tasks.close()


async def until(true: Callable[[], bool], seconds: float = SECONDS) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def raw_upstream(
    path: Path, talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
) -> AsyncIterator[str]:
    """Something that is no Skuld: `talk` decides what it says."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_unix_server(serve, path)
    try:
        yield str(path)
    finally:
        server.close()
