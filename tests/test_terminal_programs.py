"""Full-screen programs after a reattach: another emulator, tmux's, sees no difference from having looked on all the time."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.skuld_kit import until
from tests.tty_kit import SHELL_ENV
from volundr.broker.terminal.cells import Style
from volundr.broker.terminal.parser import Parser
from volundr.broker.terminal.protocol import Size
from volundr.broker.terminal.screen import Screen
from volundr.broker.terminal.terminals import Place, Terminals
from volundr.broker.terminal.viewer import Viewer
from volundr.process import Tasks

SIZE = Size(columns=90, rows=26)
ASKED = (
    "#{cursor_x},#{cursor_y},#{cursor_flag},#{alternate_on},#{insert_flag},#{keypad_flag},#{keypad_cursor_flag},#{mouse_any_flag},"
    "#{mouse_button_flag},#{mouse_sgr_flag},#{origin_flag},#{scroll_region_upper},#{scroll_region_lower},#{wrap_flag},#{pane_title}"
)
PROGRAMS = {
    "vim": (
        "vim -Nu NONE -c 'syntax on' -c 'set number mouse=a hlsearch ruler cursorline' text.py",
        "/def\r20jivéry 界 new\x1bzz:vsplit\r",
    ),
    "vim-insert": ("vim -Nu NONE -c 'set ruler' text.py", "Ghalf a word"),
    "less": ("less -R colour.txt", "jjjj/red\r"),
    "top": ("top -d 100", "1"),
    "htop": ("htop -d 100", "\x1b[B\x1b[B"),
    "shell": ("bash --norc", "cat colour.txt; echo $((6*7)); printf '\\e[5;3H\\e[7mhere\\e[0m'\r"),
}


class Onlooker:
    """Takes every frame of a viewer."""

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self.output = bytearray()
        self.frames = 0

    async def look(self) -> None:
        while frames := await self.viewer.frames():
            for frame in frames:
                self.output += frame[1:] if frame[:1] == b"0" else b""
            self.frames += 1


class Tmux:
    """A terminal emulator that knows nothing of ours: panes are shown bytes and asked what they look like."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = ["tmux", "-f", "/dev/null", "-S", str(folder / "tmux.sock")]

    def ask(self, *words: str) -> str:
        done = subprocess.run([*self._server, *words], capture_output=True, timeout=20, env=SHELL_ENV, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode()

    async def show(self, name: str, data: bytes) -> tuple[str, list[list[tuple[str, Style]]]]:
        """The screen with its colours, the lines above it, and what else can be asked of a pane that was shown these bytes."""
        (self._folder / f"{name}.bytes").write_bytes(data)
        script = f"stty raw -echo; cat {name}.bytes; touch {name}.shown; sleep 1000"
        size = ("-x", str(SIZE.columns), "-y", str(SIZE.rows))
        set_up = ("set", "-g", "history-limit", "5000", ";", "set", "-g", "status", "off", ";")
        self.ask(*set_up, "new-session", "-d", "-s", name, *size, "-c", str(self._folder), "sh", "-c", script)
        await until((self._folder / f"{name}.shown").exists, 10)
        lines = self.ask("capture-pane", "-epN", "-S", "-", "-t", name).removesuffix("\n").split("\n")
        cells = Screen(SIZE.columns, len(lines))
        Parser(cells).feed("\r\n".join(lines).encode())
        coloured = [list(zip(row.chars, row.styles, strict=True)) for row in cells.grid.rows]
        return self.ask("display-message", "-p", "-t", name, ASKED), coloured

    def text(self, name: str) -> list[str]:
        return self.ask("capture-pane", "-p", "-t", name).split("\n")[: SIZE.rows]


@asynccontextmanager
async def tmux(folder: Path) -> AsyncIterator[Tmux]:
    made = Tmux(folder)
    try:
        yield made
    finally:
        await asyncio.to_thread(
            subprocess.run, ["tmux", "-S", str(folder / "tmux.sock"), "kill-server"], capture_output=True, check=False
        )


async def still(onlooker: Onlooker) -> None:
    """Until nothing has been printed for a while: a program has drawn what it was asked for."""
    loop, seen, since = asyncio.get_running_loop(), -1, 0.0
    async with asyncio.timeout(15):
        while True:
            now = loop.time()
            if onlooker.frames != seen:
                seen, since = onlooker.frames, now
            elif now - since > 0.4 and onlooker.output:
                return
            await asyncio.sleep(0.02)


def sources(folder: Path) -> None:
    (folder / "text.py").write_text("".join(f"def number_{n}():\n    return '{'x' * (n % 110)}'  # {n}\n" for n in range(80)))
    words = (f"\x1b[{31 + n % 6};{1 + n % 4}mred {n}\x1b[0m \x1b[48;5;{n}m{'=' * (n % 100)}\x1b[0m\n" for n in range(120))
    (folder / "colour.txt").write_text("".join(words))


def missing() -> Sequence[str]:
    return [name for name in ("tmux", "vim", "less", "top", "htop") if shutil.which(name) is None]


@pytest.mark.skipif(bool(missing()), reason=f"install the Debian packages of {', '.join(missing())} (top is in procps)")
@pytest.mark.parametrize("name", ["vim", *(pytest.param(name, marks=pytest.mark.e2e) for name in PROGRAMS if name != "vim")])
def test_a_reattached_program_looks_as_if_nobody_had_left(name: str, tmp_path: Path) -> None:
    command, keys = PROGRAMS[name]
    sources(tmp_path)

    async def main() -> None:
        place = Place(folder=str(tmp_path), env=SHELL_ENV, access="command", command=["/bin/sh", "-c", f"exec {command}"])
        terminals, tasks = Terminals(place), Tasks()
        async with tmux(tmp_path) as reference:
            try:
                terminal = await terminals.open("", SIZE)
                first = Onlooker(terminal.attach(SIZE, read_only=False))
                tasks.spawn(first.look(), name="look")
                await still(first)
                for part in keys.split("\r"):
                    await terminal.type(first.viewer, part.encode() + (b"\r" if "\r" in keys else b""))
                    await still(first)
                second = Onlooker(terminal.attach(SIZE, read_only=False))
                tasks.spawn(second.look(), name="look again")
                await until(lambda: bool(second.output))
                terminal.leave(second.viewer)
                whole = await reference.show("whole", bytes(first.output))
                again = await reference.show("again", bytes(second.output))
                assert again[0] == whole[0]
                for ours, theirs in zip(again[1], whole[1], strict=True):
                    assert ours == theirs
                shown = [line.rstrip() for line in terminal.screen.display()]
                assert shown == [line.rstrip() for line in reference.text("whole")]
            finally:
                await terminals.close()
                await tasks.close()

    asyncio.run(main())
