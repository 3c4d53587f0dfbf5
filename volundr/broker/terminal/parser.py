"""What a program prints, as calls of a `Screen`. Bytes may come cut anywhere."""

import codecs
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from volundr.broker.terminal.cells import FLAGS, PLAIN, Style
from volundr.broker.terminal.screen import ORIGIN, Saved, Screen

_TEXT = re.compile(r"[^\x00-\x1f\x7f-\x9f]+")
_LINE = re.compile(r"([^\x00-\x1f\x7f-\x9f]*)\r\n")
_SEQUENCE = re.compile(
    r"\x1b(?:"
    r"\[(?P<prefix>[<-?]?)(?P<numbers>[0-9:;]*)(?P<between>[ -/]*)(?P<final>[@-~])"
    r"|\](?:(?P<osc>[^\x07\x1b\x18\x1a]*)(?:\x07|\x1b\\)|[^\x07\x1b\x18\x1a]*(?:\x18|\x1a|(?=\x1b[^\\])))"
    r"|[PX^_][^\x1b\x18\x1a]*(?:\x1b\\|\x18|\x1a|(?=\x1b[^\\]))"
    r"|(?P<set>[ -/]+)(?P<name>[0-~])"
    r"|(?P<escape>[0-OQ-WYZ`-~\\])"
    r")"
)
_BEGUN = re.compile(r"\x1b(?:\[[<-?]?[0-9:;]*[ -/]*|\][^\x07\x1b\x18\x1a]*\x1b?|[PX^_][^\x1b\x18\x1a]*\x1b?|[ -/]*)?\Z")
_BROKEN = re.compile(r"\x1b\[[0-9:;<-? -/]*|\x1b")
LONGEST = 4096
"""Characters of an unfinished string that are kept. What is longer is skipped until it ends."""
MOST = 9999
"""The highest number in a sequence: nothing has more columns, rows or repetitions."""
LONGEST_NUMBERS = 256
_COLOURS = {"10": "110", "11": "111", "12": "112"}


@dataclass(frozen=True, slots=True)
class Control:
    """A control sequence: `CSI prefix numbers between final`. Each item of `words` is one number with its sub-numbers."""

    prefix: str
    words: Sequence[str]
    between: str
    final: str

    def number(self, at: int, default: int = 1) -> int:
        """Zero and none mean the default."""
        word = self.words[at] if at < len(self.words) else ""
        return min(_number(word), MOST) or default


