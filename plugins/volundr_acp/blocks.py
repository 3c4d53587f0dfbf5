"""Text that an ACP agent streams, put together: no whole block ever comes, so it is over when something else begins."""

import secrets
from collections.abc import Sequence
from typing import Literal

from volundr.sdk import TextDelta, TextDone

type Kind = Literal["text", "thinking"]


class Blocks:
    """`fresh`: the run has begun with this object, so no block of an earlier one can have the same name."""

    def __init__(self, *, fresh: bool) -> None:
        self._mark = secrets.token_hex(4)
        self._fresh = fresh
        self._count = 0
        self._counts: dict[str, int] = {}
        self._key: tuple[str, Kind] | None = None
        self._name, self._block = "", 0
        self._pieces: list[str] = []

    def add(self, message: str, kind: Kind, text: str) -> Sequence[TextDelta | TextDone]:
        if not text:
            return ()
        done = self.close() if self._key != (message, kind) else ()
        if self._key is None:
            self._begin(message, kind)
        self._pieces.append(text)
        return [*done, TextDelta(id=self._name, block=self._block, kind=kind, text=text)]

    def close(self) -> Sequence[TextDone]:
        if self._key is None:
            return ()
        kind, self._key = self._key[1], None
        text, self._pieces = "".join(self._pieces), []
        return [TextDone(id=self._name, block=self._block, kind=kind, text=text)]

    def _begin(self, message: str, kind: Kind) -> None:
        """A message that was heard in part before, by another object, must not give its blocks' numbers away twice."""
        self._key = (message, kind)
        if not message:
            self._count += 1
        named = message or f"{self._mark}.{self._count}"
        self._name = named if self._fresh or not message else f"{named}~{self._mark}"
        self._block = self._counts.get(self._name, -1) + 1
        self._counts[self._name] = self._block
