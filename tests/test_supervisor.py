"""Real processes in a home of their own: a small stand-in speaks the shim's socket protocol."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from volundr import __version__
from volundr.domain.errors import Conflict, Unavailable
from volundr.local import runfile
from volundr.local.shim import Shim
from volundr.local.supervisor import Role, Supervisor, pause
from volundr.process import Running, detach, start_time

STAND_IN = """
import asyncio, json, os, sys

async def main():
    over = asyncio.Event()
    async def serve(reader, writer):
        line = await reader.readline()
        if line:
            writer.write(b'{"ok": true, "runs": []}\\n')
            await writer.drain()
            if json.loads(line)["op"] == "shutdown":
                over.set()
        writer.close()
    if os.path.exists(sys.argv[1]):
        os.unlink(sys.argv[1])
    server = await asyncio.start_unix_server(serve, sys.argv[1])
    print("stand-in listens", flush=True)
    await over.wait()

asyncio.run(main())
"""
STUBBORN = "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('I stay', flush=True); time.sleep(600)"


def role(home: Path, name: str = "skuld", replaceable: bool = True, script: str = STAND_IN) -> Role:
    shim = Shim(socket=runfile.socket_path(home, name))
    return Role(
        name=name,
        argv=[sys.executable, "-S", "-c", script, str(shim.socket)],
        socket=shim.socket,
        health=shim.health,
        shutdown=lambda: shim.shutdown(1, 5),
        replaceable=replaceable,
    )


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    runfile.prepare(tmp_path / "home")
    yield tmp_path / "home"
    for name in ("skuld", "shim"):
        left = runfile.read(tmp_path / "home", name)
        if left is not None:
            left.signal(signal.SIGKILL)


def supervisor(home: Path, *roles: Role) -> Supervisor:
    return Supervisor(home, roles or [role(home), role(home, "shim", replaceable=False)], {"PATH": os.environ["PATH"]})


def running(home: Path, name: str = "skuld") -> Running:
    found = runfile.read(home, name)
    assert found is not None
    return found


async def until(true: Callable[[], bool], limit: float = 5) -> None:
    async with asyncio.timeout(limit):
        while not true():
            await asyncio.sleep(0.01)


def test_both_are_started_detached_and_ended_on_purpose(home: Path) -> None:
    async def story() -> None:
        keeper = supervisor(home)
        keeper.start()
        await keeper.ready(5)
        skuld, shim = running(home), running(home, "shim")
        assert os.getsid(skuld.pid) == skuld.pid
        assert skuld.version == __version__
        assert (home / "run" / "skuld.json").stat().st_mode & 0o777 == 0o600
        assert (home / "logs" / "skuld.log").stat().st_mode & 0o777 == 0o600
        assert "stand-in listens" in (home / "logs" / "skuld.log").read_text()
        await keeper.end()
        assert not skuld.alive()
        assert not shim.alive()
        assert not list((home / "run").glob("*"))

    asyncio.run(story())


def test_one_that_is_killed_is_started_again(home: Path) -> None:
    async def story() -> None:
        keeper = supervisor(home)
        keeper.start()
        await keeper.ready(5)
        first, shim = running(home), running(home, "shim")
        seen = await keeper.next_change(0)
        os.kill(first.pid, signal.SIGKILL)
        await asyncio.wait_for(keeper.next_change(seen), 5)
        await keeper.ready(5)
        await until(lambda: running(home) != first and keeper.is_up("skuld"))
        assert running(home).alive()
        assert running(home, "shim") == shim
        assert keeper.restarts("skuld") == 1
        await keeper.end()

    asyncio.run(story())


def test_a_forge_that_comes_back_adopts_what_lives(home: Path) -> None:
    async def story() -> None:
        first = supervisor(home)
        first.start()
        await first.ready(5)
        before = running(home), running(home, "shim")
        await first.close()
        second = supervisor(home)
        second.start()
        await second.ready(5)
        assert (running(home), running(home, "shim")) == before
        os.kill(before[0].pid, signal.SIGKILL)
        await until(lambda: running(home) != before[0] and second.is_up("skuld"))
        await second.end()

    asyncio.run(story())


def test_another_version_of_skuld_is_replaced_and_of_the_shim_is_kept(home: Path) -> None:
    async def story() -> None:
        first = supervisor(home)
        first.start()
        await first.ready(5)
        for name in ("skuld", "shim"):
            runfile.write(home, name, replace(running(home, name), version="0.0.1"))
        old, shim = running(home), running(home, "shim")
        await first.close()
        second = supervisor(home)
        second.start()
        await second.ready(5)
        assert not old.alive()
        assert running(home).version == __version__
        assert running(home, "shim") == shim
        await second.end()

    asyncio.run(story())


def test_a_start_that_fails_shows_what_the_process_said(home: Path) -> None:
    async def story() -> None:
        broken = role(home, script="import sys; print('the disk is on fire', file=sys.stderr); sys.exit(3)")
        keeper = supervisor(home, broken)
        keeper.start()
        await until(lambda: keeper.restarts("skuld") > 0)
        with pytest.raises(Unavailable, match="the disk is on fire"):
            await keeper.ready(0.01)
        await keeper.end()

    asyncio.run(story())


def test_one_that_ignores_everything_is_ended_by_force(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("END_SECONDS", "FORCE_SECONDS"):
        monkeypatch.setattr(f"volundr.local.supervisor.{name}", 0.3)
    log = home / "logs" / "skuld.log"

    async def story() -> None:
        pid = detach([sys.executable, "-S", "-c", STUBBORN], log, {})
        stubborn = Running(pid=pid, start_time=start_time(pid) or 0)
        runfile.write(home, "skuld", stubborn)
        await until(lambda: log.read_text() == "I stay\n")
        await supervisor(home, role(home)).end()
        assert not stubborn.alive()

    asyncio.run(story())


def test_a_process_that_has_the_pid_by_chance_is_never_touched(home: Path) -> None:
    stranger = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
    try:
        runfile.write(home, "skuld", Running(pid=stranger.pid, start_time=1, version=__version__))

        async def story() -> None:
            keeper = supervisor(home, role(home))
            await keeper.end()
            keeper = supervisor(home, role(home))
            keeper.start()
            await keeper.ready(5)
            assert running(home).pid != stranger.pid
            await keeper.end()

        asyncio.run(story())
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_second_forge_on_one_home_is_refused(home: Path) -> None:
    with runfile.sole_forge(home), pytest.raises(Conflict, match="already runs"), runfile.sole_forge(home):
        pass
    with runfile.sole_forge(home):
        pass


def test_a_home_with_a_long_path_has_its_sockets_in_a_private_folder(tmp_path: Path) -> None:
    home = tmp_path / ("x" * 120)
    path = runfile.socket_path(home, "skuld")
    assert len(str(path)) <= 100
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path == runfile.socket_path(home, "skuld")
    path.parent.rmdir()


def test_the_pauses_grow_and_have_an_end() -> None:
    pauses = [pause(deaths) for deaths in range(1, 20)]
    assert pauses == sorted(pauses)
    assert pauses[0] == 0
    assert pauses[-1] == 30
