"""What is shown in a chat."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

type Row = Sequence[tuple[str, str]]
"""Buttons beside each other: what stands on each, and what comes back when it is pressed (at most 64 bytes)."""

type Kind = Literal["text", "tools", "person", "question", "end", "reply", "gap"]


@dataclass(slots=True, kw_only=True)
class Post:
    """A message to be. A second one with the same `key` changes the first, whether that has been sent or not.

    `moot`: the first one need not be sent any more, if it has not been.
    `seq` is the last record that is announced once this one is sent. `only_edit`: shown only where the first one is.
    `origin` is the id of a person's message that is told here; its own chat knows it.
    """

    html: str
    kind: Kind = "reply"
    key: str = ""
    buttons: Sequence[Row] = ()
    session: str = ""
    epoch: str = ""
    seq: int = 0
    only_edit: bool = False
    moot: bool = False
    silent: bool = False
    origin: str = ""
    ready: float = 0.0
    reply_to: int = 0
