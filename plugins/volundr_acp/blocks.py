"""Text that an ACP agent streams, put together: no whole block ever comes, so the parts are kept until it is over."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from volundr.sdk import TextDelta, TextDone

type Kind = Literal["text", "thinking"]


@dataclass(slots=True)
class _Block:
    message: str
    kind: Kind
    name: str
    number: int
    pieces: list[str] = field(default_factory=list)


class Blocks:
    """The blocks since the last thing that is stored: all of them end together, right before the next such thing.

    Skuld resends lines from behind the last one of which something is in the log. Were a block told whole on the line that
    begins another, that line's own words would be lost to a Skuld that was killed then.

    `fresh`: the run has begun with this object, so no block of an earlier one can have the same name.
    """

    def __init__(self, *, fresh: bool) -> None:
        self._mark = secrets.token_hex(4)
        self._fresh = fresh
        self._count = 0
        self._counts: dict[str, int] = {}
        self._open: list[_Block] = []

    @property
    def open(self) -> bool:
        return bool(self._open)

    def add(self, message: str, kind: Kind, text: str) -> Sequence[TextDelta]:
        if not text:
            return ()
        last = self._open[-1] if self._open else None
        if last is None or (last.message, last.kind) != (message, kind):
            last = self._begin(message, kind)
        last.pieces.append(text)
        return [TextDelta(id=last.name, block=last.number, kind=kind, text=text)]

    def close(self) -> Sequence[TextDone]:
        closed, self._open = self._open, []
        return [TextDone(id=one.name, block=one.number, kind=one.kind, text="".join(one.pieces)) for one in closed]

    def _begin(self, message: str, kind: Kind) -> _Block:
        """A message that was heard in part before, by another object, must not give its blocks' numbers away twice."""
        if not message:
            self._count += 1
        named = message or f"{self._mark}.{self._count}"
        name = named if self._fresh or not message else f"{named}~{self._mark}"
        number = self._counts[name] = self._counts.get(name, -1) + 1
        self._open.append(_Block(message, kind, name, number))
        return self._open[-1]
