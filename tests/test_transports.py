"""Both transports keep the same promises; through the shim also across a restart of Skuld."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

from tests.shim_process import shim
from volundr.broker.events import Exited, Say, TextDelta, TurnEnded
from volundr.broker.shim.websocket import Client, Refused
from volundr.broker.transports.factory import Transports
from volundr.broker.transports.shim import Where
from volundr.broker.transports.stream_json import StreamJsonDialect
from volundr.broker.transports.transport import CLITransport
from volundr.domain.errors import Invalid
from volundr.testing import Listener, TransportContract


@asynccontextmanager
async def skuld(folder: Path) -> AsyncIterator[Transports]:
    """The part of Skuld that shims connect to, on its Unix socket."""
    path = folder / "skuld.sock"
    transports = Transports(Where(shim=folder / "shim.sock", skuld=path))
    app = Starlette(routes=[WebSocketRoute("/ws/cli/{session_id}", transports.links.endpoint)])
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    config = uvicorn.Config(
        app, log_level="error", lifespan="off", ws="websockets-sansio", ws_max_size=1 << 27, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    task = asyncio.get_running_loop().create_task(server.serve([listener]))
    try:
        yield transports
    finally:
        server.should_exit = True
        await task


class TestThroughTheShim(TransportContract):
    @asynccontextmanager
    async def opened(self, folder: Path) -> AsyncIterator[CLITransport]:
        async with shim(folder), skuld(folder) as transports:
            yield transports.make("shim", "s1", "secret")

    def test_every_line_comes_once_over_a_restart_of_skuld(self, tmp_path: Path) -> None:
        asyncio.run(self._restart(tmp_path))

    async def _restart(self, folder: Path) -> None:
        async with shim(folder):
            async with skuld(folder) as transports:
                first = Listener(transports.make("shim", "s1", "secret"))
                async with asyncio.TaskGroup() as tasks:
                    listening = tasks.create_task(first.listen())
                    await first.transport.start("run-1", self.launch(folder), StreamJsonDialect())
                    await first.transport.tell(7, Say(messages=[("m1", "{{slow: 60 0.02}}")]))
                    await first.until(TextDelta)
                    listening.cancel()
            seen = first.lines[-1]
            async with skuld(folder) as transports, asyncio.TaskGroup() as tasks:
                second = Listener(transports.make("shim", "s1", "secret"))
                tasks.create_task(second.listen())
                assert await second.transport.adopt("run-1", StreamJsonDialect(), seen) == 7
                await second.transport.tell(7, Say(messages=[("m1", "{{slow: 60 0.02}}")]))
                ended = await second.until(TurnEnded)
                assert ended.status == "ok"
                await second.transport.stop(1)
        words = "".join(e.text for e in [*first.events, *second.events] if isinstance(e, TextDelta))
        # A dialect that begins in the middle cannot name the message of a delta, so some deltas are not shown …
        assert second.text() == "".join(f"word{i} " for i in range(60))  # … but the whole block is there, once.
        assert words.startswith("word0 ")
        assert min(second.lines) > seen

    def test_a_run_that_is_gone_cannot_be_adopted(self, tmp_path: Path) -> None:
        async def main() -> None:
            async with shim(tmp_path), skuld(tmp_path) as transports:
                assert await transports.make("shim", "s1", "secret").adopt("run-9", StreamJsonDialect(), 0) is None
            async with skuld(tmp_path) as transports:  # no shim at all
                assert await transports.make("shim", "s1", "secret").adopt("run-9", StreamJsonDialect(), 0) is None

        asyncio.run(main())

    def test_a_wrong_secret_is_refused(self, tmp_path: Path) -> None:
        async def main() -> None:
            async with shim(tmp_path), skuld(tmp_path) as transports:
                transport = transports.make("shim", "s1", "secret")
                await transport.start("run-1", self.launch(tmp_path), StreamJsonDialect())
                for path, secret in (("/ws/cli/s1", "wrong"), ("/ws/cli/s1", ""), ("/ws/cli/s2", "secret")):
                    headers = {"Authorization": f"Bearer {secret}", "Sec-WebSocket-Protocol": "volundr.shim.v1"}
                    with pytest.raises(Refused, match="403"):
                        await Client.open(str(tmp_path / "skuld.sock"), path, headers)
                await transport.stop(1)

        asyncio.run(main())

    def test_an_exit_while_skuld_is_away_is_heard_later(self, tmp_path: Path) -> None:
        asyncio.run(self._exit_meanwhile(tmp_path))

    async def _exit_meanwhile(self, folder: Path) -> None:
        async with shim(folder) as ask:
            async with skuld(folder) as transports:
                first = transports.make("shim", "s1", "secret")
                await first.start("run-1", self.launch(folder), StreamJsonDialect())
                await first.tell(1, Say(messages=[("m1", "{{hang: 0.2}} {{crash: 4}}")]))
            async with asyncio.timeout(10):
                while (await ask(op="list"))["runs"][0]["alive"]:
                    await asyncio.sleep(0.02)
            async with skuld(folder) as transports, asyncio.TaskGroup() as tasks:
                second = Listener(transports.make("shim", "s1", "secret"))
                tasks.create_task(second.listen())
                assert await second.transport.adopt("run-1", StreamJsonDialect(), 0) == 1
                assert (await second.until(Exited)).code == 4
                second.transport.settled(second.lines[-1])
                async with asyncio.timeout(5):
                    while (await ask(op="list"))["runs"]:
                        await asyncio.sleep(0.02)
                await second.transport.stop(1)


class TestOverStdio(TransportContract):
    @asynccontextmanager
    async def opened(self, folder: Path) -> AsyncIterator[CLITransport]:
        yield Transports(Where(shim=folder / "none", skuld=folder / "none")).make("stdio", "s1", "secret")


def test_a_wrong_kind_is_answered_with_the_right_ones(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="There is: shim, stdio, remote"):
        Transports(Where(shim=tmp_path, skuld=tmp_path)).make("telnet", "s", "x")
