"""How a process of ours ends its server: what was taken is answered."""

import asyncio
import socket
from contextlib import AsyncExitStack

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from volundr.local import serve
from volundr.process import Tasks


async def _hello(_: object) -> PlainTextResponse:
    return PlainTextResponse("hello")


def test_a_request_on_a_connection_that_was_just_taken_is_answered_though_the_server_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(serve, "FIRST_SECONDS", 5.0)

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            stack = AsyncExitStack()
            await stack.enter_async_context(serve.serving(Starlette(routes=[Route("/", _hello)]), listener))
            taken = await asyncio.open_connection("127.0.0.1", port)
            used = await asyncio.open_connection("127.0.0.1", port)
            used[1].write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")  # once it is answered, the one before it was taken too
            assert b"hello" in await used[0].readuntil(b"hello")
            ending = Tasks().spawn(stack.aclose(), name="end")
            async with asyncio.timeout(5):
                while await _is_open(port):
                    await asyncio.sleep(0.01)
                taken[1].write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
                assert (await taken[0].read()).endswith(b"hello")  # and the connection ends
                assert await used[0].read() == b""
                await ending
            for _, writer in (used, taken):
                writer.close()

    asyncio.run(main())


async def _is_open(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        return False
    writer.close()
    return True
