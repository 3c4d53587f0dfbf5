"""What a terminal shows: styles, rows of cells, and the lines that rows become when they leave the top."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

FLAGS = (1, 2, 3, 5, 7, 8, 9, 53)
"""The SGR codes of bold, dim, italic, blink, reverse, hidden, struck and overlined: bit n of `Style.flags` is the nth."""


class Style(NamedTuple):
    """How a cell looks. Colours and underline are kept in SGR's own words, such as `38;5;120` or `4:3`."""

    fg: str = ""
    bg: str = ""
    under: str = ""
    under_colour: str = ""
    flags: int = 0

    def sgr(self) -> str:
        """The sequence that makes exactly this the current style."""
        words = ["0", *(str(code) for bit, code in enumerate(FLAGS) if self.flags >> bit & 1)]
        words += [word for word in (self.under, self.fg, self.bg, self.under_colour) if word]
        return f"\x1b[{';'.join(words)}m"

    def erased(self) -> "Style":
        """The style of what is erased while this one is current: the background stays."""
        return Style(bg=self.bg) if self.bg else PLAIN


PLAIN = Style()


@lru_cache(4096)
def width(char: str) -> int:
    """Columns that a character takes: 0 for one that is put onto the one before it."""
    if unicodedata.category(char) in {"Mn", "Me", "Cf"} and char != "\u00ad":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


class Row:
    """Cells from left to right. A wide character's right half is the empty text. `wrapped`: the next row continues it.

    `styled` and `wide` tell that there may be a cell of that kind: without, much can be left out.
    """

    __slots__ = ("chars", "styled", "styles", "wide", "wrapped")

    def __init__(self, columns: int, style: Style = PLAIN) -> None:
        self.chars = [" "] * columns
        self.styles = [style] * columns
        self.styled = style is not PLAIN
        self.wide = False
        self.wrapped = False

    def put(self, x: int, chars: Sequence[str], style: Style) -> None:
        """Overwrite cells from `x` on: one for each item."""
        end = x + len(chars)
        if self.wide:
            self._cut(x)
            self._cut(end)
        self.chars[x:end] = chars
        if style is not PLAIN:
            self.styled = True
        if self.styled:
            self.styles[x:end] = [style] * len(chars)

    def insert(self, x: int, count: int, style: Style) -> None:
        """Blank cells at `x`; what leaves at the right is lost."""
        self.styled = True
        columns = len(self.chars)
        if self.wide:
            self._cut(x)
            self._cut(columns - count)
        self.chars[x:] = ([" "] * count + self.chars[x:])[: columns - x]
        self.styles[x:] = ([style] * count + self.styles[x:])[: columns - x]

    def delete(self, x: int, count: int, style: Style) -> None:
        """Take cells out; blank ones come in at the right."""
        self.styled = True
        if self.wide:
            self._cut(x)
            self._cut(x + count)
        del self.chars[x : x + count], self.styles[x : x + count]
        self.chars += [" "] * count
        self.styles += [style] * count

    def erase(self, x: int, end: int, style: Style) -> None:
        self.put(x, [" "] * (end - x), style)
        if end >= len(self.chars):
            self.wrapped = False

    def resize(self, columns: int) -> None:
        have = len(self.chars)
        if columns < have:
            if self.wide:
                self._cut(columns)
            del self.chars[columns:], self.styles[columns:]
        else:
            self.chars += [" "] * (columns - have)
            self.styles += [PLAIN] * (columns - have)
        if columns != have:
            self.wrapped = False

    def line(self) -> "Line":
        """What is kept of it, without blank cells at its end."""
        if self.styled:
            runs = tuple(_runs(zip(self.styles, self.chars, strict=True), keep=self.wrapped))
        else:
            text = "".join(self.chars)
            text = text if self.wrapped else text.rstrip(" ")
            runs = ((PLAIN, text),) if text else ()
        return Line(runs, self.wrapped, len(self.chars))

    def _cut(self, x: int) -> None:
        """A wide character that stands across the left edge of `x` is no more: both halves become blank."""
        if 0 < x < len(self.chars) and self.chars[x] == "":
            self.chars[x - 1] = self.chars[x] = " "


class Line(NamedTuple):
    """A row as it is kept above the screen: stretches of one style. `width` is that of the row it was."""

    runs: tuple[tuple[Style, str], ...]
    wrapped: bool
    width: int

    def row(self, columns: int) -> Row:
        """It as a row again, cut or filled to this width."""
        cells = list[tuple[str, Style]]()
        for style, text in self.runs:
            for char in text:
                taken = width(char)
                if taken == 0 and cells:
                    at = -2 if cells[-1][0] == "" and len(cells) > 1 else -1
                    cells[at] = (cells[at][0] + char, cells[at][1])
                else:
                    cells += [(char, style), ("", style)][: max(taken, 1)]
        row = Row(len(cells))
        row.chars, row.styles = [char for char, _ in cells], [style for _, style in cells]
        row.wide, row.styled = "" in row.chars, True
        row.resize(self.width)
        row.wrapped = self.wrapped
        row.resize(columns)
        return row


def _runs(cells: Iterable[tuple[Style, str]], *, keep: bool) -> Iterator[tuple[Style, str]]:
    runs = [(style, "".join(map(itemgetter(1), same))) for style, same in groupby(cells, key=itemgetter(0))]
    while not keep and runs and runs[-1][0] == PLAIN:
        text = runs.pop()[1].rstrip(" ")
        if text:
            runs.append((PLAIN, text))
            break
    yield from runs
