"""One terminal of a session: its program, the model of its screen, and those who look at it."""

import asyncio
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from secrets import token_hex

from volundr.broker.terminal.parser import Parser
from volundr.broker.terminal.protocol import OUTPUT, TITLE, Size, preferences
from volundr.broker.terminal.pty import Program, Pty
from volundr.broker.terminal.replay import replay
from volundr.broker.terminal.screen import Screen
from volundr.broker.terminal.viewer import FRAME_BYTES, Viewer

NORMAL, FAILED = 1000, 4001
"""Close codes: the program ended well, or with another exit code or by a signal. ttyd itself drops the connection then."""
PATIENCE_SECONDS = 5.0
"""How long a program waits for viewers of whom none takes more. Then it goes on, and they get the screen when they can."""
_REPLY = re.compile(
    rb"(?:\x1b\[[?>=][\d;]*(?:c|n|R|u|\$y)|\x1b\[0n|\x1b\[(?!1;[2-8]R)\d+;\d+R"
    rb"|\x1b\]\d+;[^\x07\x1b]*(?:\x07|\x1b\\)|\x1bP[^\x1b]*\x1b\\)+"
)
"""What terminals answer to questions; `CSI 1;2R` to `1;8R` are keys."""


class Terminal:
    """`ended` is called once, when the program and what it started are gone."""

    def __init__(self, title: str, program: Program, size: Size, ended: Callable[["Terminal"], None]) -> None:
        self.id = token_hex(6)
        self.name = title
        self.program = program
        self.created_at = datetime.now(UTC)
        self.alive = True
        self.code: int | None = None
        self.screen = Screen(size.columns, size.rows)
        self.viewers: list[Viewer] = []
        self._parser = Parser(self.screen)
        self._ended = ended
        self._pty = Pty(self._heard, self._over)
        self._patience: asyncio.TimerHandle | None = None
        self._impatient = False

    async def start(self) -> None:
        """Raises Unavailable with the cause."""
        await self._pty.start(self.program, self.size)

    @property
    def size(self) -> Size:
        return Size(columns=self.screen.columns, rows=self.screen.rows)

    @property
    def title(self) -> str:
        """What the program calls it, or what it was opened as, or the program."""
        return self.screen.title or self.name or self.program.argv[0].rpartition("/")[2]

    # --- those who look -----------------------------------------------------------------------------------------------

    def attach(self, size: Size, *, read_only: bool) -> Viewer:
        """Somebody who gets the screen first, then what is printed. Ends with `leave`."""
        viewer = Viewer(size, read_only=read_only, fresh=self._fresh, moved=self._flow)
        self.viewers.append(viewer)
        self._fit()
        if not self.alive:
            self._dismiss(viewer)
        return viewer

    def leave(self, viewer: Viewer) -> None:
        if viewer in self.viewers:
            self.viewers.remove(viewer)
            self._fit()
            self._flow()

    def resize(self, viewer: Viewer, size: Size) -> None:
        viewer.size = size
        self._fit()

    async def type(self, viewer: Viewer, data: bytes) -> None:
        """Input of a viewer who may write. Waits while the program reads none.

        Every viewer's terminal answers a program's questions to the terminal; the program gets one answer.
        """
        if viewer.read_only or not data:
            return
        first = next(one for one in self.viewers if not one.read_only)
        if viewer is first or not _REPLY.fullmatch(data):
            await self._pty.type(data)

    def _fit(self) -> None:
        """The smallest window of those who may write decides. Without any, the size stays."""
        sizes = [viewer.size for viewer in self.viewers if not viewer.read_only]
        if not sizes or not self.alive:
            return
        size = Size(columns=min(one.columns for one in sizes), rows=min(one.rows for one in sizes))
        if size != self.size:
            self.screen.resize(size.columns, size.rows)
            self._pty.resize(size)
            for viewer in self.viewers:
                viewer.tell(preferences(size))

    def _fresh(self) -> Sequence[bytes]:
        """Everything a viewer needs to show what is there now: the model and what is printed next meet at this point."""
        picture = replay(self.screen, self._parser.rest)
        pieces = [OUTPUT + picture[at : at + FRAME_BYTES] for at in range(0, len(picture), FRAME_BYTES)]
        return [TITLE + self.title.encode(errors="replace"), preferences(self.size), *pieces]

    # --- the program --------------------------------------------------------------------------------------------------

    def _heard(self, data: bytes) -> None:
        self._parser.feed(data)
        for viewer in self.viewers:
            viewer.offer(data)
        self._flow()

    def _flow(self) -> None:
        """Read on while anybody takes it: one who does not must not stop the others, and all of them not for long."""
        if not self.viewers or not all(viewer.behind for viewer in self.viewers):
            self._calm()
            self._impatient = False
            self._pty.read(on=True)
        elif not self._impatient and self._patience is None:
            self._pty.read(on=False)
            self._patience = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._go_on)

    def _go_on(self) -> None:
        self._patience, self._impatient = None, True
        self._pty.read(on=True)

    def _calm(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _over(self, code: int | None) -> None:
        self.alive, self.code = False, code
        self._calm()
        for viewer in self.viewers:
            self._dismiss(viewer)
        self._ended(self)

    def _dismiss(self, viewer: Viewer) -> None:
        if self.code == 0:
            viewer.close(NORMAL, "The program ended.")
        else:
            how = "in a way nobody knows" if self.code is None else f"with exit code {self.code}"
            viewer.close(FAILED, f"The program ended {how}.")

    async def end(self, code: int, reason: str) -> None:
        """Hang up: viewers are told this, and the program's whole tree ends."""
        for viewer in self.viewers:
            viewer.close(code, reason)
        await self._pty.end()
