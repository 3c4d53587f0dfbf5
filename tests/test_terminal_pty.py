"""Programs in pseudo-terminals: what goes in, what ends with whom."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.skuld_kit import skuld, until
from tests.test_keeper import BREEDER, WAYS, bred, gone
from tests.tty_kit import SHELL_ENV, in_skuld
from volundr.broker.terminal.protocol import Flow, Input, Resize, Size, greeting, parse
from volundr.broker.terminal.pty import Program, Pty
from volundr.broker.terminal.terminal import Terminal
from volundr.domain.errors import Invalid, Unavailable
from volundr.domain.tickets import issue
from volundr.process import start_time


def test_frames_are_read_and_senseless_ones_are_not_believed() -> None:
    assert parse("0é") == Input(data="é".encode())
    assert parse(b"0\xe7") == Input(data=b"\xe7")
    assert parse(b'1{"columns": 90, "rows": 99999}') == Resize(size=Size(columns=90, rows=300))
    assert (parse("2"), parse(b"3")) == (Flow(paused=True), Flow(paused=False))
    assert (parse(""), parse("x"), parse(b"\xff")) == (None, None, None)
    assert greeting('{"columns": 1}').size == Size(columns=2, rows=24)
    for bad in ("1", '1{"columns": "x"}', "1[]", b"1\xff", '1{"rows": true}', "1" + "[" * 100_000):
        with pytest.raises(Invalid):
            parse(bad)


def test_much_input_arrives_whole_and_waits_for_who_does_not_read(tmp_path: Path) -> None:
    async def main() -> None:
        heard, codes = bytearray(), list[int | None]()
        pty = Pty(heard.extend, codes.append)
        count = "stty raw -echo; echo ready; sleep 0.5; head -c 1000000 | wc -c"
        await pty.start(Program(argv=["/bin/sh", "-c", count], env=SHELL_ENV, cwd=str(tmp_path)), Size())
        await until(lambda: b"ready" in heard)
        async with asyncio.timeout(20):
            for _ in range(100):
                await pty.type(b"x" * 10_000)
        await until(lambda: codes == [0])
        assert b"1000000" in heard
        await pty.end()

    asyncio.run(main())


def test_what_cannot_be_started_says_why_and_leaves_nothing_open(tmp_path: Path) -> None:
    async def main() -> None:
        before = 0
        for argv, folder, cause in (
            (["/no/such/shell"], str(tmp_path), "/no/such/shell"),
            (["/no/such/shell"], str(tmp_path), "/no/such/shell"),
            (["/bin/sh"], str(tmp_path / "gone"), "cannot be entered"),
        ):
            with pytest.raises(Unavailable, match=cause):
                await Pty(lambda _: None, lambda _: None).start(Program(argv=argv, env=SHELL_ENV, cwd=folder), Size())
            before = before or len(os.listdir("/proc/self/fd"))  # with what the first process of a loop opens for good
        await until(lambda: len(os.listdir("/proc/self/fd")) <= before)

    asyncio.run(main())


def test_a_program_does_not_wait_for_ever_for_viewers_who_take_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("volundr.broker.terminal.terminal.PATIENCE_SECONDS", 0.2)

    async def main() -> None:
        over = asyncio.Event()
        program = Program(argv=["/bin/sh", "-c", "seq 1 20000"], env=SHELL_ENV, cwd=str(tmp_path))
        terminal = Terminal("", program, Size(), lambda _: over.set())
        await terminal.start()
        viewer = terminal.attach(Size(), read_only=False)
        viewer.pause(on=True)
        async with asyncio.timeout(10):
            await over.wait()
        assert terminal.screen.display()[-2].rstrip() == "20000"
        await terminal.end(1000, "")

    asyncio.run(main())


def test_terminals_end_with_their_session_in_skuld(tmp_path: Path) -> None:
    async def main() -> None:
        (tmp_path / "breeder.py").write_text(BREEDER)
        async with skuld(tmp_path) as rig:
            session = await rig.new(workspace=str(tmp_path), env={"SHELL": "/bin/bash", "PATH": os.environ["PATH"]})
            status, made = await rig.http("POST", f"/s/{session}/terminals", issue("s3", session, "ann", time.time()), {})
            assert status == 201, made
            async with in_skuld(rig.path, session, made["id"], issue("s3", session, "ann", time.time())) as ann:
                await ann.type(f"{sys.executable} breeder.py {tmp_path} {' '.join(WAYS)} &\r")
                pids = await bred(tmp_path, WAYS)
                await rig.skuld.manager.stop(session)
                assert [start_time(pid) for pid in pids] == [None] * len(WAYS)
                assert await ann.end() == 1001

    asyncio.run(main())


KEEPS = """
import asyncio, os, sys
from volundr.broker.terminal.terminals import Place, Terminals
async def main():
    place = Place(folder=sys.argv[1], env=dict(os.environ), access="command",
                  command=[sys.executable, "breeder.py", sys.argv[1], "plain", "setsid", "double", "deaf"])
    await Terminals(place).open()
    await asyncio.sleep(1000)
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="child subreapers are Linux's")
def test_terminals_end_with_a_skuld_that_was_killed(tmp_path: Path) -> None:
    async def main() -> None:
        (tmp_path / "breeder.py").write_text(BREEDER)
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", KEEPS, str(tmp_path))
        pids = await bred(tmp_path, ("plain", "setsid", "double", "deaf"))
        process.send_signal(signal.SIGKILL)
        await process.wait()
        assert await gone(pids, 6)

    asyncio.run(main())
