"""The gateway with real sockets: what passes, what does not, and that nothing is kept or lost on the way."""

import asyncio
import hashlib
import json
import logging
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import uvicorn
import uvloop
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.door import SESSION, STOPPED, Forge, forge, raw_upstream, read_answer, serving, until
from volundr.domain import tickets
from volundr.local import splice
from volundr.local.gateway import session_of

ROOM = f"/s/{SESSION}"
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(params=sorted(LOOPS))
def run(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
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
            assert "permessage-deflate" in socket.response.headers["Sec-WebSocket-Extensions"]
            await socket.send("bye")
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
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


def test_a_request_reaches_skuld_as_it_was_with_a_ticket_instead_of_the_callers_token(tmp_path: Path) -> None:
    async def main() -> None:
        async with both(tmp_path) as (door, skuld):
            target = f"{ROOM}/files/a%20b%2Fc%C3%BC/echo?x=%2e%2e&y=1"
            status, headers, body = await door.ask(door.head(target, te="trailers", connection="x-hop", x_hop="1", x_end="2"))
            told = json.loads(body)
            assert (status, f"{told['path']}?{told['query']}") == (200, target)
            seen = dict(skuld.scopes[0]["headers"])
            assert b"x-hop" not in seen
            assert seen[b"x-end"] == b"2"
            scheme, _, ticket = seen[b"authorization"].decode().partition(" ")
            assert scheme == "Bearer"
            assert tickets.verify(door.keys.session(SESSION), str(SESSION), ticket, time.time()).subject == "local"
            assert door.keys.token not in str(skuld.scopes)
            assert headers["content-encoding"] == "gzip"
            assert "set-cookie" not in headers
            assert "sandbox" in headers["content-security-policy"]

    run_on("uvloop", main())


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_a_large_body_streams_up_and_arrives_whole(tmp_path: Path, framing: str) -> None:
    body = os.urandom(3_000_000)

    async def main() -> None:
        async with both(tmp_path) as (door, _):
            if framing == "length":
                request = door.head(f"{ROOM}/up", method="PUT", content_length=str(len(body))) + body
            else:
                pieces = [body[start : start + 70_000] for start in range(0, len(body), 70_000)]
                chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
                request = door.head(f"{ROOM}/up", method="PUT", transfer_encoding="chunked") + chunks + b"0\r\n\r\n"
            status, _, answer = await door.ask(request)
            told = json.loads(answer)
            assert (status, told["method"]) == (200, "PUT")
            assert (told["size"], told["sha"]) == (len(body), hashlib.sha256(body).hexdigest())

    run_on("uvloop", main())


def test_a_large_answer_streams_down_whole_and_many_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with both(tmp_path) as (door, _):
            answers = await asyncio.gather(*(door.ask(door.head(f"{ROOM}/big")) for _ in range(4)))
            assert [len(body) for _, _, body in answers] == [2**22] * 4
            status, _headers, body = await door.ask(door.head(f"{ROOM}/big", method="HEAD"))
            assert (status, body) == (200, b"")

    run_on("uvloop", main())


def test_an_answer_arrives_as_it_is_made_and_its_end_is_told_to_skuld(tmp_path: Path, run: Any) -> None:
    async def main() -> None:
        async with both(tmp_path) as (door, skuld):
            reader, writer = await door.connect()
            writer.write(door.head(f"{ROOM}/stream"))
            async with asyncio.timeout(3):
                await reader.readuntil(b"tick\r\n4\r\ntick\r\n4\r\ntick")
                writer.transport.abort()
                await skuld.gone.wait()

    run(main())


def test_an_early_answer_passes_while_the_body_is_still_coming(tmp_path: Path) -> None:
    async def main() -> None:
        async with both(tmp_path) as (door, _):
            reader, writer = await door.connect()
            writer.write(door.head(f"{ROOM}/early", method="POST", content_length="1000000") + b"some")
            async with asyncio.timeout(3):
                assert (await read_answer(reader))[0] == 418
            writer.transport.abort()

    run_on("uvloop", main())


@pytest.mark.parametrize(
    "answer",
    [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfour"],
    ids=["nothing", "no HTTP", "half"],
)
def test_half_an_answer_is_never_taken_for_a_whole_one(tmp_path: Path, answer: bytes, run: Any) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)

    async def main() -> None:
        async with raw_upstream(tmp_path / "u.sock", talk) as path, forge(tmp_path / "f", path) as door:
            if answer.startswith(b"HTTP"):
                with pytest.raises(asyncio.IncompleteReadError):
                    await door.ask(door.head(f"{ROOM}/health"))
            else:
                assert (await door.ask(door.head(f"{ROOM}/health")))[0] == 502

    run(main())


@pytest.mark.parametrize(
    "target",
    [
        "/s/",
        "/s/x/health",
        "/s/6F1C1C8E-0B5E-4A86-9D0A-3D3C6A1F0001/health",
        f"/s/{SESSION}%2fhealth",
        f"/s/%2e%2e/{SESSION}/health",
        f"{ROOM}/./health",
        f"{ROOM}//health",
        f"{ROOM}/a/../health",
        f"{ROOM}/a\\..\\health",
        f"{ROOM}/a%5c..%5chealth",
        f"{ROOM}/%00",
        f"{ROOM}/health#x",
    ],
)
def test_a_path_that_could_be_read_in_two_ways_leads_nowhere(target: str) -> None:
    assert session_of(target.encode()) is None


@pytest.mark.parametrize("target", [ROOM, f"{ROOM}/", f"{ROOM}/a/b/", f"{ROOM}/a%20b", f"{ROOM}/x?q=../..//", f"{ROOM}/..a"])
def test_a_plain_path_leads_to_its_session(target: str) -> None:
    assert session_of(target.encode()) == SESSION


def test_no_token_cookie_or_ticket_ever_stands_in_a_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> list[str]:
        async with both(tmp_path) as (door, skuld):
            for by in ("token", "cookie"):
                await door.ask(door.head(f"{ROOM}/echo", by=by, origin=f"http://localhost:{door.port}"))
                await door.ask(door.ws_head(f"{ROOM}/ws/chat", by=by, origin=f"http://localhost:{door.port}"))
                await door.ask(door.ws_head(f"{ROOM}/ws/chat", by=by, origin="http://evil.example"))
            sent = [dict(scope["headers"]).get(b"authorization", b"-" * 20).decode() for scope in skuld.scopes]
        async with forge(tmp_path / "forge", str(tmp_path / "nothing.sock")) as away:
            await away.ask(away.head(f"{ROOM}/health"))
            await away.ask(away.ws_head(f"{ROOM}/ws/chat"))
        assert len([text for text in sent if text.startswith("Bearer")]) == 2
        return [door.keys.token, door.cookie, door.keys.master, *(text.removeprefix("Bearer ") for text in sent)]

    with caplog.at_level(logging.DEBUG):
        secrets = run_on("uvloop", main())
    written = "\n".join(str(vars(record)) for record in caplog.records)
    assert "gateway request failed" in written
    assert not [secret for secret in secrets if secret.strip("-") and secret in written]
