"""The lines of a CLI's output: cut from what it prints, numbered, and kept until Skuld has settled them."""

from collections.abc import Sequence

LONGEST = 64 * 1024 * 1024
"""A line beyond this is cut; and this much may wait for Skuld before the CLI has to wait."""
BATCH = 256 * 1024


class Splitter:
    """Cuts a stream into lines that are valid UTF-8, whatever the CLI printed."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.pending = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that this piece completes, without their newlines."""
        first, *rest = chunk.split(b"\n")
        self._parts.append(first)
        self.pending += len(first)
        if not rest:
            return self.rest() if self.pending >= LONGEST else []
        *whole, tail = rest
        lines = [_readable(b"".join(self._parts)), *map(_readable, whole)]
        self._parts, self.pending = [tail], len(tail)
        return lines

    def rest(self) -> list[bytes]:
        """What is left when the stream ends without a newline."""
        line = b"".join(self._parts)
        self._parts, self.pending = [], 0
        return [_readable(line)] if line else []


def _readable(line: bytes) -> bytes:
    try:
        line.decode()
    except UnicodeDecodeError:
        return line.decode("utf-8", "replace").encode()
    return line


class Lines:
    """Numbered lines, from the first one that is not settled on. `size` counts their bytes."""

    def __init__(self) -> None:
        self._kept: list[bytes] = []
        self._gone = 0  # at the start of _kept: settled already
        self._first = 1  # the number of _kept[0]
        self.size = 0

    @property
    def first(self) -> int:
        """The number of the oldest line kept; one more than `last` when there is none."""
        return self._first + self._gone

    @property
    def last(self) -> int:
        return self._first + len(self._kept) - 1

    def add(self, line: bytes) -> None:
        self._kept.append(line)
        self.size += len(line)

    def settle(self, number: int) -> None:
        """Lines up to this one need not be kept."""
        until = min(number, self.last) - self._first + 1
        for index in range(self._gone, until):
            self.size -= len(self._kept[index])
            self._kept[index] = b""
        self._gone = max(self._gone, until)
        if self._gone > 1024 and self._gone * 2 > len(self._kept):
            del self._kept[: self._gone]
            self._first, self._gone = self._first + self._gone, 0

    def after(self, number: int) -> tuple[int, bytes]:
        """(last number, frame) with the lines that follow this one, as many as make a batch; an empty frame when none do."""
        start = max(number + 1, self.first) - self._first
        size, end = 0, start
        while end < len(self._kept) and size < BATCH:
            size += len(self._kept[end])
            end += 1
        return self._first + end - 1, b"\n".join(self._frames(start, end))

    def _frames(self, start: int, end: int) -> Sequence[bytes]:
        return [b"%d %b" % (self._first + index, self._kept[index]) for index in range(start, end)]
