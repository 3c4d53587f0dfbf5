"""The gateway's requests: streamed both ways as they are, to sessions and nowhere else."""

import asyncio
import hashlib
import json
import logging
import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.door import SESSION, forge, raw_upstream, read_answer
from tests.gateway_kit import (
    ROOM,
    both,
    on_each_loop,  # noqa: F401 - a fixture
    run_on,
)
from volundr.domain import tickets
from volundr.local.gateway import session_of


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
