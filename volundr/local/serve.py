"""How a process of ours serves HTTP: uvicorn with our loop, our sockets and our signals."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from volundr.domain.errors import Unavailable
from volundr.process import Tasks

GRACE_SECONDS = 2
"""How long open requests (event streams, above all) may go on once the server ends."""
CLI_FRAME_BYTES = 64 * 1024 * 1024
"""An agent may print a line of 20 MB. What browsers may send is limited where their frames are read."""


class Server(uvicorn.Server):
    """uvicorn's server without its signals: our own handlers decide what Ctrl-C means."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: ASGIApp, listener: socket.socket, sockets: type[asyncio.Protocol] | None = None) -> AsyncIterator[None]:
    """Serve for as long as the block lasts; it begins once connections are taken. `sockets`: the class for WebSockets."""
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
        timeout_graceful_shutdown=GRACE_SECONDS,
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
        await asyncio.wait({work}, timeout=GRACE_SECONDS + 3)
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
