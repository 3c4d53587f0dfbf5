"""The model of a terminal: two grids, a cursor, modes, and the lines that left the top. No I/O, no clock."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from volundr.broker.terminal.cells import PLAIN, Line, Row, Style, width

HISTORY = 3000
GRAPHICS = str.maketrans("`abcdefghijklmnopqrstuvwxyz{|}~_", "◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£· ")
"""DEC's line drawing, as the character set `0`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What ESC 7 keeps."""

    x: int = 0
    y: int = 0
    style: Style = PLAIN
    sets: tuple[str, str] = ("B", "B")
    shifted: bool = False


class Grid:
    """One of the two screens of a terminal. Both ends of the scroll region belong to it."""

    def __init__(self, columns: int, rows: int, style: Style = PLAIN) -> None:
        self.rows = [Row(columns, style) for _ in range(rows)]
        self.top, self.bottom = 0, rows - 1
        self.saved = Saved()


@dataclass(slots=True)
class Modes:
    """What programs switch. `private` holds the numbers of DEC modes that are not as after a reset."""

    private: set[int] = field(default_factory=set)
    insert: bool = False
    newline: bool = False
    keypad: bool = False
    cursor_style: int = 0
    keyboard: list[int] = field(default_factory=list)
    other_keys: str = ""
    colours: dict[str, str] = field(default_factory=dict)


WRAP, VISIBLE, ORIGIN = 7, 25, 6
ON_AFTER_RESET = frozenset({WRAP, VISIBLE})