class Parser:
    """Feeds one screen. `rest` is what came of something that is not complete yet."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._begun = ""
        self._skipping = ""

    @property
    def rest(self) -> bytes:
        """What a terminal that shows the screen must be told so that it goes on with what comes next."""
        return self._skipping.encode() + self._begun.encode() + self._decoder.getstate()[0]

    def feed(self, data: bytes) -> None:
        text, at, screen = self._begun + self._decoder.decode(data), 0, self._screen
        self._begun = ""
        if self._skipping:
            text = self._skip(text)
        end = len(text)
        while at < end:
            if found := _LINE.match(text, at):
                screen.write_line(found[1])
                at = found.end()
            elif found := _TEXT.match(text, at):
                screen.write(found[0])
                at = found.end()
            elif text[at] != "\x1b":
                _control(screen, text[at])
                screen.last = ""
                at += 1
            elif found := _SEQUENCE.match(text, at):
                _apply(screen, found)
                screen.last = ""
                at = found.end()
            elif _BEGUN.match(text, at):
                self._keep(text[at:])
                return
            else:
                at = _broken(text, at)

    def _keep(self, begun: str) -> None:
        if len(begun) <= LONGEST:
            self._begun = begun
        else:  # an OSC that nobody knows, or an APC: whoever reads on from here ignores it as well
            self._skipping = "\x1b]9999;" if begun[1] == "]" else "\x1b_"
            self._begun = "\x1b" if begun[-1] == "\x1b" else ""

    def _skip(self, text: str) -> str:
        """What follows the end of a long string."""
        osc = self._skipping[1] == "]"
        found = re.search(r"[\x18\x1a\x07]|\x1b(?!\Z)" if osc else r"[\x18\x1a]|\x1b(?!\Z)", text)
        if found is None:
            self._begun = "\x1b" if text.endswith("\x1b") else ""
            return ""
        self._skipping = ""
        if found[0] == "\x1b":
            return text[found.start() + 2 :] if text[found.end()] == "\\" else text[found.start() :]
        return text[found.end() :]


def _broken(text: str, at: int) -> int:
    """Where to go on after something that is no sequence. A control character inside one comes into force by itself."""
    found = _BROKEN.match(text, at)
    assert found is not None
    return max(found.end(), at + 1)


def _control(screen: Screen, char: str) -> None:
    match char:
        case "\r":
            screen.go(0, screen.y)
        case "\n" | "\v" | "\f":
            screen.line_feed()
        case "\b":
            screen.back()
        case "\t":
            screen.tab(1)
        case "\x0e" | "\x0f":
            screen.shifted = char == "\x0e"
        case _:
            pass


def _number(word: str) -> int:
    return int(word.partition(":")[0] or 0)


def _apply(screen: Screen, found: re.Match[str]) -> None:
    if final := found["final"]:
        if len(found["numbers"]) > LONGEST_NUMBERS:
            return
        _csi(screen, Control(found["prefix"], found["numbers"].split(";"), found["between"], final))
    elif found["osc"] is not None:
        _osc(screen, found["osc"])
    elif found["name"]:
        _set(screen, found["set"], found["name"])
    elif found["escape"]:
        _escape(screen, found["escape"])


def _escape(screen: Screen, name: str) -> None:
    match name:
        case "7":
            screen.save()
        case "8":
            screen.restore()
        case "D":
            screen.pending = False
            screen.index()
        case "E":
            screen.go(0, screen.y)
            screen.index()
        case "H":
            screen.tabs.add(screen.x)
        case "M":
            screen.reverse_index()
        case "c":
            screen.reset()
        case "=" | ">":
            screen.modes.keypad = name == "="
        case _:
            pass


def _set(screen: Screen, between: str, name: str) -> None:
    if between == "(":
        screen.sets = (name, screen.sets[1])
    elif between == ")":
        screen.sets = (screen.sets[0], name)
    elif (between, name) == ("#", "8"):
        screen.fill("E")


def _osc(screen: Screen, text: str) -> None:
    number, _, value = text.partition(";")
    if number in {"0", "2"}:
        screen.title = value
    elif number in _COLOURS and value != "?":
        screen.modes.colours[number] = value
    elif number in _COLOURS.values():
        screen.modes.colours.pop(number[1:], None)


def _csi(screen: Screen, sequence: Control) -> None:
    key = sequence.prefix + sequence.between + sequence.final
    if act := _ACTS.get(key):
        act(screen, sequence)
    elif key in {"h", "l", "?h", "?l"}:
        for word in sequence.words:
            (_dec_mode if sequence.prefix else _ansi_mode)(screen, _number(word), on=sequence.final == "h")


def _ansi_mode(screen: Screen, mode: int, *, on: bool) -> None:
    if mode == 4:
        screen.modes.insert = on
    elif mode == 20:
        screen.modes.newline = on


_KEPT = frozenset({1, 5, 6, 7, 9, 12, 25, 45, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 1007, 2004, 2031})
_MOUSE = frozenset({9, 1000, 1002, 1003})
_ON_FROM_START = frozenset({7, 25})


def _dec_mode(screen: Screen, mode: int, *, on: bool) -> None:
    private = screen.modes.private
    if mode in {47, 1047, 1049}:
        _alternate(screen, save=mode == 1049, on=on)
    elif mode == 1048:
        screen.save() if on else screen.restore()
    elif mode == 66:
        screen.modes.keypad = on
    elif mode in _KEPT:
        if mode in _MOUSE:
            private -= _MOUSE
        if on != (mode in _ON_FROM_START):
            private.add(mode)
        else:
            private.discard(mode)
        if mode == ORIGIN:
            screen.place(0, 0)
        elif mode == 7 and not on:
            screen.pending = False


def _alternate(screen: Screen, *, save: bool, on: bool) -> None:
    if on:
        if save:
            screen.save()
        screen.enter_alternate()
    else:
        screen.leave_alternate()
        if save:
            screen.restore()


def _style(screen: Screen, sequence: Control) -> None:
    """SGR."""
    style, words = screen.style, list(sequence.words)
    while words:
        word = words.pop(0)
        if word in {"38", "48", "58"}:
            count = {"5": 1, "2": 3}.get(words[0] if words else "", 0)
            numbers = [(words[at] if at < len(words) else "") or "0" for at in range(1, count + 1)]
            style = _colour(style, word, ";".join([word, words[0], *numbers])) if count else style
            del words[: count + 1]
        elif word[:3] in {"38:", "48:", "58:"}:
            style = _colour(style, word[:2], word)
        else:
            style = _plain_style(style, word)
    screen.style = style if style != PLAIN else PLAIN


def _colour(style: Style, kind: str, words: str) -> Style:
    if kind == "38":
        return style._replace(fg=words)
    return style._replace(bg=words) if kind == "48" else style._replace(under_colour=words)


_OFF: Mapping[int, Sequence[int]] = {22: (1, 2), 23: (3,), 25: (5,), 27: (7,), 28: (8,), 29: (9,), 55: (53,)}
_UNDER: Mapping[int, str] = {4: "4", 21: "4:2", 24: ""}
_FG: Mapping[int, str] = {39: "", **{number: str(number) for number in (*range(30, 38), *range(90, 98))}}
_BG: Mapping[int, str] = {49: "", **{number: str(number) for number in (*range(40, 48), *range(100, 108))}}


def _plain_style(style: Style, word: str) -> Style:
    if word.startswith("4:"):
        return style._replace(under="" if word == "4:0" else word)
    number = _number(word)
    if number == 0:
        return PLAIN
    if number in FLAGS:
        return style._replace(flags=style.flags | 1 << FLAGS.index(number))
    if number in _OFF:
        gone = sum(1 << FLAGS.index(code) for code in _OFF[number])
        return style._replace(flags=style.flags & ~gone)
    return Style(
        fg=_FG.get(number, style.fg),
        bg=_BG.get(number, style.bg),
        under=_UNDER.get(number, style.under),
        under_colour="" if number == 59 else style.under_colour,
        flags=style.flags,
    )


def _tab_clear(screen: Screen, sequence: Control) -> None:
    if sequence.number(0, 0) == 3:
        screen.tabs.clear()
    else:
        screen.tabs.discard(screen.x)


def _erase(act: Callable[[Screen, int], None], most: int) -> Callable[[Screen, Control], None]:
    def run(screen: Screen, sequence: Control) -> None:
        how = sequence.number(0, 0)
        if how <= most:
            act(screen, how)

    return run


def _keyboard(screen: Screen, sequence: Control) -> None:
    """Kitty's keyboard flags: pushed, popped or set."""
    flags, stack = sequence.number(0, 0), screen.modes.keyboard
    if sequence.prefix == ">":
        stack.append(flags)
        del stack[:-16]
    elif sequence.prefix == "<":
        del stack[max(len(stack) - (flags or 1), 0) :]
    else:
        now, how = (stack.pop() if stack else 0), sequence.number(1, 1)
        stack.append(flags if how == 1 else now | flags if how == 2 else now & ~flags)


