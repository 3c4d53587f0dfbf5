"""The terminals of one session. What a terminal is made of is loaded with the first one."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from volundr.broker.terminal.protocol import Size
from volundr.domain.errors import Conflict, Forbidden, NotFound, Unavailable

if TYPE_CHECKING:
    from volundr.broker.terminal.terminal import Terminal

MOST = 16
STOPPED = 1001
type Access = Literal["shell", "command", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where terminals open, and what. `env` is complete but for what a terminal adds. `command` is for that access alone."""

    folder: str
    env: Mapping[str, str] = field(repr=False)
    access: Access = "shell"
    command: Sequence[str] = ()

    def argv(self) -> Sequence[str]:
        """Raises Forbidden when there is no terminal."""
        if self.access == "none":
            raise Forbidden("This Volundr offers no terminals.", hint="They are turned off in its settings.")
        if self.access == "command":
            return self.command
        shells = (self.env.get("SHELL", ""), "/bin/bash", "/bin/sh")
        return (next((shell for shell in shells if shell and os.access(shell, os.X_OK)), "/bin/sh"),)


class Terminals:
    """Opened one by one; `close` ends all. One that ended well is gone, one that did not stays until its place is needed."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._all: dict[str, Terminal] = {}
        self._opening = 0
        self._closed = False

    def items(self) -> Sequence["Terminal"]:
        return list(self._all.values())

    def find(self, name: str) -> "Terminal":
        """Raises NotFound."""
        try:
            return self._all[name]
        except KeyError:
            raise NotFound("This session has no such terminal.", hint="It has ended; open another one.") from None

    async def open(self, title: str = "", size: Size | None = None) -> "Terminal":
        """Raises Forbidden, Conflict when there are too many, Unavailable when its program cannot be started."""
        from volundr.broker.terminal.pty import Program
        from volundr.broker.terminal.terminal import Terminal

        program = Program(argv=self.place.argv(), env=self._environment(), cwd=self.place.folder)
        self._make_room()
        self._opening += 1
        try:
            terminal = Terminal(title, program, size or Size(), self._ended)
            await terminal.start()
        finally:
            self._opening -= 1
        if self._closed:
            await terminal.end(STOPPED, "")
            raise Unavailable("This session is being stopped.", hint="Start it again.")
        if terminal.alive or terminal.code != 0:
            self._all[terminal.id] = terminal
        return terminal

    def _make_room(self) -> None:
        over = len(self._all) + self._opening + 1 - MOST
        for terminal in [one for one in self._all.values() if not one.alive][: max(over, 0)]:
            del self._all[terminal.id]
        if len(self._all) + self._opening >= MOST:
            raise Conflict(f"A session has {MOST} terminals at most.", hint="Close one of them.")

    def _environment(self) -> Mapping[str, str]:
        kept = {name: value for name, value in self.place.env.items() if name not in {"COLUMNS", "LINES", "TERMCAP"}}
        return {"LANG": "C.UTF-8", **kept, "TERM": "xterm-256color", "COLORTERM": "truecolor", "PWD": self.place.folder}

    def _ended(self, terminal: "Terminal") -> None:
        if terminal.code == 0:
            self._all.pop(terminal.id, None)

    async def end(self, name: str) -> None:
        """End this one; its viewers see it end. Raises NotFound."""
        terminal = self.find(name)
        await terminal.end(1000, "This terminal was closed.")
        self._all.pop(name, None)

    async def close(self, code: int = STOPPED, reason: str = "This session was stopped.") -> None:
        """End all of them, at once, and open none any more. Takes seconds when a program does not want to end."""
        self._closed = True
        async with asyncio.TaskGroup() as group:
            for terminal in self._all.values():
                group.create_task(terminal.end(code, reason), name=f"end terminal {terminal.id}")
        self._all.clear()
