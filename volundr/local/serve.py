"""How a process of ours serves HTTP: uvicorn with our loop, our sockets and our signals."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from volundr.domain.errors import Unavailable
from volundr.process import Tasks

GRACE_SECONDS = 2
"""How long open requests (event streams, above all) may go on once the server ends."""
WORKER_GRACE_SECONDS = 20
"""The same for a worker of a server: others take what comes new, so it may finish what it has."""
FIRST_SECONDS = 0.25
"""How long a connection may take to send its first request once the server ends."""
CLI_FRAME_BYTES = 64 * 1024 * 1024
"""An agent may print a line of 20 MB. What browsers may send is limited where their frames are read."""


class Server(uvicorn.Server):
    """uvicorn's server without its signals (our own handlers decide what Ctrl-C means), and with patience at its end."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take nothing new, and let connections that were just taken send what they were made for: uvicorn would close them."""
        for server in self.servers:
            server.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_SECONDS):
                while any(_is_new(one) for one in self.server_state.connections):  # noqa: ASYNC110 - uvicorn tells nobody
                    await asyncio.sleep(0.005)
        await super().shutdown(sockets)


def _is_new(connection: asyncio.Protocol) -> bool:
    """Whether no request has come on it yet."""
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    return isinstance(connection, HttpToolsProtocol) and connection.cycle is None


@asynccontextmanager
async def serving(
    app: ASGIApp, listener: socket.socket, sockets: type[asyncio.Protocol] | None = None, grace: int = GRACE_SECONDS
) -> AsyncIterator[None]:
    """Serve for as long as the block lasts; it begins once connections are taken. `sockets`: the class for WebSockets.

    At the end open requests get `grace` seconds to finish.
    """
    config = uvicorn.Config(
        app,
        http="httptools",
        ws=sockets or "websockets-sansio",
        ws_max_size=CLI_FRAME_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        lifespan="on" if sockets is None else "off",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=grace,
    )
    server, tasks = Server(config), Tasks()
    work = tasks.spawn(server.serve(sockets=[listener]), name="serve")
    try:
        while not server.started:
            if work.done():
                work.result()
                raise Unavailable("The server ended while it started.")
            await asyncio.sleep(0.001)
        yield
    finally:
        server.should_exit = True
        await asyncio.wait({work}, timeout=grace + 3)
        await tasks.close()


class EndsStreams:
    """Ends event streams in good order once `over` is set, as if their clients had gone; other answers end by themselves."""

    def __init__(self, app: ASGIApp, over: asyncio.Event) -> None:
        self._app = app
        self._over = over

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        open_stream = False

        async def heard() -> Message:
            return await self._first(receive) if open_stream else await receive()

        async def said(message: Message) -> None:
            nonlocal open_stream
            if message["type"] == "http.response.start":
                open_stream = any(
                    name == b"content-type" and value.startswith(b"text/event-stream") for name, value in message["headers"]
                )
            elif not message.get("more_body"):
                open_stream = False
            await send(message)

        await self._app(scope, heard, said)
        if open_stream:
            await send({"type": "http.response.body", "body": b""})

    async def _first(self, receive: Receive) -> Message:
        """What the client says, or that it is over."""
        tasks = Tasks()

        async def hear() -> Message:
            return await receive()

        hearing = tasks.spawn(hear(), name="hear a client")
        ending = tasks.spawn(self._over.wait(), name="hear the end")
        try:
            await asyncio.wait({hearing, ending}, return_when=asyncio.FIRST_COMPLETED)
            return hearing.result() if hearing.done() else {"type": "http.disconnect"}
        finally:
            await tasks.close()


@asynccontextmanager
async def asked_to_end() -> AsyncIterator[asyncio.Event]:
    """An event that SIGINT and SIGTERM set. The second one ends the process as it always did."""
    loop, event = asyncio.get_running_loop(), asyncio.Event()

    def hear(number: signal.Signals) -> None:
        event.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, hear, number)
    try:
        yield event
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


@asynccontextmanager
async def asked_to_renew(renew: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """SIGHUP calls `renew`, as often as it comes."""
    loop, tasks = asyncio.get_running_loop(), Tasks()
    loop.add_signal_handler(signal.SIGHUP, lambda: tasks.spawn(renew(), name="renew workers"))
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
        await tasks.close()


def listen_on(path: Path) -> socket.socket:
    """A Unix socket for this user alone. One that a dead process left is replaced; Unavailable when somebody listens there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        with suppress(OSError):
            probe.connect(str(path))
            raise Unavailable(f"Another process already listens on {path}.", hint="End it with `volundr down`.")
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(mask)
    listener.listen(2048)
    listener.setblocking(False)
    return listener


def run[T](work: Coroutine[Any, Any, T]) -> T:
    """Run this process's main coroutine on uvloop."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