def _other_keys(screen: Screen, sequence: Control) -> None:
    if sequence.words[0] == "4":
        screen.modes.other_keys = sequence.words[1] if len(sequence.words) > 1 else ""


def _soft_reset(screen: Screen, _: Control) -> None:
    screen.modes.private &= _MOUSE | {1005, 1006, 1015, 1016}
    screen.grid.saved = Saved()
    screen.modes.insert = screen.modes.keypad = False
    screen.style, screen.sets, screen.shifted = PLAIN, ("B", "B"), False
    screen.grid.top, screen.grid.bottom = 0, screen.rows - 1


def _cursor_style(screen: Screen, sequence: Control) -> None:
    screen.modes.cursor_style = sequence.number(0, 0)


def _region(screen: Screen, sequence: Control) -> None:
    screen.region(sequence.number(0) - 1, sequence.number(1, screen.rows) - 1)


def _next_line(screen: Screen, sequence: Control) -> None:
    screen.down(sequence.number(0))
    screen.go(0, screen.y)


def _previous_line(screen: Screen, sequence: Control) -> None:
    screen.up(sequence.number(0))
    screen.go(0, screen.y)


_ACTS: Mapping[str, Callable[[Screen, Control], None]] = {
    "@": lambda s, q: s.insert_cells(q.number(0)),
    "A": lambda s, q: s.up(q.number(0)),
    "B": lambda s, q: s.down(q.number(0)),
    "e": lambda s, q: s.down(q.number(0)),
    "C": lambda s, q: s.go(s.x + q.number(0), s.y),
    "a": lambda s, q: s.go(s.x + q.number(0), s.y),
    "D": lambda s, q: s.go(s.x - q.number(0), s.y),
    "E": _next_line,
    "F": _previous_line,
    "G": lambda s, q: s.go(q.number(0) - 1, s.y),
    "`": lambda s, q: s.go(q.number(0) - 1, s.y),
    "H": lambda s, q: s.place(q.number(1) - 1, q.number(0) - 1),
    "f": lambda s, q: s.place(q.number(1) - 1, q.number(0) - 1),
    "d": lambda s, q: s.place(s.x, q.number(0) - 1),
    "I": lambda s, q: s.tab(q.number(0)),
    "Z": lambda s, q: s.tab(-q.number(0)),
    "g": _tab_clear,
    "J": _erase(Screen.erase_screen, 3),
    "K": _erase(Screen.erase_line, 2),
    "L": lambda s, q: s.insert_rows(q.number(0)),
    "M": lambda s, q: s.delete_rows(q.number(0)),
    "P": lambda s, q: s.delete_cells(q.number(0)),
    "S": lambda s, q: s.scroll_up(q.number(0)),
    "T": lambda s, q: s.scroll_down(q.number(0)),
    "X": lambda s, q: s.erase_cells(q.number(0)),
    "b": lambda s, q: s.repeat(q.number(0)),
    "m": _style,
    "r": _region,
    "s": lambda s, _: s.save(),
    "u": lambda s, _: s.restore(),
    "!p": _soft_reset,
    " q": _cursor_style,
    ">m": _other_keys,
    ">u": _keyboard,
    "<u": _keyboard,
    "=u": _keyboard,
}
