"""A gateway between a real server and real clients, for its tests."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import uvicorn
import uvloop
from websockets.asyncio.client import connect

from tests.door import SESSION, Forge, forge, serving

ROOM = f"/s/{SESSION}"
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(name="run", params=sorted(LOOPS))
def on_each_loop(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    """asyncio.run on each of the two loops that Volundr runs on: their transports differ."""
    return partial(run_on, request.param)


def run_on(loop: str, main: Any) -> Any:
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        return runner.run(main)


class Skuld:
    """An upstream that is a real server: echoes sockets, and answers requests by their path."""

    def __init__(self) -> None:
        self.scopes: list[Any] = []
        self.gone = asyncio.Event()
        self.closed = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        await (self.socket if scope["type"] == "websocket" else self.request)(scope, receive, send)

    async def socket(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        if scope["path"].endswith("/refuse"):
            await send({"type": "websocket.close", "code": 4401})
            return
        await send({"type": "websocket.accept", "subprotocol": next(iter(scope["subprotocols"]), None)})
        while (message := await receive())["type"] == "websocket.receive":
            if message.get("text") == "bye":
                await send({"type": "websocket.close", "code": 4404, "reason": "no such session"})
                break
            await send({**message, "type": "websocket.send"})
        self.closed += 1

    async def request(self, scope: Any, receive: Any, send: Any) -> None:
        kind = scope["path"].rpartition("/")[2]
        digest, size = hashlib.sha256(), 0
        if kind != "early":
            more = True
            while more:
                message = await receive()
                digest.update(message["body"])
                size += len(message["body"])
                more = message["more_body"]
        headers = [(b"x-seen", b"yes"), (b"set-cookie", b"volundr=stolen"), (b"content-encoding", b"gzip")]
        await send({"type": "http.response.start", "status": 418 if kind == "early" else 200, "headers": headers})
        if kind == "stream":
            for _ in range(3):
                await send({"type": "http.response.body", "body": b"tick", "more_body": True})
            while (await receive())["type"] != "http.disconnect":
                pass
            self.gone.set()
            return
        if kind == "big":
            for _ in range(16):
                await send({"type": "http.response.body", "body": b"b" * 2**18, "more_body": True})
        told = {"path": scope["raw_path"].decode(), "query": scope["query_string"].decode(), "method": scope["method"]}
        told |= {"size": size, "sha": digest.hexdigest()}
        await send({"type": "http.response.body", "body": b"" if kind == "big" else json.dumps(told).encode()})


@asynccontextmanager
async def both(home: Path) -> AsyncIterator[tuple[Forge, Skuld]]:
    skuld = Skuld()
    config = uvicorn.Config(
        skuld, uds=str(home / "skuld.sock"), ws="websockets-sansio", ws_max_size=2**27, lifespan="off", log_config=None
    )
    async with serving(config) as server, forge(home / "forge", str(home / "skuld.sock")) as door:
        yield door, skuld
        server.should_exit = True  # both end at the same time


def open_socket(door: Forge, path: str = f"{ROOM}/ws/chat", **more: Any) -> connect:
    more.setdefault("additional_headers", {"Authorization": f"Bearer {door.keys.token}"})
    more.setdefault("compression", None)
    return connect(f"ws://localhost:{door.port}{path}", host="127.0.0.1", port=door.port, max_size=None, proxy=None, **more)