class Screen:
    """`columns` and `rows` change by `resize` alone. `pending`: the next character goes to the next row first."""

    def __init__(self, columns: int, rows: int, history: int = HISTORY) -> None:
        self.columns, self.rows = columns, rows
        self.history: deque[Line] = deque(maxlen=history)
        self.title = ""
        self.reset()

    def reset(self) -> None:
        """As ESC c does: everything but the title."""
        self.history.clear()
        self.main = self.grid = Grid(self.columns, self.rows)
        self.x = self.y = 0
        self.pending = False
        self.style = PLAIN
        self.sets = ("B", "B")
        self.shifted = False
        self.modes = Modes()
        self.tabs = set(range(0, self.columns, 8))
        self.last = ""

    @property
    def alternate(self) -> bool:
        return self.grid is not self.main

    def on(self, mode: int) -> bool:
        return (mode in self.modes.private) != (mode in ON_AFTER_RESET)

    # --- text ---------------------------------------------------------------------------------------------------------

    def write(self, text: str) -> None:
        if self.sets[self.shifted] == "0":
            text = text.translate(GRAPHICS)
        self.last = text[-1]
        if self.modes.insert or not text.isascii():
            for char in text:
                self._write_one(char)
            return
        columns, style = self.columns, self.style
        while text:
            if self.pending:
                self._wrap()
            part = text[: columns - self.x]
            self.grid.rows[self.y].put(self.x, part, style)
            text = text[len(part) :]
            self.x += len(part)
            if self.x == columns:
                self.x, self.pending = columns - 1, self.on(WRAP)
                text = text if self.pending else text[-1:]
                if text and not self.pending:
                    self.grid.rows[self.y].put(self.x, text, style)
                    text = ""

    def write_line(self, text: str) -> None:
        """Text, then the start of the next row: most of what is printed."""
        if text:
            self.write(text)
        self.x, self.pending, self.last = 0, False, ""
        self.index()

    def _write_one(self, char: str) -> None:
        taken = width(char)
        if taken == 0:
            self._combine(char)
            return
        if taken > self.columns:
            return
        if self.pending or self.x + taken > self.columns:
            if self.on(WRAP):
                self._wrap()
            else:
                self.x = self.columns - taken
        row = self.grid.rows[self.y]
        if self.modes.insert:
            row.insert(self.x, taken, self.style)
        row.wide = row.wide or taken == 2
        row.put(self.x, (char, "")[:taken], self.style)
        self.x += taken
        if self.x == self.columns:
            self.x, self.pending = self.columns - 1, self.on(WRAP)

    def _combine(self, char: str) -> None:
        chars = self.grid.rows[self.y].chars
        at = self.x if self.pending else self.x - 1
        if at > 0 and chars[at] == "":
            at -= 1
        if at >= 0 and len(chars[at]) < 16:
            chars[at] += char

    def _wrap(self) -> None:
        self.grid.rows[self.y].wrapped = True
        self.x, self.pending = 0, False
        self.index()

    def repeat(self, count: int) -> None:
        """The character that was written just before, if nothing else came between."""
        if self.last:
            self.write(self.last * min(count, self.columns * self.rows))

    # --- cursor -------------------------------------------------------------------------------------------------------

    def go(self, x: int, y: int) -> None:
        """To a cell of the screen; beyond an edge means the edge."""
        self.x = min(max(x, 0), self.columns - 1)
        self.y = min(max(y, 0), self.rows - 1)
        self.pending = False

    def place(self, x: int, y: int) -> None:
        """As CUP: within the scroll region if that is the origin."""
        if self.on(ORIGIN):
            y = min(y + self.grid.top, self.grid.bottom)
        self.go(x, y)

    def up(self, count: int) -> None:
        edge = self.grid.top if self.y >= self.grid.top else 0
        self.go(self.x, max(self.y - count, edge))

    def down(self, count: int) -> None:
        edge = self.grid.bottom if self.y <= self.grid.bottom else self.rows - 1
        self.go(self.x, min(self.y + count, edge))

    def back(self) -> None:
        self.go(self.x - 1, self.y)

    def tab(self, count: int) -> None:
        """To the next stops, or to earlier ones when negative."""
        for _ in range(min(abs(count), self.columns)):
            if count > 0:
                self.x = min((stop for stop in self.tabs if stop > self.x), default=self.columns - 1)
            else:
                self.x = max((stop for stop in self.tabs if stop < self.x), default=0)
        self.x = min(self.x, self.columns - 1)
        self.pending = False

    def index(self) -> None:
        """One row down, scrolling at the region's end."""
        if self.y == self.grid.bottom:
            self.scroll_up(1, keep=True)
        elif self.y < self.rows - 1:
            self.y += 1

    def line_feed(self) -> None:
        self.pending = False
        self.index()
        if self.modes.newline:
            self.x = 0

    def reverse_index(self) -> None:
        self.pending = False
        if self.y == self.grid.top:
            self._open_rows(self.y, 1, self.style.erased())
        elif self.y > 0:
            self.y -= 1

    def save(self) -> None:
        self.grid.saved = Saved(x=self.x, y=self.y, style=self.style, sets=self.sets, shifted=self.shifted)

    def restore(self) -> None:
        saved = self.grid.saved
        self.style, self.sets, self.shifted = saved.style, saved.sets, saved.shifted
        self.go(saved.x, saved.y)

    # --- rows ---------------------------------------------------------------------------------------------------------

    def scroll_up(self, count: int, *, keep: bool = False) -> None:
        """Rows leave at the region's top; `keep` them if that is the top of the screen, as the browser's terminal does."""
        grid = self.grid
        for _ in range(min(count, grid.bottom - grid.top + 1)):
            row = grid.rows.pop(grid.top)
            if keep and grid is self.main and grid.top == 0:
                self.history.append(row.line())
            grid.rows.insert(grid.bottom, Row(self.columns, self.style.erased()))

    def scroll_down(self, count: int) -> None:
        self._open_rows(self.grid.top, count, PLAIN)

    def insert_rows(self, count: int) -> None:
        if self.grid.top <= self.y <= self.grid.bottom:
            self._open_rows(self.y, count, self.style.erased())
            self.go(0, self.y)

    def delete_rows(self, count: int) -> None:
        grid = self.grid
        if not grid.top <= self.y <= grid.bottom:
            return
        for _ in range(min(count, grid.bottom - self.y + 1)):
            del grid.rows[self.y]
            grid.rows.insert(grid.bottom, Row(self.columns, self.style.erased()))
        self.go(0, self.y)

    def _open_rows(self, at: int, count: int, style: Style) -> None:
        grid = self.grid
        for _ in range(min(count, grid.bottom - at + 1)):
            del grid.rows[grid.bottom]
            grid.rows.insert(at, Row(self.columns, style))

    def region(self, top: int, bottom: int) -> None:
        """Rows that scroll, from and to; anything senseless is ignored."""
        bottom = min(bottom, self.rows - 1)
        if 0 <= top < bottom:
            self.grid.top, self.grid.bottom = top, bottom
            self.place(0, 0)

    # --- cells --------------------------------------------------------------------------------------------------------

    def insert_cells(self, count: int) -> None:
        self.pending = False
        self.grid.rows[self.y].insert(self.x, min(count, self.columns - self.x), self.style.erased())

    def delete_cells(self, count: int) -> None:
        self.pending = False
        self.grid.rows[self.y].delete(self.x, min(count, self.columns - self.x), self.style.erased())

    def erase_cells(self, count: int) -> None:
        self.pending = False
        self.grid.rows[self.y].erase(self.x, min(self.x + count, self.columns), self.style.erased())

    def erase_line(self, how: int) -> None:
        """0: from the cursor on, 1: to the cursor, 2: all. A cursor behind the last column stays there."""
        after = self.x + self.pending
        start, end = ((after, self.columns), (0, self.x + 1), (0, self.columns))[how]
        self.grid.rows[self.y].erase(start, end, self.style.erased())

    def erase_screen(self, how: int) -> None:
        """As `erase_line`, and 3: the history."""
        if how == 3:
            self.history.clear()
            return
        if how != 2:
            self.erase_line(how)
        for y in (range(self.y + 1, self.rows), range(self.y), range(self.rows))[how]:
            self.grid.rows[y].erase(0, self.columns, self.style.erased())

    def fill(self, char: str) -> None:
        """The test picture of ESC # 8."""
        for row in self.grid.rows:
            row.put(0, char * self.columns, PLAIN)
        self.go(0, 0)

    # --- the whole ----------------------------------------------------------------------------------------------------

    def enter_alternate(self) -> None:
        if not self.alternate:
            self.grid = Grid(self.columns, self.rows, self.style.erased())

    def leave_alternate(self) -> None:
        self.grid = self.main

    def resize(self, columns: int, rows: int) -> None:
        """No text flows anew: rows are cut or filled. Rows above the cursor go to the history, or come back from it."""
        for grid in {id(grid): grid for grid in (self.main, self.grid)}.values():
            y = self.y if grid is self.grid else grid.saved.y
            moved = self._resize_rows(grid, y, rows)
            for row in grid.rows:
                row.resize(columns)
            grid.rows += [Row(columns) for _ in range(rows - len(grid.rows))]
            grid.top, grid.bottom = 0, rows - 1
            saved = grid.saved
            grid.saved = replace(saved, x=min(saved.x, columns - 1), y=min(max(saved.y + moved, 0), rows - 1))
            if grid is self.grid:
                self.y += moved
        self.tabs |= set(range((self.columns + 7) // 8 * 8, columns, 8))
        self.columns, self.rows = columns, rows
        self.go(self.x, self.y)

    def _resize_rows(self, grid: Grid, y: int, rows: int) -> int:
        """How far what stays is moved down."""
        surplus = len(grid.rows) - rows
        below = min(max(surplus, 0), len(grid.rows) - 1 - y)
        if below:
            del grid.rows[-below:]
        above = max(surplus - below, 0)
        gone, grid.rows = grid.rows[:above], grid.rows[above:]
        if grid is not self.main:
            return -above
        self.history.extend(row.line() for row in gone)
        back = min(max(-surplus, 0), len(self.history))
        grid.rows = [line.row(self.columns) for line in reversed([self.history.pop() for _ in range(back)])] + grid.rows
        return back - above

    def display(self) -> Sequence[str]:
        """The text on the screen, row by row."""
        return ["".join(row.chars) for row in self.grid.rows]
