"""What a fresh terminal of the same size must be told to show what a `Screen` shows, and to go on as it would."""

from collections.abc import Callable, Iterator

from volundr.broker.terminal.cells import PLAIN, Line, Row, Style, width
from volundr.broker.terminal.screen import ORIGIN, VISIBLE, WRAP, Grid, Saved, Screen

START = "\x18\x1bc"
"""Ends whatever sequence the terminal is in, and resets it."""
type Look = Callable[[Style], str]


def replay(screen: Screen, rest: bytes = b"") -> bytes:
    """The bytes. `rest` is the parser's: a sequence or character of which only the beginning has come."""
    look = _Look()
    parts = [START]
    if screen.title:
        parts.append(f"\x1b]2;{screen.title}\x07")
    parts += _rows(screen, look)
    if screen.alternate:
        parts.append(_region(screen, screen.main))
        parts += _saved(screen, screen.main.saved, look)
        parts.append("\x1b[?1049h")  # takes what is current as saved, and its erasing takes the current background
        look.now = screen.main.saved.style
        parts += _alternate(screen.grid, look)
    else:
        parts.append(look(PLAIN))
    parts += _state(screen, look)
    return "".join(parts).encode(errors="replace") + rest


class _Look:
    """Sequences that change from the style that was set before: none if it is the same."""

    def __init__(self) -> None:
        self.now = PLAIN

    def __call__(self, style: Style) -> str:
        if style == self.now:
            return ""
        self.now = style
        return style.sgr()


def _rows(screen: Screen, look: Look) -> Iterator[str]:
    """History and main screen, from the top: every row ends in one way, so that the terminal scrolls as ours did."""
    lines = [*screen.history, *(row.line() for row in screen.main.rows)]
    for at, line in enumerate(lines):
        yield from _cells(line, look)
        if at + 1 < len(lines) and not _flows(line, lines[at + 1], screen.columns):
            yield look(PLAIN) + "\r\n"


def _cells(line: Line, look: Look) -> Iterator[str]:
    """Its text in its styles. A coloured blank rest is erased, as programs do it, unless the row goes on in the next."""
    runs = line.runs
    yield from (look(style) + text for style, text in runs[:-1])
    for style, text in runs[-1:]:
        coloured = style != PLAIN and style == style.erased() and text[-1] == " " and not line.wrapped
        inked = text.rstrip(" ") if coloured and _cells_in(line) == line.width else text
        yield look(style) + inked + ("\x1b[K" if len(inked) < len(text) else "")


def _cells_in(line: Line) -> int:
    return sum(width(char) for _, text in line.runs for char in text)


def _flows(line: Line, following: Line, columns: int) -> bool:
    """Whether the next character will wrap by itself as it did."""
    return line.wrapped and line.width == columns and any(text for _, text in following.runs)


def _alternate(grid: Grid, look: Look) -> Iterator[str]:
    """By position: there is no history here."""
    yield look(PLAIN) + "\x1b[2J"
    for y, row in enumerate(grid.rows):
        cells = "".join(_cells(row.line(), look))
        if cells:
            yield f"\x1b[{y + 1}H{cells}"
    yield look(PLAIN)


def _state(screen: Screen, look: Look) -> Iterator[str]:
    """All but cells: saved cursor, tab stops, region, modes, cursor, style."""
    modes, grid = screen.modes, screen.grid
    if grid.saved != Saved():
        yield from _saved(screen, grid.saved, look)
        yield "\x1b7"
    yield "\x1b(B\x1b)B\x0f"
    if screen.tabs != set(range(0, screen.columns, 8)):
        yield "\x1b[3g" + "".join(f"\x1b[{x + 1}G\x1bH" for x in sorted(screen.tabs) if x < screen.columns)
    yield _region(screen, grid)
    if screen.on(ORIGIN):
        yield "\x1b[?6h"
    yield from _cursor(screen, look)
    yield look(screen.style) + _sets(screen.sets, shifted=screen.shifted)
    for mode in sorted(modes.private - {ORIGIN}):
        yield f"\x1b[?{mode}{'l' if mode in {WRAP, VISIBLE} else 'h'}"
    yield "\x1b[4h" if modes.insert else ""
    yield "\x1b[20h" if modes.newline else ""
    yield "\x1b=" if modes.keypad else ""
    yield f"\x1b[{modes.cursor_style} q" if modes.cursor_style else ""
    yield f"\x1b[>4;{modes.other_keys}m" if modes.other_keys else ""
    yield from (f"\x1b[>{flags}u" for flags in modes.keyboard)
    yield from (f"\x1b]{number};{value}\x07" for number, value in modes.colours.items())


def _region(screen: Screen, grid: Grid) -> str:
    """Setting it takes the cursor along: what places the cursor comes later."""
    whole = (grid.top, grid.bottom) == (0, screen.rows - 1)
    return "" if whole and not screen.alternate else f"\x1b[{grid.top + 1};{grid.bottom + 1}r"


def _cursor(screen: Screen, look: Look) -> Iterator[str]:
    """A cursor that waits behind the last column gets there by writing that column's cell once more."""
    y = screen.y - screen.grid.top if screen.on(ORIGIN) else screen.y
    if not screen.pending:
        yield f"\x1b[{y + 1};{screen.x + 1}H"
        return
    row: Row = screen.grid.rows[screen.y]
    x = screen.x - (row.chars[screen.x] == "" and screen.x > 0)
    yield f"\x1b[{y + 1};{x + 1}H{look(row.styles[x])}{row.chars[x]}"


def _saved(screen: Screen, saved: Saved, look: Look) -> Iterator[str]:
    yield f"\x1b[{min(saved.y, screen.rows - 1) + 1};{saved.x + 1}H"
    yield look(saved.style) + _sets(saved.sets, shifted=saved.shifted)


def _sets(sets: tuple[str, str], *, shifted: bool) -> str:
    changed = "".join(f"\x1b{into}{name}" for into, name in zip("()", sets, strict=True) if name != "B")
    return changed + ("\x0e" if shifted else "")
