"""Changes of a workspace over HTTP, with real repositories: also strange, hostile, huge and broken ones."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.repositories import commit, git
from tests.session_files import Asker, session
from volundr.broker import repository as repositories
from volundr.broker.changes import LARGE_LINES


def made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    git(folder, "init", "-q", "-b", "main")
    return folder


def shown(tmp_path: Path, check: Callable[[Asker], Awaitable[None]]) -> None:
    async def run() -> None:
        async with session(tmp_path) as ask:
            await check(ask)

    asyncio.run(run())


async def by_path(ask: Asker, **query: Any) -> dict[str, tuple[str, int, int]]:
    answer = await ask.get("changes", **query)
    return {one["path"]: (one["status"], one["added"], one["removed"]) for one in answer["files"]}


def test_every_kind_of_change_is_told_and_the_repository_stays_as_it_was(tmp_path: Path) -> None:
    work = made(tmp_path / "work")
    lines = "".join(f"line {n}\n" for n in range(50))
    for name in ("kept", "edited", "gone", "moved by hand", "moved by git", "staged", "mode"):
        (work / name).write_text(f"{name}\n{lines}")
    (work / "picture").write_bytes(bytes(range(256)))
    (work / ".gitignore").write_text("ignored\n")
    head = commit(work, "first.txt", "1\n")
    (work / "edited").write_text(f"edited!\n{lines}more\n")
    (work / "gone").unlink()
    (work / "moved by hand").rename(work / "moved – ünïcode \"q\" 'x'\nnewline")
    git(work, "mv", "moved by git", "to git")
    (work / "staged").write_text("short\n")
    git(work, "add", "staged")
    (work / "mode").chmod(0o755)
    (work / "picture").write_bytes(bytes(range(255, -1, -1)))
    (work / "new").write_text("a\nb\n")
    (work / "link").symlink_to("/etc/passwd")
    (work / "ignored").write_text("x")
    inner = made(work / "inner")
    commit(inner, "a")
    index = (work / ".git/index").read_bytes()
    objects = sorted((work / ".git/objects").rglob("*"))

    async def check(ask: Asker) -> None:
        answer = await ask.get("changes")
        assert answer["base"] == {"ref": "HEAD", "commit": head} and answer["repository"] and not answer["truncated"]
        odd = "moved – ünïcode \"q\" 'x'\nnewline"
        files = {one["path"]: one for one in answer["files"]}
        assert {path: (f["status"], f["added"], f["removed"]) for path, f in files.items()} == {
            "edited": ("modified", 2, 1),
            "gone": ("deleted", 0, 51),
            odd: ("renamed", 0, 0),
            "to git": ("renamed", 0, 0),
            "staged": ("modified", 1, 51),
            "mode": ("modified", 0, 0),
            "picture": ("modified", 0, 0),
            "new": ("untracked", 2, 0),
            "link": ("untracked", 1, 0),
            "inner": ("untracked", 0, 0),
        }
        assert files[odd]["old_path"] == "moved by hand" and files["to git"]["old_path"] == "moved by git"
        assert files["picture"]["binary"] and not files["new"]["binary"]
        assert (answer["added"], answer["removed"]) == (6, 103)

        patch = await ask.get("changes/file", path="edited")
        assert "-edited\n+edited!\n" in patch["patch"] and patch["bytes"] == len(patch["patch"]) and not patch["large"]
        assert "rename from moved by hand" in (await ask.get("changes/file", path=odd))["patch"]
        assert "+++ b/new\n@@ -0,0 +1,2 @@\n+a\n+b\n" in (await ask.get("changes/file", path="new"))["patch"]
        assert "+/etc/passwd" in (await ask.get("changes/file", path="link"))["patch"]
        assert (await ask.get("changes/file", path="picture"))["binary"]
        assert "new mode 100755" in (await ask.get("changes/file", path="mode"))["patch"]
        assert (await ask("GET", "changes/file", path="kept")).status_code == 404
        assert (await ask("GET", "changes/file", path="../x")).status_code == 422

    shown(tmp_path, check)
    assert (work / ".git/index").read_bytes() == index and sorted((work / ".git/objects").rglob("*")) == objects


def test_a_session_is_compared_with_the_branch_it_left_and_with_any_other(tmp_path: Path) -> None:
    origin = made(tmp_path / "origin")
    base = commit(origin, "a", "1\n")
    git(tmp_path, "clone", "-q", str(origin), "work")
    work = tmp_path / "work"
    git(work, "checkout", "-q", "-b", "feature")
    tip = commit(work, "b", "2\n")
    commit(origin, "later", "x\n")
    git(work, "fetch", "-q")
    git(work, "tag", "v1")
    (work / "c").write_text("3\n")

    async def check(ask: Asker) -> None:
        answer = await ask.get("changes", against="default_branch")
        assert answer["base"] == {"ref": "origin/main", "commit": base}
        assert [(f["path"], f["status"]) for f in answer["files"]] == [("b", "added"), ("c", "untracked")]
        assert set(await by_path(ask)) == {"c"}
        for ref in ("v1", tip, tip[:8], "feature", "HEAD"):
            assert set(await by_path(ask, against=ref)) == {"c"}, ref
        assert await by_path(ask, against="origin/main") == {
            "b": ("added", 1, 0),
            "c": ("untracked", 1, 0),
            "later": ("deleted", 0, 1),
        }
        assert (await ask("GET", "changes", against="nothing")).status_code == 404
        for bad in ("--output=/tmp/x", "-p", "a b", "x\ny", "", "a" * 300):
            assert (await ask("GET", "changes", against=bad)).status_code == 422, bad

    shown(tmp_path, check)


def test_no_commit_no_repository_no_folder_and_no_git_are_answers(tmp_path: Path) -> None:
    async def check(ask: Asker) -> None:
        (ask.workspace / "a").write_text("1\n2\n")
        nothing = await ask.get("changes")
        assert (nothing["repository"], nothing["base"], nothing["files"]) == (False, None, [])
        assert (await ask("GET", "changes/file", path="a")).status_code == 404
        git(ask.workspace, "init", "-q", "-b", "main")
        for against in ("last_commit", "default_branch"):
            fresh = await ask.get("changes", against=against)
            assert fresh["base"] is None and fresh["repository"]
            assert [(f["path"], f["status"], f["added"]) for f in fresh["files"]] == [("a", "untracked", 2)]
        git(ask.workspace, "add", "a")
        assert await by_path(ask) == {"a": ("added", 2, 0)}
        assert "+1\n+2\n" in (await ask.get("changes/file", path="a"))["patch"]
        ask.workspace.rename(ask.workspace.with_name("away"))
        assert (await ask("GET", "changes")).status_code == 404

    shown(tmp_path, check)


def test_without_git_it_says_what_to_install(tmp_path: Path) -> None:
    async def run() -> None:
        async with session(tmp_path, env={"PATH": str(tmp_path)}) as ask:
            answer = await ask("GET", "changes")
            assert answer.status_code == 503 and "git" in answer.json()["hint"]

    asyncio.run(run())


def test_conflicts_submodules_and_folders_inside_a_repository(tmp_path: Path) -> None:
    top = made(tmp_path / "top")
    commit(top, "outside")
    work = tmp_path / "top" / "work"
    work.mkdir()
    commit(work, "both", "base\n")
    other = made(tmp_path / "other")
    commit(other, "a")
    git(work, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "module")
    git(work, "commit", "-qm", "module")
    git(work, "checkout", "-q", "-b", "theirs")
    commit(work, "both", "theirs\n")
    git(work, "checkout", "-q", "main")
    commit(work, "both", "ours\n")
    git(work, "merge", "theirs", check=False)
    commit(work / "module", "b")
    (work / "new").write_text("x\n")
    (top / "outside").write_text("changed, and none of this session's business")

    async def run() -> None:
        (tmp_path / "session").mkdir()
        (tmp_path / "session" / "work").symlink_to(work)
        async with session(tmp_path / "session") as ask:
            found = await by_path(ask)
            assert {path: status for path, (status, _, _) in found.items()} == {
                "both": "conflict",
                "module": "modified",
                "new": "untracked",
            }
            conflict = (await ask.get("changes/file", path="both"))["patch"]
            assert "<<<<<<<" in conflict and ">>>>>>> theirs" in conflict
            assert "+Subproject commit" in (await ask.get("changes/file", path="module"))["patch"]
            assert "+++ b/new" in (await ask.get("changes/file", path="new"))["patch"]

    asyncio.run(run())


def test_nothing_that_a_repository_configures_is_run(tmp_path: Path) -> None:
    work = made(tmp_path / "work")
    (work / ".gitattributes").write_text("* diff=evil filter=evil\n")
    commit(work, "a", "1\n")
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\necho ran >> {tmp_path}/ran\ncat\n")
    trap.chmod(0o755)
    for name in ("pre-commit", "post-index-change", "post-checkout", "fsmonitor-watchman"):
        (work / ".git/hooks").mkdir(exist_ok=True)
        (work / ".git/hooks" / name).symlink_to(trap)
    included = work / ".git" / "more"
    included.write_text(f'[filter "other"]\n\tclean = {trap}\n[filter "evil"]\n\tprocess = {trap}\n\trequired = true\n')
    for key in (
        *("core.fsmonitor", "core.pager", "diff.external", "diff.evil.textconv", "diff.evil.command", "filter.evil.clean"),
        *("filter.evil.smudge", "gpg.program", "core.sshCommand", "pager.diff", "pager.log", "alias.diff", "core.editor"),
    ):
        git(work, "config", key, str(trap))
    git(work, "config", "include.path", str(included))
    git(work, "config", "log.showSignature", "true")
    (work / "a").write_text("2\n")
    (work / "b").write_text("x\n")
    (tmp_path / "ran").unlink(missing_ok=True)

    async def check(ask: Asker) -> None:
        assert {path: status for path, (status, _, _) in (await by_path(ask)).items()} == {"a": "modified", "b": "untracked"}
        assert "-1\n+2\n" in (await ask.get("changes/file", path="a"))["patch"]
        await ask.get("git/log")
        assert (await ask.get("git/state"))["dirty"]
        await ask.get("git/refs")
        assert not (tmp_path / "ran").exists()
        git(work, "config", "core.worktree", str(tmp_path / "home"))
        assert not (await ask.get("changes"))["repository"]

    shown(tmp_path, check)


def test_a_diff_of_fifty_thousand_lines_waits_until_it_is_asked_for(tmp_path: Path) -> None:
    work = made(tmp_path / "work")
    commit(work, "lock", "".join(f"old {n}\n" for n in range(25_000)))
    commit(work, "middle", "".join(f"old {n}\n" for n in range(LARGE_LINES)))
    (work / "lock").write_text("".join(f"new {n}\n" for n in range(25_000)))
    (work / "wide").write_text("x" * 500_000)
    (work / "huge").write_bytes(b"0123456\n" * (3 << 20))

    async def check(ask: Asker) -> None:
        begin = time.monotonic()
        answer = await ask.get("changes")
        large = {f["path"]: (f["large"], f["binary"]) for f in answer["files"]}
        assert large == {"lock": (True, False), "wide": (False, False), "huge": (False, True)}
        patch = await ask.get("changes/file", path="lock")
        assert patch["large"] and patch["patch"] == "" and patch["bytes"] > 400_000
        whole = await ask.get("changes/file", path="lock", whole=1)
        assert not whole["large"] and whole["patch"].count("\n") == 50_005 and whole["bytes"] == patch["bytes"]
        assert (await ask.get("changes/file", path="wide"))["large"]
        assert (await ask.get("changes/file", path="huge", whole=1))["binary"]
        assert time.monotonic() - begin < 10

    shown(tmp_path, check)


@pytest.mark.e2e
def test_ten_thousand_changed_files_are_answered_in_time(tmp_path: Path) -> None:
    work = made(tmp_path / "work")
    for number in range(10_000):
        folder = work / f"folder {number % 100}"
        folder.mkdir(exist_ok=True)
        (folder / f"file {number}").write_text(f"{number}\n")
    git(work, "add", "-A")
    git(work, "commit", "-qm", "all")
    for number in range(5000):
        (work / f"folder {number % 100}" / f"file {number}").write_text(f"{number}!\n")
        (work / f"folder {number % 100}" / f"file {number + 5000}").rename(work / f"new {number}")

    async def check(ask: Asker) -> None:
        begin = time.monotonic()
        answer = await ask.get("changes")
        took = time.monotonic() - begin
        assert len(answer["files"]) == 10_000 and not answer["truncated"] and answer["added"] >= 5000
        assert sum(f["status"] == "renamed" for f in answer["files"]) == 5000
        begin = time.monotonic()
        assert "rename from" in (await ask.get("changes/file", path="new 17"))["patch"]
        print(f"10,000 changed files: {took:.2f} s, one patch of them: {time.monotonic() - begin:.2f} s")
        assert took < 8, "about one second on a quiet machine"

    shown(tmp_path, check)


def test_more_new_files_than_anybody_reads_are_cut_and_said_so(tmp_path: Path) -> None:
    work = made(tmp_path / "work")
    for number in range(10_050):
        (work / f"f{number}").touch()

    async def check(ask: Asker) -> None:
        answer = await ask.get("changes")
        assert answer["truncated"] and len(answer["files"]) == 10_000

    shown(tmp_path, check)


def test_two_who_look_at_once_leave_nothing_behind(tmp_path: Path) -> None:
    work = made(tmp_path / "work")
    commit(work, "a")
    (work / "b").write_text("x\n")
    left = tmp_path / "temporary"
    left.mkdir()

    async def check(ask: Asker) -> None:
        answers = await asyncio.gather(*(by_path(ask) for _ in range(8)))
        assert answers == [{"b": ("untracked", 1, 0)}] * 8

    before = {name for name in os.listdir("/tmp") if name.startswith("volundr-index-")}
    shown(tmp_path, check)
    assert {name for name in os.listdir("/tmp") if name.startswith("volundr-index-")} <= before


def test_a_repository_that_git_does_not_understand_is_told_in_its_words(tmp_path: Path) -> None:
    work = made(tmp_path / "work")
    commit(work, "a")
    (work / ".git" / "index").write_bytes(b"this is no index")

    async def check(ask: Asker) -> None:
        answer = await ask("GET", "changes")
        assert answer.status_code == 503 and "index" in answer.json()["detail"]

    shown(tmp_path, check)


def test_a_session_without_git_variables_of_its_own_still_finds_its_repository(tmp_path: Path) -> None:
    work = made(tmp_path / "work")
    head = commit(work, "a")
    other = made(tmp_path / "other")

    async def run() -> None:
        env = {"PATH": os.environ["PATH"], "GIT_DIR": str(other / ".git"), "GIT_EXTERNAL_DIFF": "/bin/false"}
        found = await repositories.open_repository(work, env)
        assert found is not None and await found.find("HEAD") == head

    asyncio.run(run())
