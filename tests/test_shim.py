"""The shim: its socket, what it keeps of a run, and how it delivers that over broken connections."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, unix_serve
from websockets.exceptions import ConnectionClosed

from tests.shim_process import shim
from volundr.broker.shim.lines import BATCH, LONGEST, Lines, Splitter
from volundr.broker.shim.websocket import Client, Closed

ECHO = "import sys\nfor line in sys.stdin: print('heard ' + line, end='', flush=True)"


class Peer:
    """Skuld's end of a link, driven by hand."""

    def __init__(self, socket: ServerConnection) -> None:
        self._socket = socket
        self.lines: list[tuple[int, str]] = []
        self.frames = 0

    async def receive(self) -> dict[str, Any] | None:
        """A control message, or None after lines."""
        async with asyncio.timeout(10):
            message = await self._socket.recv()
        assert isinstance(message, str)
        if message.startswith("{"):
            return dict(json.loads(message))
        self.frames += 1
        for line in message.split("\n"):
            number, _, text = line.partition(" ")
            self.lines.append((int(number), text))
        return None

    async def until_line(self, number: int) -> None:
        while not self.lines or self.lines[-1][0] < number:
            await self.receive()

    async def until(self, kind: str) -> dict[str, Any]:
        while True:
            said = await self.receive()
            if said is not None and said["type"] == kind:
                return said

    async def send(self, **what: Any) -> None:
        await self._socket.send(json.dumps(what))

    async def say(self, text: str) -> None:
        await self._socket.send(text)

    async def drop(self) -> None:
        self._socket.transport.abort()


@asynccontextmanager
async def skuld(path: Path) -> AsyncIterator[Callable[[], Awaitable[tuple[Peer, dict[str, Any]]]]]:
    """A server for links; the value waits for the next one and its hello."""
    waiting: asyncio.Queue[Peer] = asyncio.Queue()

    async def serve(socket: ServerConnection) -> None:
        assert socket.request is not None
        assert socket.request.headers["Authorization"] == "Bearer secret"
        assert socket.request.path == "/ws/cli/s1"
        waiting.put_nowait(Peer(socket))
        await socket.wait_closed()

    async def link() -> tuple[Peer, dict[str, Any]]:
        async with asyncio.timeout(10):
            peer = await waiting.get()
            return peer, await peer.until("hello")

    async with unix_serve(serve, str(path), subprotocols=["volundr.shim.v1"], max_size=1 << 27):
        yield link


def test_lines_are_numbered_and_the_last_one_tells_the_end(tmp_path: Path) -> None:
    async def main() -> None:
        async with skuld(tmp_path / "skuld") as link, shim(tmp_path) as ask:
            script = "echo one; echo two; echo oops >&2; printf three; exit 7"
            await ask.spawn(["sh", "-c", script], link=str(tmp_path / "skuld"))
            peer, hello = await link()
            assert (hello["run"], hello["input"], hello["first"]) == ("run-1", -1, 1)
            await peer.send(type="from", line=0)
            await peer.until_line(4)
            assert peer.lines[:3] == [(1, "one"), (2, "two"), (3, "three")]
            last = json.loads(peer.lines[3][1])
            assert last == {"type": "shim_exited", "code": 7, "stderr": "oops\n", "wanted": False}
            await peer.send(type="settled", line=4)
            async with asyncio.timeout(5):
                while (await ask(op="list"))["runs"]:
                    await asyncio.sleep(0.02)

    asyncio.run(main())


