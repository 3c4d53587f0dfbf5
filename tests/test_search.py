"""Search over HTTP: with ripgrep, with git, and with nothing at all installed; each finds the same."""

import asyncio
import os
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.repositories import commit, git
from tests.session_files import Asker, session
from volundr.broker.files import search as searching
from volundr.broker.files.matches import LONGEST_TEXT, Matches
from volundr.broker.files.names import best, included

VENDORED = "tests/agents/node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/codex-path/rg"
RIPGREP = shutil.which("rg") or str(Path(__file__).parent.parent / VENDORED)
WAYS = ["git", "nothing", "rg"] if Path(RIPGREP).is_file() else ["git", "nothing"]


def only(folder: Path, way: str) -> str:
    """A PATH on which just this program is found."""
    folder.mkdir()
    for name, place in {"git": shutil.which("git"), "rg": RIPGREP}.items():
        if name == way and place:
            (folder / name).symlink_to(place)
    return str(folder)


def shown(tmp_path: Path, way: str, check: Callable[[Asker], Awaitable[None]]) -> None:
    async def run() -> None:
        async with session(tmp_path, env={"PATH": only(tmp_path / "bin", way)}) as ask:
            await check(ask)

    asyncio.run(run())


async def found(ask: Asker, q: str, **query: Any) -> list[tuple[Any, ...]]:
    answer = await ask.get("search", q=q, **query)
    return [(item["path"], item["line"], item["text"], item["ranges"]) for item in answer["items"]]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("repository", [True, False])
def test_lines_are_found_with_where_they_match(tmp_path: Path, way: str, repository: bool) -> None:
    work = tmp_path / "work"
    (work / "sub dir").mkdir(parents=True)
    (work / "a.py").write_text("first\nwörld 🎉 Foo: foo\r\nlast\n")
    (work / "sub dir" / "é.txt").write_text("-e foo --help\n")
    (work / "binary").write_bytes(b"\0\1foo")
    (tmp_path / "secret").write_text("foo")
    (work / "link").symlink_to(tmp_path / "secret")
    (work / "out").symlink_to(tmp_path)
    os.mkfifo(work / "pipe")
    if repository:
        (work / ".gitignore").write_text("ignored*\n")
        git(work, "init", "-q")
        commit(work, "committed", "nothing\n")
        (work / "ignored.txt").write_text("foo" if way != "nothing" else "")

    async def check(ask: Asker) -> None:
        line = "wörld 🎉 Foo: foo"
        assert await found(ask, "FOO") == [
            ("a.py", 2, line, [[8, 11], [13, 16]]),
            ("sub dir/é.txt", 1, "-e foo --help", [[3, 6]]),
        ]
        assert await found(ask, "foo", case=True, include="*.py") == [("a.py", 2, line, [[13, 16]])]
        assert [one[0] for one in await found(ask, "foo", include="sub dir")] == ["sub dir/é.txt"]
        assert [one[0] for one in await found(ask, "foo", include="*/é*, *.rs")] == ["sub dir/é.txt"]
        assert [one[0] for one in await found(ask, "-e foo --help")] == ["sub dir/é.txt"]
        assert await found(ask, "--no-index") == [] and await found(ask, "(foo") == []
        answer = await ask.get("search", q="o", limit=1)
        assert len(answer["items"]) == 1 and answer["truncated"]
        for bad in ("a\nb", "a\0b", " "):
            assert (await ask("GET", "search", q=bad)).status_code == 422
        regex = await ask("GET", "search", q="f(o)\\1: ", regex=True)
        if way == "git":
            assert [item["ranges"] for item in regex.json()["items"]] == [[[8, 13]]]
        if way == "nothing":
            assert regex.status_code == 503 and regex.json()["hint"]
            return
        assert [one[3] for one in await found(ask, "^w.*🎉", regex=True)] == [[[0, 7]]]
        wrong = await ask("GET", "search", q="f(o", regex=True)
        assert wrong.status_code == 422 and wrong.json()["detail"]

    shown(tmp_path, way, check)


