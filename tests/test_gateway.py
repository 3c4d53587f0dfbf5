"""The gateway's sockets: what passes, what does not, and that nothing is kept or lost on the way."""

import asyncio
import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.door import SESSION, STOPPED, forge, raw_upstream, until
from tests.gateway_kit import (
    ROOM,
    both,
    on_each_loop,  # noqa: F401 - a fixture
    open_socket,
    run_on,
)
from volundr.domain import tickets
from volundr.local import splice


def test_a_socket_carries_messages_of_any_size_both_ways(tmp_path: Path, run: Any) -> None:
    async def main() -> None:
        async with both(tmp_path) as (door, skuld):
            async with open_socket(door, subprotocols=["volundr.chat.v1", "volundr.ticket.abc.def"]) as socket:
                assert socket.subprotocol == "volundr.chat.v1"
                for message in ("hello", "ünï", b"\0\xff" * 1000, "x" * 20_000_000):
                    await socket.send(message)
                    assert await socket.recv() == message
            await until(lambda: skuld.closed == 1)
            seen = {name for name, _ in skuld.scopes[0]["headers"]}
            assert not seen & {b"authorization", b"cookie"}
            assert skuld.scopes[0]["subprotocols"] == ["volundr.chat.v1", "volundr.ticket.abc.def"]
            await until(lambda: not door.server.server_state.connections)

    run(main())


def test_compression_and_close_codes_pass_untouched(tmp_path: Path) -> None:
    async def main() -> None:
        async with both(tmp_path) as (door, _), open_socket(door, compression="deflate") as socket:
            assert socket.response is not None
            assert "permessage-deflate" in socket.response.headers["Sec-WebSocket-Extensions"]
            await socket.send("bye")
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4404, "no such session")

    run_on("uvloop", main())


CASES: list[tuple[dict[str, str], int]] = [
    ({"by": "nobody"}, 401),
    ({"by": "nobody", "authorization": "Bearer wrong"}, 401),
    ({"by": "nobody", "authorization": "Basic dXNlcjpwYXNz"}, 401),
    ({"by": "nobody", "cookie": "volundr=wrong", "origin": "ours"}, 401),
    ({"host": "evil.example"}, 421),
    ({"host": "evil.example:80"}, 421),
    ({"host": ""}, 421),
    ({"origin": "http://evil.example"}, 403),
    ({"origin": "null"}, 403),
    ({"by": "cookie"}, 403),
    ({"by": "cookie", "origin": "http://localhost:1"}, 403),
    ({"by": "cookie", "origin": "ours"}, 101),
    ({"origin": "ours"}, 101),
    ({}, 101),
    ({"target": f"/s/{STOPPED}/ws/chat"}, 404),
    ({"target": "/manage/sessions"}, 404),
    ({"target": f"/ws/cli/{SESSION}"}, 404),
    ({"target": f"/s/{SESSION}/../../manage/sessions"}, 404),
    ({"target": f"/s/{SESSION}/%2e%2e/%2E./manage/sessions"}, 404),
    ({"target": f"/s/{SESSION}/x%2f..%2f..%2fmanage"}, 404),
    ({"target": f"//s/{SESSION}/ws/chat"}, 404),
    ({"target": f"http://localhost/s/{SESSION}/ws/chat"}, 404),
    ({"content_length": "4"}, 400),
    ({"method": "POST"}, 400),
]


def test_a_socket_is_let_in_or_not(tmp_path: Path) -> None:
    async def main() -> None:
        async with both(tmp_path) as (door, skuld):
            for chosen, status in CASES:
                skuld.scopes.clear()
                picked = dict(chosen)
                if picked.get("origin") == "ours":
                    picked["origin"] = f"http://localhost:{door.port}"
                found, headers, _ = await door.ask(door.ws_head(picked.pop("target", f"{ROOM}/ws/chat"), **picked))
                assert (chosen, found) == (chosen, status)
                assert bool(skuld.scopes) is (status == 101)
                assert status == 101 or headers["content-type"] == "application/problem+json"

    run_on("uvloop", main())


def test_a_report_key_of_a_session_does_not_open_its_chat(tmp_path: Path) -> None:
    async def main() -> None:
        async with both(tmp_path) as (door, _):
            key = tickets.derive(door.keys.session(SESSION), "report")
            assert (await door.ask(door.ws_head(f"{ROOM}/ws/chat", authorization=f"Bearer {key}")))[0] == 403
            assert (await door.ask(door.head(f"{ROOM}/health", authorization=f"Bearer {key}")))[0] == 403

    run_on("uvloop", main())


def test_skulds_own_refusal_reaches_the_browser_and_ends_the_connection(tmp_path: Path, run: Any) -> None:
    async def main() -> None:
        async with both(tmp_path) as (door, _):
            with pytest.raises(InvalidStatus) as refused:
                async with open_socket(door, f"{ROOM}/refuse"):
                    pass
            assert refused.value.response.status_code == 403
            await until(lambda: not door.server.server_state.connections)

    run(main())