def test_after_broken_links_every_line_came_once(tmp_path: Path) -> None:
    async def main() -> None:
        count = 3000
        script = f"import time\nfor n in range({count}):\n print('line', n, flush=True)\n if n % 100 == 0: time.sleep(0.01)"
        seen: list[tuple[int, str]] = []
        async with shim(tmp_path) as ask:
            await ask.spawn([sys.executable, "-c", script], link=str(tmp_path / "skuld"))
            for end in (500, 1200, 1201, 2500, count + 1):
                async with skuld(tmp_path / "skuld") as link:  # each time another server
                    peer, hello = await link()
                    have = seen[-1][0] if seen else 0
                    await peer.send(type="settled", line=have // 2)
                    await peer.send(type="from", line=have)
                    await peer.until_line(end)
                    seen += peer.lines
                    assert hello["first"] <= have + 1
                    await peer.drop()
                (tmp_path / "skuld").unlink(missing_ok=True)
        assert [number for number, _ in seen] == list(range(1, len(seen) + 1))
        assert [text for _, text in seen[:count]] == [f"line {n}" for n in range(count)]

    asyncio.run(main())


def test_an_input_sent_twice_is_written_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with skuld(tmp_path / "skuld") as link, shim(tmp_path) as ask:
            await ask.spawn([sys.executable, "-c", ECHO], link=str(tmp_path / "skuld"))
            peer, _ = await link()
            await peer.send(type="from", line=0)
            for _ in range(2):
                await peer.send(type="input", number=4, lines=["a", "b"])
                assert (await peer.until("got"))["number"] == 4
            await peer.drop()
            peer, hello = await link()
            assert hello["input"] == 4
            await peer.send(type="from", line=0)
            await peer.send(type="input", number=4, lines=["a", "b"])
            await peer.send(type="input", number=5, lines=["c"])
            await peer.until_line(3)
            assert [text for _, text in peer.lines] == ["heard a", "heard b", "heard c"]

    asyncio.run(main())


def test_a_flood_makes_the_agent_wait_until_lines_are_settled(tmp_path: Path) -> None:
    async def main() -> None:
        printed = tmp_path / "printed"
        flood = (
            f"import sys\nfor n in range(120):\n print('x' * 1_000_000, flush=True); open({str(printed)!r}, 'w').write(str(n))"
        )
        async with skuld(tmp_path / "skuld") as link, shim(tmp_path) as ask:
            await ask.spawn([sys.executable, "-c", flood], link=str(tmp_path / "skuld"))
            peer, _ = await link()
            await peer.send(type="from", line=0)
            await peer.until_line(60)
            before = ""
            while printed.read_text() != before or not before:  # until it stands still
                before = printed.read_text()
                await asyncio.sleep(0.3)
            assert 60 <= int(before) < 75  # 64 MiB, and what fits into the pipe
            await peer.send(type="settled", line=60)
            await peer.until_line(100)
            await peer.send(type="settled", line=100)
            await peer.until_line(121)
            assert all(len(text) == 1_000_000 for _, text in peer.lines[:120])

    asyncio.run(main())


def test_a_second_run_of_a_session_ends_the_first(tmp_path: Path) -> None:
    async def main() -> None:
        async with shim(tmp_path) as ask:
            await ask.spawn(["sleep", "1000"], run="one")
            assert "exists already" in (await ask.spawn(["sleep", "1000"], run="one"))["error"]
            await ask.spawn(["sleep", "1000"], run="two")
            alive = [run["run"] for run in (await ask(op="list"))["runs"] if run["alive"]]
            assert alive == ["two"]

    asyncio.run(main())


@pytest.mark.parametrize(
    "line", [b"garbage\n", b"[]\n", b'{"op":"dance"}\n', b'{"op":"spawn"}\n', b'{"op":"spawn","argv":[1],"env":{}}\n']
)
def test_a_request_that_makes_no_sense_is_answered(tmp_path: Path, line: bytes) -> None:
    async def main() -> None:
        async with shim(tmp_path):
            reader, writer = await asyncio.open_unix_connection(tmp_path / "shim.sock")
            writer.write(line + b'{"op":"list"}\n')
            answers = [json.loads(await reader.readline()) for _ in range(2)]
            writer.close()
            assert answers[0]["ok"] is False
            assert "shim" in answers[0]["error"]
            assert answers[1] == {"ok": True, "runs": []}

    asyncio.run(main())


def test_the_socket_is_private_and_ctrl_c_is_not_for_the_shim(tmp_path: Path) -> None:
    async def main() -> None:
        async with shim(tmp_path) as ask:
            assert (tmp_path / "shim.sock").stat().st_mode & 0o777 == 0o600
            ask.process.send_signal(signal.SIGINT)
            started = await ask.spawn(["sleep", "1000"])
            assert (await ask(op="shutdown", grace=1))["ok"]
            await ask.process.wait()
            assert ask.process.returncode == 0
            assert not (tmp_path / "shim.sock").exists()
            assert not Path(f"/proc/{started['pid']}").exists()

    asyncio.run(main())


def test_the_shim_and_further_runs_are_small(tmp_path: Path) -> None:
    async def main() -> None:
        async with shim(tmp_path) as ask:
            runs = [await ask.spawn(["sleep", "1000"], session=f"s{n}") for n in range(6)]
            keepers = [int(Path(f"/proc/{run['pid']}/stat").read_text().split()[3]) for run in runs]
            assert memory(ask.process.pid, "Rss") < 32_000
            private = [memory(pid, "Private_Clean") + memory(pid, "Private_Dirty") for pid in keepers]
            assert max(private) < 5_000

    asyncio.run(main())


def memory(pid: int, what: str) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what + ":"))


