"""The terminals of a session: listed, opened, ended. Their sockets are `channels/tty.py`."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter
from pydantic import Field

from volundr.broker.routes.entry import Entered
from volundr.broker.terminal.protocol import COLUMNS, ROWS, Size

if TYPE_CHECKING:
    from volundr.broker.terminal.terminal import Terminal

router = APIRouter(prefix="/s/{session_id}/terminals", tags=["terminals"])


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTerminal:
    title: Annotated[str, Field(max_length=200)] = ""
    columns: Annotated[int, Field(ge=COLUMNS[0], le=COLUMNS[1])] = 80
    rows: Annotated[int, Field(ge=ROWS[0], le=ROWS[1])] = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTerminal:
    """`alive` is false when the program ended with an error: its screen can still be looked at."""

    id: str
    title: str
    command: str
    columns: int
    rows: int
    viewers: int
    alive: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalList:
    items: Sequence[ShownTerminal]


@router.get("")
async def list_terminals(broker: Entered) -> TerminalList:
    return TerminalList(items=[_shown(terminal) for terminal in broker.terminals.items()])


@router.post("", status_code=201)
async def open_terminal(broker: Entered, new: NewTerminal) -> ShownTerminal:
    return _shown(await broker.terminals.open(new.title, Size(columns=new.columns, rows=new.rows)))


@router.delete("/{terminal_id}", status_code=204)
async def end_terminal(broker: Entered, terminal_id: str) -> None:
    await broker.terminals.end(terminal_id)


def _shown(terminal: "Terminal") -> ShownTerminal:
    return ShownTerminal(
        id=terminal.id,
        title=terminal.title,
        command=shlex.join(terminal.program.argv),
        columns=terminal.size.columns,
        rows=terminal.size.rows,
        viewers=len(terminal.viewers),
        alive=terminal.alive,
        created_at=terminal.created_at,
    )
