"""A terminal over its socket: shells, sizes, viewers, what is left after it."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from websockets import ConnectionClosed, Subprotocol
from websockets.asyncio.client import connect

from tests.skuld_kit import until
from tests.test_keeper import BREEDER, WAYS, bred, gone
from tests.tty_kit import SESSION, SHELL_ENV, rig
from volundr.broker.terminal.protocol import Size
from volundr.broker.terminal.terminals import Place, Terminals
from volundr.domain.errors import Unavailable
from volundr.process import start_time


def test_a_shell_answers_takes_sizes_and_its_end_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as here:
            made = await here.http("POST", "", {"title": "build", "columns": 90, "rows": 30})
            assert made.status_code == 201
            assert made.json() | {"id": "", "created_at": ""} == {
                "id": "",
                "title": "build",
                "command": "/bin/bash",
                "columns": 90,
                "rows": 30,
                "viewers": 0,
                "alive": True,
                "created_at": "",
            }
            async with here.look(made.json()["id"], Size(columns=100, rows=20)) as ann:
                await ann.type("pwd; tty; stty size\r")
                await ann.shows("20 100")
                assert str(tmp_path) in ann.text()
                assert "/dev/pts/" in ann.text()
                await ann.resize(70, 25)
                await ann.type("stty size\r")
                await ann.shows("25 70")
                await ann.type("exit\r")
                assert await ann.end() == 1000
            assert (await here.http("GET")).json() == {"items": []}

    asyncio.run(main())


def test_the_smallest_window_of_those_who_may_write_decides(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as here:
            name = (await here.terminals.open()).id
            async with here.look(name, Size(columns=120, rows=40)) as ann, here.look(name, Size(columns=100, rows=50)) as bob:
                await bob.see(lambda: bob.preferences[-1:] == [{"columns": 100, "rows": 40}])
                async with here.look(name, Size(columns=20, rows=5), view=True) as eve:
                    await eve.see(lambda: bool(eve.raw))
                    await eve.type("echo in''truder\r")
                    await ann.type("stty size; echo is''me\r")
                    await eve.shows("isme")
                    await bob.shows("isme")
                    assert "40 100" in bob.text()
                    assert "intruder" not in bob.text()
                await bob.resize(50, 10)
                await ann.see(lambda: ann.preferences[-1:] == [{"columns": 50, "rows": 10}])
            async with here.look(name, Size(columns=90, rows=30)) as ann:
                await ann.type("stty size\r")
                await ann.shows("30 90")

    asyncio.run(main())


def test_only_one_viewer_answers_what_a_program_asks_the_terminal(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path, access="command", command=["/bin/cat", "-v"]) as here:
            name = (await here.terminals.open()).id
            async with here.look(name) as ann, here.look(name) as bob:
                await bob.see(lambda: bool(bob.raw))
                await ann.see(lambda: bool(ann.raw))
                await bob.type("\x1b[?62;22c")
                await bob.type("\x1b[1;2R\r")
                await ann.shows("^[[1;2R")
                await ann.type("\x1b[?1;2c\r")
                await bob.shows("^[[?1;2c")
                assert "62;22" not in bob.text()

    asyncio.run(main())


def test_a_viewer_who_pauses_stops_nobody_and_gets_the_screen_when_he_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("volundr.broker.terminal.viewer.QUEUE_BYTES", 64 * 1024)

    async def main() -> None:
        async with rig(tmp_path) as here:
            name = (await here.terminals.open()).id
            async with here.look(name) as ann, here.look(name) as bob:
                await bob.see(lambda: bool(bob.raw))
                await bob.link.send(b"2")
                await bob.type("echo is''paused\r")
                await ann.shows("ispaused")
                await ann.type("seq 1 20000; echo do''ne\r")
                await ann.shows("\ndone", 30)
                got = len(bob.raw)
                await bob.link.send(b"3")
                await bob.shows("\ndone")
                assert len(bob.raw) - got < 60_000
                assert bob.screen.display() == here.terminals.find(name).screen.display()
                assert len(bob.screen.history) == len(ann.screen.history) == 3000

    asyncio.run(main())


def test_half_a_character_reaches_a_viewer_who_comes_in_between(tmp_path: Path) -> None:
    half = "import sys; put = sys.stdout.buffer.raw.write; put(b'begin \\xe7\\x95'); input(); put(b'\\x8c end'); input()"

    async def main() -> None:
        async with rig(
            tmp_path, access="command", command=["/bin/sh", "-c", f'stty -echo; exec {sys.executable} -c "{half}"']
        ) as here:
            name = (await here.terminals.open()).id
            async with here.look(name) as ann:
                await ann.shows("begin")
                async with here.look(name) as bob:
                    await bob.shows("begin")
                    await bob.type("\r")
                    await bob.shows("end")
                    await ann.shows("end")
                    assert ann.text() == bob.text()
                    assert "界" in bob.text()

    asyncio.run(main())


def test_nothing_is_left_of_a_closed_terminal(tmp_path: Path) -> None:
    async def main() -> None:
        (tmp_path / "breeder.py").write_text(BREEDER)
        async with rig(tmp_path) as here:
            name = (await here.terminals.open()).id
            async with here.look(name) as ann:
                await ann.type(f"{sys.executable} breeder.py {tmp_path} {' '.join(WAYS)} &\r")
                pids = await bred(tmp_path, WAYS)
                assert (await here.http("DELETE", f"/{name}")).status_code == 204
                assert [start_time(pid) for pid in pids] == [None] * len(WAYS)
                assert await ann.end() == 1000
            assert (await here.http("DELETE", f"/{name}")).status_code == 404
            async with here.look(name) as ann:
                assert await ann.end() == 4404

    asyncio.run(main())


def test_a_terminal_whose_shell_exits_takes_its_background_jobs_along(tmp_path: Path) -> None:
    async def main() -> None:
        (tmp_path / "breeder.py").write_text(BREEDER)
        async with rig(tmp_path) as here, here.look((await here.terminals.open()).id) as ann:
            await ann.type(f"{sys.executable} breeder.py {tmp_path} setsid deaf &\r")
            pids = await bred(tmp_path, ("setsid", "deaf"))
            await ann.type("exit\r")
            assert await ann.end() == 1000
            assert await gone(pids, 0.5)

    asyncio.run(main())


@pytest.mark.parametrize("times", [20, pytest.param(200, marks=pytest.mark.e2e)])
def test_many_come_and_go_and_nothing_stays_open(times: int, tmp_path: Path) -> None:
    def handles() -> int:
        return len(os.listdir("/proc/self/fd"))

    async def main() -> None:
        async with rig(tmp_path) as here:
            name = (await here.terminals.open()).id
            async with here.look(name) as ann:
                await ann.see(lambda: bool(ann.raw))
                before = handles()
                for _ in range(times):
                    async with here.look(name) as bob:
                        await bob.see(lambda bob=bob: bool(bob.raw))  # type: ignore[misc]
                await until(lambda: handles() <= before)
                assert len(here.terminals.find(name).viewers) == 1
            bare = handles()
            for _ in range(3):
                await here.terminals.end((await here.terminals.open()).id)
            assert handles() <= bare

    asyncio.run(main())


@pytest.mark.parametrize("megabytes", [4, pytest.param(50, marks=pytest.mark.e2e)])
def test_a_stalled_viewer_costs_neither_memory_nor_the_program_its_end(
    megabytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("volundr.broker.terminal.terminal.PATIENCE_SECONDS", 0.3)

    def held() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")

    async def main() -> None:
        flood = f"yes {'x' * 70} | head -c {megabytes}000000; echo; echo do''ne; read"
        terminals = Terminals(Place(folder=str(tmp_path), env=SHELL_ENV, access="command", command=["/bin/bash", "-c", flood]))
        terminal = await terminals.open()
        stalled = terminal.attach(Size(), read_only=False)
        before = held()
        await until(lambda: any("done" in line for line in terminal.screen.display()), 120)
        assert held() - before < 16_000_000
        frames = b"".join(frame[1:] for frame in await stalled.frames() if frame[:1] == b"0")
        assert b"done" in frames
        assert len(frames) < 400_000
        await terminals.close()

    asyncio.run(main())


def test_who_may_not_come_in_is_told_why(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as here:
            name = (await here.terminals.open()).id
            async with here.look(name, ticket="forged.ticket") as eve:
                assert await eve.end() == 4401
            async with here.look("unknown") as ann:
                assert await ann.end() == 4404
            assert (await here.http("GET", ticket="forged.ticket")).status_code == 403
            async with here.look(name) as ann:
                await ann.see(lambda: bool(ann.raw))
                await here.terminals.close()
                assert await ann.end() == 1001
            with pytest.raises(Unavailable):
                await here.terminals.open()

    asyncio.run(main())


def test_a_client_may_show_its_ticket_as_ttyds_token(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as here:
            uri = f"ws://127.0.0.1:{here.port}/s/{SESSION}/ws/terminal/{(await here.terminals.open()).id}"
            async with connect(uri, subprotocols=[Subprotocol("tty")]) as socket:
                await socket.send(json.dumps({"AuthToken": here.ticket(), "columns": 80, "rows": 24}))
                assert (await socket.recv())[:1] == b"1"
            async with connect(uri, subprotocols=[Subprotocol("tty")]) as socket:
                await socket.send("no greeting")
                with pytest.raises(ConnectionClosed) as closed:
                    await socket.recv()
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 4400

    asyncio.run(main())


def test_settings_may_offer_one_program_or_none(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path, access="command", command=["/bin/echo", "only this"]) as here:
            made = await here.http("POST", "", {})
            assert made.json()["command"] == "/bin/echo 'only this'"
        async with rig(tmp_path, access="none") as here:
            assert (await here.http("POST", "", {})).status_code == 403
        async with rig(tmp_path, access="command", command=["/no/such/program"]) as here:
            with pytest.raises(Unavailable, match="/no/such/program"):
                await here.terminals.open()

    asyncio.run(main())


def test_there_is_a_limit_and_what_ended_badly_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("volundr.broker.terminal.terminals.MOST", 2)

    async def main() -> None:
        async with rig(tmp_path) as here:
            first, _ = [await here.terminals.open() for _ in range(2)]
            assert (await here.http("POST", "", {})).status_code == 409
            async with here.look(first.id) as ann:
                await ann.type("echo last wo''rds; exit 7\r")
                assert await ann.end() == 4001
            async with here.look(first.id) as ann:
                assert await ann.end() == 4001
                assert "last words" in ann.text()
            assert [one["alive"] for one in (await here.http("GET")).json()["items"]] == [False, True]
            assert (await here.http("POST", "", {})).status_code == 201
            async with here.look(first.id) as ann:
                assert await ann.end() == 4404

    asyncio.run(main())