@pytest.mark.parametrize("way", WAYS)
def test_a_line_of_ten_megabytes_is_cut_around_its_match(tmp_path: Path, way: str) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "bundle.js").write_text("x" * 5000 + "needle" + "y" * (10 << 20))
    (tmp_path / "work" / "z.js").write_text("z" * 1000 + "\nneedle\n")

    async def check(ask: Asker) -> None:
        results = await found(ask, "needle")
        if way == "nothing":
            assert [one[0] for one in results] == ["z.js"]
            return
        [(_, line, text, ranges), (_, other, _, _)] = results
        assert (line, other) == (1, 2) and len(text) <= LONGEST_TEXT + 2
        assert [text[begin:end] for begin, end in ranges] == ["needle"] and text.startswith("…") and text.endswith("…")

    shown(tmp_path, way, check)


def test_an_expression_that_never_ends_is_ended(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "a").write_text(("a" * 60 + "!\n") * 200)

    async def check(ask: Asker) -> None:
        begin = time.monotonic()
        waiting = ask("GET", "search", q="^(a+)+$", regex=True)
        answer, health = await asyncio.gather(waiting, ask("GET", "health"))
        assert health.status_code == 200 and answer.status_code in {200, 422}
        assert time.monotonic() - begin < searching.SECONDS + 3

    shown(tmp_path, "git", check)


def test_files_are_found_by_name_the_likely_ones_first(tmp_path: Path) -> None:
    work = tmp_path / "work"
    for path in ("src/app.py", "src/app/main.py", "docs/Application.md", "wrapper.txt", "node_modules/app.js"):
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_text("x")

    async def check(ask: Asker) -> None:
        assert [one[0] for one in await found(ask, "app", kind="name")] == [
            *("src/app.py", "docs/Application.md", "wrapper.txt", "src/app/main.py"),
        ]
        git(work, "init", "-q")
        (work / ".gitignore").write_text("node_modules\n")
        git(work, "add", "-A")
        (work / "wrapper.txt").unlink()
        (work / "new app").write_text("x")
        assert await found(ask, "app py", kind="name", case=True) == [
            ("src/app.py", None, "src/app.py", [[4, 7], [8, 10]]),
            ("src/app/main.py", None, "src/app/main.py", [[4, 7], [13, 15]]),
        ]
        assert [one[0] for one in await found(ask, "*.md", kind="name")] == ["docs/Application.md"]
        names = [one[0] for one in await found(ask, "app", kind="name")]
        assert "new app" in names and "wrapper.txt" not in names and "node_modules/app.js" not in names
        assert (await ask("GET", "search", q="a+", kind="name", regex=True)).status_code == 422
        assert await found(ask, "app", kind="name", root="home") == []

    shown(tmp_path, "git", check)


def test_a_pattern_means_a_name_a_path_or_a_folder() -> None:
    for include, path, wanted in [
        ("", "a/b.py", True),
        ("*.py", "a/b.py", True),
        ("*.py", "a/b.pyc", False),
        ("a", "a/b.py", True),
        ("a/", "a/b.py", True),
        ("a/*.py", "a/b.py", True),
        ("x/a", "x/a/b.py", True),
        ("**/b.py", "a/b.py", True),
        ("b", "a/b.py", False),
        ("*.js, *.py", "a/b.py", True),
    ]:
        assert included(include)(path) is wanted, (include, path)


def test_names_with_strange_characters_keep_their_place(tmp_path: Path) -> None:
    items, more = best(["a b/ü-x", "x"], "X", case=False, most=1)
    assert [item.path for item in items] == ["x"] and more


def test_output_may_come_in_any_pieces() -> None:
    by_git = b"a\x001\x00x \x1b[38;2;161;178;195mfoo\x1b[m y\n"
    by_rg = b"\x1b[0m./b\x1b[0m\x00\x1b[0m12\x1b[0m:\x1b[0m\x1b[38;2;161;178;195mfoo\x1b[0m\n"
    printed = by_git + by_rg + b"junk\n"
    for size in (1, 2, 7, 1000):
        matches = Matches(10, lambda path: True)
        for at in range(0, len(printed), size):
            assert matches.take(printed[at : at + size])
        assert [(m.path, m.line, m.text, list(m.ranges)) for m in matches.items] == [
            ("a", 1, "x foo y", [(2, 5)]),
            ("b", 12, "foo", [(0, 3)]),
        ]