def test_lines_are_cut_wherever_the_pieces_end() -> None:
    text = "one\ntwo ü\n\nfour".encode() + b"\xff\nlast"
    for size in range(1, len(text) + 1):
        splitter = Splitter()
        lines = [line for at in range(0, len(text), size) for line in splitter.feed(text[at : at + size])]
        assert [*lines, *splitter.rest()] == [b"one", "two ü".encode(), b"", "four�".encode(), b"last"]
        assert splitter.pending == 0


def test_a_line_without_end_is_cut_before_memory_is() -> None:
    splitter = Splitter()
    pieces = [splitter.feed(b"x" * (1 << 20)) for _ in range(65)]
    assert [len(piece[0]) for piece in pieces if piece] == [LONGEST]


def test_kept_lines_are_found_by_number_before_and_after_settling() -> None:
    lines = Lines()
    for n in range(1, 5001):
        lines.add(b"%d" % n)
    assert lines.after(4998) == (5000, b"4999 4999\n5000 5000")
    assert lines.after(5000) == (5000, b"")
    for settled in (0, 1, 1500, 1400, 4999):
        lines.settle(settled)
        assert lines.after(0)[1].split(b"\n")[0] == b"%d %d" % (lines.first, lines.first)
    assert (lines.first, lines.last, lines.size) == (5000, 5000, 4)
    lines.settle(9999)
    assert (lines.first, lines.last, lines.size, lines.after(0)[1]) == (5001, 5000, 0, b"")
    lines.add(b"y" * BATCH)
    lines.add(b"z")
    assert lines.after(5000)[0] == 5001
    assert lines.after(5001) == (5002, b"5002 z")


@pytest.mark.parametrize("nonsense", ['{"type":"nonsense"}', "[" * 100_000])
def test_links_that_break_are_made_anew(tmp_path: Path, nonsense: str) -> None:
    async def main() -> None:
        async with skuld(tmp_path / "skuld") as link, shim(tmp_path) as ask:
            await ask.spawn(["sleep", "1000"], link=str(tmp_path / "skuld"))
            for _ in range(3):
                peer, _ = await link()
                await peer.say(nonsense)
                with pytest.raises(ConnectionClosed):
                    await peer.until("never")
            assert (await ask(op="list"))["runs"][0]["alive"]

    asyncio.run(main())


def test_who_sends_into_a_connection_that_is_gone_is_told_so(tmp_path: Path) -> None:
    async def main() -> None:
        async with skuld(tmp_path / "skuld"):
            headers = {"Authorization": "Bearer secret", "Sec-WebSocket-Protocol": "volundr.shim.v1"}
            client = await Client.open(str(tmp_path / "skuld"), "/ws/cli/s1", headers)
            await client.send(b'{"type":"hello"}')
        with pytest.raises(ConnectionError):
            await client.receive()  # to its end: by then asyncio has let the socket go
        with suppress(ConnectionError):
            await client.send(b"{}")
        for _ in range(10):
            with pytest.raises(Closed):
                await client.send(b"{}")
        client.close()

    asyncio.run(main())
