"""Lines with their matches, out of what a search program prints for a terminal: the colour says what matched.

That way the program itself decides what matches; no regular expression of a user is ever run in this process.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from volundr.broker.files.roots import decoded

COLOUR = (161, 178, 195)
"""Of matches, and hopefully of nothing else in the world."""
LONGEST_TEXT = 400
_BEFORE = 80
_LONGEST_LINE = 64 * 1024
_START = b"\x1b[38;2;%d;%d;%dm" % COLOUR
_RESETS = (b"\x1b[m", b"\x1b[0m")


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A line of a file, or a path (then `line` is null). `ranges` count characters in `text`; what matched lies in them."""

    path: str
    line: int | None
    text: str
    ranges: Sequence[tuple[int, int]]


class Matches:
    """Takes a program's output piece by piece. Of a very long line only the beginning is looked at."""

    def __init__(self, most: int, wanted: Callable[[str], bool]) -> None:
        self._most, self._wanted = most, wanted
        self._partial = bytearray()
        self.items: list[Match] = []
        self.more = False

    def take(self, piece: bytes) -> bool:
        """False when there are enough."""
        *whole, rest = piece.split(b"\n")
        for end in whole:
            self._grow(end)
            self._line(bytes(self._partial))
            self._partial.clear()
            if self.more:
                return False
        self._grow(rest)
        return True

    def _grow(self, part: bytes) -> None:
        self._partial += part[: max(0, _LONGEST_LINE - len(self._partial))]

    def _line(self, line: bytes) -> None:
        place, divider, rest = line.partition(b"\0")
        number, text = _numbered(rest)
        if not divider or number is None:
            return
        path = decoded(_plain(place)).removeprefix("./")
        if not self._wanted(path):
            return
        if len(self.items) >= self._most:
            self.more = True
            return
        self.items.append(marked(path, number, *_parts(text)))


def _plain(text: bytes) -> bytes:
    for reset in _RESETS:
        text = text.replace(reset, b"")
    return text


def _numbered(rest: bytes) -> tuple[int | None, bytes]:
    """`12\\0text` as git prints it, `12:text` as ripgrep does with colour codes around the number."""
    at = min((found for found in (rest.find(b"\0"), rest.find(b":")) if found >= 0), default=-1)
    digits = _plain(rest[:at]) if at >= 0 else b""
    return (int(digits) if digits.isdigit() else None), rest[at + 1 :]


def _parts(text: bytes) -> tuple[str, list[tuple[int, int]]]:
    first, *others = text.removesuffix(b"\r").split(_START)
    shown = _text(_without_reset(first))
    ranges = []
    for other in others:
        cut = min((at for reset in _RESETS if (at := other.find(reset)) >= 0), default=len(other))
        end = next((len(reset) for reset in _RESETS if other.startswith(reset, cut)), 0)
        begin = len(shown)
        shown += _text(other[:cut])
        ranges.append((begin, len(shown)))
        shown += _text(_without_reset(other[cut + end :]))
    return shown, ranges


def _without_reset(text: bytes) -> bytes:
    return text.removesuffix(_RESETS[1]).removeprefix(_RESETS[1])


def _text(text: bytes) -> str:
    return text.decode("utf-8", "replace")


def marked(path: str, line: int | None, text: str, ranges: Sequence[tuple[int, int]]) -> Match:
    """A match whose text is short enough to show, cut so that the first range can be seen."""
    start = max(0, ranges[0][0] - _BEFORE) if ranges and len(text) > LONGEST_TEXT and ranges[0][1] > LONGEST_TEXT else 0
    lead = "…" if start else ""
    kept = text[start : start + LONGEST_TEXT]
    moved = [(begin - start + len(lead), min(end - start, len(kept)) + len(lead)) for begin, end in ranges]
    seen = [(begin, end) for begin, end in moved if begin < end]
    tail = "…" if start + len(kept) < len(text) else ""
    return Match(path=path, line=line, text=lead + kept + tail, ranges=seen)
