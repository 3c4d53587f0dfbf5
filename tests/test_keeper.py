"""Nothing that an agent starts outlives it, and nothing else is touched. Real processes, and only those of the test."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from tests.shim_process import shim
from volundr.process import start_time

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="child subreapers are Linux's")

BREEDER = """
import os, subprocess, sys, time
folder, ways = sys.argv[1], sys.argv[2:]
note = "import os, sys, time, signal; open(sys.argv[1] + '/' + sys.argv[2], 'w').write(str(os.getpid())); "
sleep = note + "time.sleep(1000)"
deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.signal(signal.SIGHUP, signal.SIG_IGN); " + sleep
for way in ways:
    argv = [sys.executable, "-c", deaf if way == "deaf" else sleep, folder, way]
    if way == "double":
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.execv(argv[0], argv)
            os._exit(0)
    else:
        subprocess.Popen(argv if way != "nohup" else ["nohup", *argv], start_new_session=way != "plain")
print("bred", flush=True)
time.sleep(1000)
"""
WAYS = ("plain", "setsid", "nohup", "double", "deaf")


async def bred(folder: Path, ways: Sequence[str]) -> list[int]:
    """The pids of the descendants, once all of them have written theirs."""
    async with asyncio.timeout(15):
        while True:
            files = [folder / way for way in ways]
            if all(file.exists() and file.read_text() for file in files):
                return [int(file.read_text()) for file in files]
            await asyncio.sleep(0.02)


async def gone(pids: Sequence[int], seconds: float = 5.0) -> bool:
    """Whether all of them end within the time."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while any(start_time(pid) is not None for pid in pids):
                await asyncio.sleep(0.02)
            return True
    return False


def parent(pid: int) -> int:
    stat = Path(f"/proc/{pid}/stat").read_text()
    return int(stat[stat.rindex(")") + 2 :].split()[1])


def test_stop_ends_every_descendant_and_no_stranger(tmp_path: Path) -> None:
    async def main() -> None:
        stranger = await asyncio.create_subprocess_exec("sleep", "1000", start_new_session=True)
        try:
            async with shim(tmp_path) as ask:
                started = await ask.spawn([sys.executable, "-c", BREEDER, str(tmp_path), *WAYS])
                pids = [started["pid"], *await bred(tmp_path, WAYS)]
                assert (await ask(op="stop", session="s1", run="run-1", grace=1))["ok"]
                assert [start_time(pid) for pid in pids] == [None] * 6  # the answer comes when all are gone
                assert stranger.returncode is None
        finally:
            stranger.kill()
            await stranger.wait()

    asyncio.run(main())


def test_descendants_end_with_an_agent_that_ends_by_itself(tmp_path: Path) -> None:
    async def main() -> None:
        async with shim(tmp_path) as ask:
            started = await ask.spawn([sys.executable, "-c", BREEDER, str(tmp_path), *WAYS])
            pids = await bred(tmp_path, WAYS)
            os.kill(started["pid"], signal.SIGKILL)
            assert await gone(pids)

    asyncio.run(main())


def test_killing_the_shim_leaves_no_process(tmp_path: Path) -> None:
    async def main() -> None:
        async with shim(tmp_path) as ask:
            pids: list[int] = []
            for run in ("a", "b"):
                folder = tmp_path / run
                folder.mkdir()
                started = await ask.spawn([sys.executable, "-c", BREEDER, str(folder), *WAYS], run=run, session=run)
                pids += [started["pid"], parent(started["pid"]), *await bred(folder, WAYS)]
            ask.process.kill()
            await ask.process.wait()
            assert await gone(pids, 8)

    asyncio.run(main())


def test_what_a_killed_keeper_leaves_is_ended_by_the_shim(tmp_path: Path) -> None:
    async def main() -> None:
        async with shim(tmp_path) as ask:
            other = await ask.spawn(["sleep", "1000"], session="other")
            started = await ask.spawn([sys.executable, "-c", BREEDER, str(tmp_path), *WAYS])
            pids = [started["pid"], *await bred(tmp_path, WAYS)]
            os.kill(parent(started["pid"]), signal.SIGKILL)
            assert await gone(pids)
            runs = {run["session"]: run["alive"] for run in (await ask(op="list"))["runs"]}
            assert start_time(other["pid"]) is not None
            assert runs["other"] is True
            async with asyncio.timeout(5):
                while any(run["alive"] for run in (await ask(op="list"))["runs"] if run["session"] == "s1"):
                    await asyncio.sleep(0.02)

    asyncio.run(main())


def test_a_stopped_or_deaf_agent_is_gone_within_grace_and_a_second(tmp_path: Path) -> None:
    async def main() -> None:
        async with shim(tmp_path) as ask:
            frozen = await ask.spawn(["sh", "-c", "trap '' TERM; kill -STOP $$; sleep 1000"])
            begun = time.monotonic()
            await ask(op="stop", session="s1", run="run-1", grace=0.5)
            assert start_time(frozen["pid"]) is None
            assert time.monotonic() - begun < 1.5

    asyncio.run(main())


def test_an_agent_may_end_gracefully(tmp_path: Path) -> None:
    async def main() -> None:
        async with shim(tmp_path) as ask:
            script = f"trap 'echo bye > {tmp_path}/said; exit 0' TERM; echo > {tmp_path}/up; while :; do sleep 0.05; done"
            await ask.spawn(["sh", "-c", script])
            async with asyncio.timeout(5):
                while not (tmp_path / "up").exists():
                    await asyncio.sleep(0.01)
            await ask(op="stop", session="s1", run="run-1", grace=5)
            assert (tmp_path / "said").read_text() == "bye\n"

    asyncio.run(main())


def test_an_agent_inherits_nothing_but_its_three_pipes(tmp_path: Path) -> None:
    async def main() -> None:
        async with shim(tmp_path) as ask:
            await ask.spawn(["sleep", "1000"], session="other")
            child = await ask.spawn(["sleep", "1000"])
            keeper = parent(child["pid"])
            assert sorted(os.listdir(f"/proc/{child['pid']}/fd")) == ["0", "1", "2"]
            handles = {int(fd) for fd in os.listdir(f"/proc/{keeper}/fd")}
            assert len(handles) <= 8  # its own three, control, status, and what wakes it
            ignored = next(line for line in Path(f"/proc/{child['pid']}/status").read_text().splitlines() if "SigIgn" in line)
            assert int(ignored.split()[1], 16) & ~(0b11 << 31) == 0  # 32 and 33 are the C library's own; posix_spawn ignores them

    asyncio.run(main())