def test_nothing_but_the_handshake_reaches_a_skuld_that_did_not_agree_to_it(
    tmp_path: Path, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(splice, "REFUSAL_SECONDS", 0.2)
    heard = b""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        heard += await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        heard += await reader.read()

    async def main() -> None:
        async with raw_upstream(tmp_path / "u.sock", talk) as path, forge(tmp_path / "f", path) as door:
            reader, writer = await door.connect()
            writer.write(door.ws_head(f"{ROOM}/ws/chat"))
            assert b"400" in await reader.readuntil(b"\r\n\r\n")
            writer.write(b"PUT /manage/sessions/x HTTP/1.1\r\nhost: x\r\n\r\n")
            await until(lambda: not door.server.server_state.connections)
            writer.transport.abort()
        assert b"manage" not in heard

    run(main())


def test_a_skuld_that_is_away_or_silent_is_a_502_within_five_seconds(tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def main() -> None:
        async with raw_upstream(tmp_path / "u.sock", silent) as path, forge(tmp_path / "f", path) as door:
            begun = time.monotonic()
            status, headers, body = await door.ask(door.ws_head(f"{ROOM}/ws/chat"))
            assert (status, headers["content-type"]) == (502, "application/problem+json")
            assert "broker" in json.loads(body)["detail"]
            assert time.monotonic() - begun < 5
        async with forge(tmp_path / "f", str(tmp_path / "nothing.sock")) as door:
            assert (await door.ask(door.ws_head(f"{ROOM}/ws/chat")))[0] == 502
            assert (await door.ask(door.head(f"{ROOM}/health")))[0] == 502

    run_on("uvloop", main())


def test_a_slow_browser_stops_the_reading_of_skuld_and_loses_nothing(tmp_path: Path, run: Any) -> None:
    sent, total = 0, 60_000_000

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        while sent < total:
            writer.write(b"d" * 100_000)
            await writer.drain()
            sent += 100_000

    async def main() -> None:
        async with raw_upstream(tmp_path / "u.sock", talk) as path, forge(tmp_path / "f", path) as door:
            reader, writer = await door.connect()
            writer.write(door.ws_head(f"{ROOM}/ws/chat"))
            await reader.readuntil(b"\r\n\r\n")
            before, seen = -1, 0
            while before != sent:  # until Skuld cannot write any more
                before = sent
                await asyncio.sleep(0.1)
            assert sent < 30_000_000
            while piece := await reader.read(2**20):
                seen += len(piece)
            assert seen == total
            writer.transport.abort()

    run(main())


def test_a_slow_skuld_stops_the_reading_of_the_browser_and_hears_all(tmp_path: Path, run: Any) -> None:
    go, heard = asyncio.Event(), 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        await go.wait()
        while piece := await reader.read(2**20):
            heard += len(piece)
        writer.write(b"all")

    async def main() -> None:
        async with raw_upstream(tmp_path / "u.sock", talk) as path, forge(tmp_path / "f", path) as door:
            reader, writer = await door.connect()
            writer.write(door.ws_head(f"{ROOM}/ws/chat"))
            await reader.readuntil(b"\r\n\r\n")
            sent = 0
            try:
                while sent < 60_000_000:
                    writer.write(b"u" * 100_000)
                    sent += 100_000
                    async with asyncio.timeout(0.5):
                        await writer.drain()
            except TimeoutError:
                pass
            assert sent < 30_000_000
            go.set()
            writer.write_eof()  # half closed: the answer still comes
            assert await reader.read() == b"all"
            assert heard == sent
            writer.transport.abort()

    run(main())


def test_five_hundred_sockets_opened_and_cut_leave_nothing_open(tmp_path: Path, run: Any) -> None:
    async def main() -> None:
        async with both(tmp_path) as (door, _skuld):

            async def cycle(number: int) -> None:
                reader, writer = await door.connect()
                writer.write(door.ws_head(f"{ROOM}/ws/chat"))
                if number % 3:
                    await reader.readuntil(b"\r\n\r\n")
                if number % 2:
                    writer.transport.abort()
                else:
                    writer.close()
                    await writer.wait_closed()

            await cycle(1)
            await until(lambda: not door.server.server_state.connections)
            before = len(os.listdir("/proc/self/fd"))
            for number in range(0, 500, 25):
                await asyncio.gather(*(cycle(number + step) for step in range(25)))
            await until(lambda: not door.server.server_state.connections)
            await until(lambda: len(os.listdir("/proc/self/fd")) <= before)
            assert not door.tasks._running

    run(main())


def test_a_server_that_ends_closes_its_sockets(tmp_path: Path) -> None:
    async def main() -> None:
        async with both(tmp_path) as (door, skuld):
            socket = await open_socket(door)
            door.server.should_exit = True
            with pytest.raises(ConnectionClosed):
                await socket.recv()
            await until(lambda: skuld.closed == 1)

    run_on("uvloop", main())


def test_a_skuld_that_dies_closes_the_browsers_socket(tmp_path: Path, run: Any) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\nlast words")
        await writer.drain()
        writer.transport.abort()

    async def main() -> None:
        async with raw_upstream(tmp_path / "u.sock", talk) as path, forge(tmp_path / "f", path) as door:
            reader, writer = await door.connect()
            writer.write(door.ws_head(f"{ROOM}/ws/chat"))
            async with asyncio.timeout(3):
                assert (await reader.read()).endswith(b"last words")
            writer.transport.abort()
            await until(lambda: not door.server.server_state.connections)

    run(main())


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own notice of a silent end: Linux only")
def test_a_browser_that_went_away_without_a_word_is_noticed_within_half_a_minute() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        accepted, _ = server.accept()
        with accepted:
            splice.notice_silence(accepted)
            options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
            idle, pause, count, unanswered = (accepted.getsockopt(socket.IPPROTO_TCP, option) for option in options)
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert idle + pause * count <= 30
            assert unanswered <= 30_000
