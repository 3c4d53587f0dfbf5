"""Many sessions on one repository: made, worked in and deleted, some at once, and the repository is as good as before."""

import asyncio
from pathlib import Path

import pytest

from tests.repositories import GIT_ENV, git, session
from volundr.domain.sessions.model import LocalSource, Session
from volundr.local.git import Git
from volundr.local.workspaces import LocalWorkspaces
from volundr.local.worktrees import SNAPSHOTS

ROUNDS = 200
AT_ONCE = 4


@pytest.mark.e2e
def test_two_hundred_sessions_on_one_repository_do_it_no_harm(tmp_path: Path) -> None:
    """A quarter of them commit and leave a file uncommitted, a quarter only commit, a quarter only leave a file."""
    repo = tmp_path / "project"
    repo.mkdir()
    git(repo, "init", "-q", "-b", "main")
    (repo / "a").write_text("one")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "one")
    git(repo, "branch", "other")
    mine = tmp_path / "mine"
    git(repo, "worktree", "add", "-q", str(mine), "other")
    (mine / "unsaved").write_text("a person's own")
    (repo / "unsaved").write_text("a person's own")
    workspaces = LocalWorkspaces(home=tmp_path / "home", git=Git(env=GIT_ENV))
    kept: list[tuple[Session, bool, bool]] = []

    async def one(number: int) -> None:
        which = session(LocalSource(path=str(repo)), name=f"s-{number}")
        made = await workspaces.prepare(which)
        assert made.branch == f"volundr/s-{number}"
        commits, leaves = bool(number & 1), bool(number & 2)
        if commits:
            await asyncio.to_thread(_commit, Path(made.path), number)
        if leaves:
            (Path(made.path) / "left").write_text(f"left {number}")
        await workspaces.remove(which)
        kept.append((which, commits, leaves))

    async def all_of_them() -> None:
        turn = asyncio.Semaphore(AT_ONCE)

        async def in_turn(number: int) -> None:
            async with turn:
                await one(number)

        async with asyncio.timeout(540), asyncio.TaskGroup() as group:
            for number in range(ROUNDS):
                group.create_task(in_turn(number))

    asyncio.run(all_of_them())
    assert len(kept) == ROUNDS
    assert git(repo, "fsck", "--strict", "--full", "--no-dangling") == ""
    assert (mine / "unsaved").read_text() == (repo / "unsaved").read_text() == "a person's own"
    assert (git(mine, "status", "--porcelain"), git(repo, "status", "--porcelain")) == ("?? unsaved", "?? unsaved")
    assert (git(mine, "branch", "--show-current"), git(repo, "branch", "--show-current")) == ("other", "main")
    assert len(git(repo, "worktree", "list").splitlines()) == 2
    assert sorted((tmp_path / "home" / "workspaces").iterdir()) == []
    branches = set(git(repo, "branch", "--format=%(refname:short)").splitlines())
    assert branches == {"main", "other"} | {f"volundr/{which.name}" for which, commits, _ in kept if commits}
    for number, one_kept in enumerate(sorted(kept, key=lambda one: one[0].name)):
        _check(repo, tmp_path / f"back-{number}" if number % 20 == 0 else None, *one_kept)


def _check(repo: Path, back: Path | None, which: Session, commits: bool, leaves: bool) -> None:
    """What was done in this session is still there, under the names that were promised."""
    ref, number = f"{SNAPSHOTS}/{which.id}", which.name[2:]
    if leaves:
        assert git(repo, "show", f"{ref}:left") == f"left {number}"
    if commits:
        assert git(repo, "show", f"volundr/{which.name}:made") == number
    if leaves and back is not None:
        git(repo, "worktree", "add", "-q", "--detach", str(back), ref)
        assert (back / "left").read_text() == f"left {number}"


def _commit(place: Path, number: int) -> None:
    (place / "made").write_text(str(number))
    git(place, "add", "-A")
    git(place, "commit", "-q", "-m", f"round {number}")
