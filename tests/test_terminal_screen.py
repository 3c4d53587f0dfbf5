"""The model of a terminal: what it shows, and that its replay makes another one the same, wherever the cut is."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volundr.broker.terminal.cells import Line, Row, Style
from volundr.broker.terminal.parser import LONGEST, Parser
from volundr.broker.terminal.replay import replay
from volundr.broker.terminal.screen import Screen


def fed(*pieces: bytes, columns: int = 20, rows: int = 6, history: int = 50) -> tuple[Screen, Parser]:
    screen = Screen(columns, rows, history)
    parser = Parser(screen)
    for piece in pieces:
        parser.feed(piece)
    return screen, parser


def cells(rows: Sequence[Row]) -> list[list[tuple[str, Style]]]:
    return [list(zip(row.chars, row.styles, strict=True)) for row in rows]


def line(kept: Line) -> tuple[object, ...]:
    return kept.runs


def state(screen: Screen) -> dict[str, object]:
    """All that can be seen of it, now and by what comes next."""
    modes = screen.modes
    return {
        "cells": cells(screen.grid.rows),
        "main": cells(screen.main.rows),
        "alternate": screen.alternate,
        "cursor": (screen.x, screen.y, screen.pending),
        "style": screen.style,
        "saved": screen.grid.saved,
        "region": (screen.grid.top, screen.grid.bottom),
        "tabs": sorted(stop for stop in screen.tabs if stop < screen.columns),
        "sets": (screen.sets, screen.shifted),
        "private": sorted(modes.private),
        "modes": (modes.insert, modes.newline, modes.keypad, modes.cursor_style, modes.keyboard, modes.other_keys, modes.colours),
        "title": screen.title,
        "history": [line(kept) for kept in screen.history],
    }


def same_after_replay(data: bytes, after: bytes = b"", columns: int = 20, rows: int = 6) -> Screen:
    """The model, once a second one that only got the replay was shown to be no different, and to stay so."""
    screen, parser = fed(data, columns=columns, rows=rows)
    copy, copied = fed(b"old stuff\x1b[?1049h\x1b[31m\x1b]2;unfinished", replay(screen, parser.rest), columns=columns, rows=rows)
    assert state(copy) == state(screen)
    parser.feed(after)
    copied.feed(after)
    assert state(copy) == state(screen)
    return screen


def test_text_wraps_scrolls_and_is_kept() -> None:
    screen = same_after_replay(b"".join(b"line %d\r\n" % n for n in range(20)) + b"x" * 45)
    assert screen.display()[-3:] == ["x" * 20, "x" * 20, "x" * 5 + " " * 15]
    assert line(screen.history[0]) == ((Style(), "line 0"),)


def test_the_cursor_behind_the_last_column_is_where_it_was() -> None:
    screen = same_after_replay(b"12345678901234567890", b"Z")
    assert screen.display()[:2] == ["12345678901234567890", "Z" + " " * 19]
    same_after_replay(b"1234567890123456789" + b"\x1b[44m" + b"X", b"Y")
    same_after_replay("123456789012345678界".encode(), b"Y")


@pytest.mark.parametrize("way", [b"47", b"1047", b"1049"])
def test_both_screens_come_back(way: bytes) -> None:
    begin = b"one\r\ntwo \x1b[1;32mgreen\x1b[44m\x1b[?" + way + b"hfull screen\x1b[3;5H\x1b[7mbar"
    screen = same_after_replay(begin, b"\x1b[?" + way + b"lback")
    assert not screen.alternate
    assert screen.display()[0].startswith("one")


def test_modes_region_tabs_and_sets_come_back() -> None:
    same_after_replay(
        b"\x1b[?1h\x1b=\x1b[?2004h\x1b[?1002h\x1b[?1006h\x1b[?25l\x1b[4h\x1b[2;4r\x1b[?6h\x1b[2;3H\x1b[3g\x1bH"
        b"\x1b(0\x1b)0\x0elqk\x1b7\x1b[5 q\x1b[>4;2m\x1b[>1u\x1b]2;a title\x07\x1b]11;#123456\x07\x1b[38;5;99;4:3;58:2::1:2:3m",
        b"\tabc\x1b8\x1b[Mlq",
    )


def test_colour_ends_where_it_ended() -> None:
    same_after_replay(b"\x1b[44mab\x1b[5X\r\n\x1b[Kx\r\ny\x1b[10C z\x1b[m\x1b[K\r\n\x1b[41m\x1b[2Jend")
    same_after_replay(b"\x1b[?1049h\x1b[44mab\x1b[5X\r\n\x1b[K\x1b[3;12H\x1b[3X\x1b[5;20H \x1b[H\x1b[K")


def test_wide_and_combined_characters_keep_their_columns() -> None:
    screen = same_after_replay("a界b\u0301c😀".encode() + "界".encode() * 9, b"\x1b[1;3Hx")
    assert screen.grid.rows[0].chars[:4] == ["a", " ", "x", "b\u0301"]


def test_a_character_and_a_sequence_may_be_cut_anywhere() -> None:
    data = "é界\x1b[31mred\x1b]0;tïtle\x07\x1bPq#0;2;0\x1b\\\x1b[?1049hin\x1b[>4;2m".encode()
    whole, _ = fed(data)
    for at in range(len(data)):
        pieces, _ = fed(data[:at], data[at:])
        assert state(pieces) == state(whole)
        same_after_replay(data[:at], data[at:])


@pytest.mark.parametrize(("begin", "end"), [(b"\x1bP", b"\x1b\\"), (b"\x1b]52;c;", b"\x07"), (b"\x1b_G", b"\x1b\\")])
def test_a_long_string_is_skipped_and_not_kept(begin: bytes, end: bytes) -> None:
    half = b"QUJD" * LONGEST
    screen, parser = fed(b"before ", begin, half, half)
    assert len(parser.rest) < 20
    parser.feed(end + b"after")
    assert screen.display()[0].rstrip() == "before after"
    same_after_replay(b"before " + begin + half, half + end + b"after")


def test_what_is_not_understood_is_not_shown() -> None:
    screen, _ = fed(
        b"\x1b[>4;2m\x1bP+q544e\x1b\\\x1b[?1$p\x1b[c\x1b[6n\x1b]11;?\x07\x1b[22;0;0t\x1b%G\x1b[\x01m\x1b[" + b"1" * 5000 + b"mok"
    )
    assert screen.display()[0].rstrip().endswith("ok")
    assert screen.style == Style()


def test_a_size_takes_rows_from_the_history_and_gives_them_back() -> None:
    screen, parser = fed(b"".join(b"line %d\r\n" % n for n in range(10)) + b"prompt", rows=6)
    screen.resize(20, 3)
    assert [row.rstrip() for row in screen.display()] == ["line 8", "line 9", "prompt"]
    screen.resize(20, 6)
    assert [row.rstrip() for row in screen.display()] == ["line 5", "line 6", "line 7", "line 8", "line 9", "prompt"]
    assert (screen.x, screen.y) == (6, 5)
    screen.resize(5, 2)
    parser.feed(b"\x1b[?1049h")
    screen.resize(40, 12)
    parser.feed(b"\x1b[12;40Hx\x1b[?1049l")
    assert not screen.alternate
    same_after_replay(b"wide " * 30 + b"\x1b[2J", columns=30)


WORDS = [
    *(bytes([byte]) for byte in b"\r\n\t\b\x0e\x0f\v"),
    *(b"\x1b" + rest for rest in (b"7", b"8", b"D", b"E", b"H", b"M", b"c", b"=", b">", b"(0", b"(B", b")0", b"#8", b"[!p")),
    *(b"\x1b[" + rest for rest in (b"?1049h", b"?1049l", b"?47h", b"?47l", b"?1048h", b"?1048l", b"?6h", b"?6l", b"?7l", b"?7h")),
    *(b"\x1b[" + rest for rest in (b"4h", b"4l", b"20h", b"20l", b"?25l", b"?1000h", b"?1003l", b"?2004h", b"3g", b"g", b"1;1r")),
    *(b"\x1b[" + rest for rest in (b"m", b"1;31m", b"7;48;5;20m", b"38;2;1;2;3m", b"4:3m", b"22m", b"49m", b"38;5m", b"=5u")),
    *(b"\x1b[" + rest for rest in (b"1J", b"J", b"2J", b"3J", b"K", b"1K", b"2K", b">1u", b"<u", b"s", b"u", b"2 q", b"2;4r")),
    "é".encode(), "界".encode(), "e\u0301".encode(), "😀".encode(), b"\xff", b"\xe7\x95", b"\x1b]2;t\x07", b"\x1bP1\x1b\\",
]  # fmt: skip
NUMBERED = [b"@", *(bytes([byte]) for byte in b"ABCDEFGILMPSTXZbde`")]
PIECES = st.one_of(
    st.sampled_from(WORDS),
    st.builds(lambda n, final: b"\x1b[%d" % n + final, st.integers(0, 25), st.sampled_from(NUMBERED)),
    st.builds(lambda y, x: b"\x1b[%d;%dH" % (y, x), st.integers(0, 8), st.integers(0, 25)),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=25).map(str.encode),
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(PIECES, max_size=60), st.lists(PIECES, max_size=20))
def test_whatever_was_printed_the_replay_makes_the_same(before: list[bytes], after: list[bytes]) -> None:
    same_after_replay(b"".join(before), b"".join(after))


def test_noise_is_survived() -> None:
    noise = random.Random(7)
    screen, parser = fed(b"")
    for _ in range(300):
        parser.feed(noise.randbytes(200))
        assert all(len(row.chars) == len(row.styles) == 20 for row in screen.grid.rows)
        assert 0 <= screen.x < 20
        assert 0 <= screen.y < 6
