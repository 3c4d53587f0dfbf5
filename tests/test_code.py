"""The editor of a session: started by the first request, behind the session's ticket, ended when nobody needs it."""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import websockets
from websockets.asyncio.client import unix_connect

from tests import editor_stand_in
from tests.skuld_kit import Rig, skuld, until
from volundr.broker.code.server import CodePlace, CodeServer
from volundr.domain.errors import Unavailable
from volundr.domain.tickets import issue


def place(folder: Path, **env: str) -> CodePlace:
    """A machine on whose PATH there is a `code-server`."""
    binaries = folder / "bin"
    binaries.mkdir(exist_ok=True)
    program = binaries / "code-server"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {editor_stand_in.__file__} "$@"\n')
    program.chmod(0o755)
    return CodePlace(workspace=folder, folder=folder / "code", env={"PATH": f"{binaries}:/usr/bin:/bin", **env})


def run(folder: Path, story: Callable[[Rig, str], Coroutine[Any, Any, None]], **env: str) -> None:
    async def main() -> None:
        async with skuld(folder, environment=place(folder, **env).env) as rig:
            session = await rig.new(workspace=str(folder))
            await story(rig, session)
            await rig.skuld.manager.stop(session)

    asyncio.run(main())


def bearer(session: str) -> dict[str, str]:
    return {"authorization": f"Bearer {issue('s3', session, 'ann', time.time())}"}


async def ask(
    rig: Rig, session: str, path: str, method: str = "GET", body: bytes = b"", *, ticket: bool = True
) -> tuple[int, str, bytes]:
    reader, writer = await asyncio.open_unix_connection(str(rig.path))
    shown = f"authorization: {bearer(session)['authorization']}\r\n" if ticket else ""
    head = f"{method} /s/{session}/code{path} HTTP/1.1\r\nhost: skuld\r\ncookie: a=secret\r\nconnection: close\r\n{shown}"
    writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    async with asyncio.timeout(30):
        answer = await reader.read()
    writer.close()
    top, _, rest = answer.partition(b"\r\n\r\n")
    return int(top.split()[1]), top.decode().lower(), rest


def test_requests_reach_the_editor_without_the_callers_secrets(tmp_path: Path) -> None:
    async def story(rig: Rig, session: str) -> None:
        status, _, body = await ask(rig, session, "")
        assert (status, json.loads(body)["available"], json.loads(body)["running"]) == (200, True, False)
        status, head, body = await ask(rig, session, "/a/b%20c?x=1", "POST", b"hello")
        assert status == 200
        seen = json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])
        assert (seen["method"], seen["path"], seen["query"], seen["body"]) == ("POST", "/a/b c", "x=1", "hello")
        assert seen["folder"] == str(tmp_path)
        assert not {"authorization", "cookie"} & set(seen["headers"])
        assert "set-cookie" not in head
        assert "x-editor: yes" in head
        assert "frame-ancestors 'self'" in head
        status, _, body = await ask(rig, session, "")
        assert json.loads(body)["running"]

    run(tmp_path, story)


@pytest.mark.parametrize("path", ["", "/", "/static/x.js"])
def test_nobody_reaches_it_without_a_ticket(tmp_path: Path, path: str) -> None:
    async def story(rig: Rig, session: str) -> None:
        assert (await ask(rig, session, path, ticket=False))[0] == 403
        assert not rig.skuld.manager.find(session).code.running

    run(tmp_path, story)


def test_sockets_are_joined_with_the_editors(tmp_path: Path) -> None:
    async def story(rig: Rig, session: str) -> None:
        uri = f"ws://skuld/s/{session}/code/stable-1?reconnection=false"
        async with unix_connect(str(rig.path), uri, additional_headers=bearer(session)) as socket:
            await socket.send("hi")
            assert await socket.recv() == "/stable-1 hi"
        async with unix_connect(str(rig.path), uri) as socket:
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4401

    run(tmp_path, story)


def test_an_editor_that_is_missing_or_broken_says_so(tmp_path: Path) -> None:
    async def broken(rig: Rig, session: str) -> None:
        status, _, body = await ask(rig, session, "/")
        assert status == 503
        assert "no native modules" in json.loads(body)["detail"]

    run(tmp_path, broken, BROKEN="1")

    async def missing() -> None:
        bare = CodePlace(workspace=tmp_path, folder=tmp_path / "code", env={"PATH": "/nowhere"})
        with pytest.raises(Unavailable, match="not installed") as raised:
            async with CodeServer(bare).used():
                pass
        assert "npm install" in raised.value.hint

    asyncio.run(missing())


def test_it_ends_when_nobody_uses_it_and_comes_again(tmp_path: Path) -> None:
    async def main() -> None:
        server = CodeServer(place(tmp_path), idle=0.2)
        async with server.used() as socket:
            assert socket.exists()
            await asyncio.sleep(0.4)
            assert server.running, "it is in use"
        await until(lambda: not server.running)
        await until(lambda: not socket.exists())
        async with server.used() as again:
            assert again.exists()
        await server.close()
        assert not again.exists()

    asyncio.run(main())
