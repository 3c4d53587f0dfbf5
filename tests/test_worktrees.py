"""Worktrees with real git: what is made, and that nothing anybody did in one is ever lost."""

import asyncio
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import repositories
from tests.repositories import GIT_ENV, commit, git, left_over, prepare, refusal, remove, session, trash
from volundr.domain.sessions.model import GitSource, LocalSource
from volundr.domain.workspaces import Workspace
from volundr.local.git import Git
from volundr.local.workspaces import LocalWorkspaces

repo = repositories.repo
workspaces = repositories.workspaces


def test_a_worktree_has_a_branch_of_its_own_and_is_found_again(workspaces: LocalWorkspaces, repo: Path) -> None:
    which = session(LocalSource(path=str(repo)))
    asyncio.run(workspaces.check(which.source))
    made = prepare(workspaces, which)
    assert made == Workspace(
        path=str(workspaces.home / "workspaces" / str(which.id)), project=str(repo), branch="volundr/fix-login"
    )
    Path(made.path, "mine").write_text("x")
    assert prepare(workspaces, which) == made
    assert Path(made.path, "mine").exists()
    assert git(repo, "status", "--porcelain") == ""
    assert git(repo, "branch", "--show-current") == "main"


@pytest.mark.parametrize("branch", ["a/b/c", "zweig-ü-日本", "x" * 240, "-dash", "HEAD-like"])
def test_a_worktree_begins_at_any_branch_whatever_its_name(workspaces: LocalWorkspaces, repo: Path, branch: str) -> None:
    start = git(repo, "rev-parse", "HEAD")
    git(repo, "update-ref", f"refs/heads/{branch}", start)
    commit(repo, "later")
    made = prepare(workspaces, session(LocalSource(path=str(repo), branch=branch)))
    assert git(Path(made.path), "rev-parse", "HEAD") == start
    assert made.branch == "volundr/fix-login"


def test_a_worktree_can_begin_at_a_branch_that_only_the_remote_has(
    workspaces: LocalWorkspaces, repo: Path, tmp_path: Path
) -> None:
    git(repo, "branch", "theirs")
    git(tmp_path, "clone", "-q", str(repo), "clone")
    made = prepare(workspaces, session(LocalSource(path=str(tmp_path / "clone"), branch="theirs")))
    assert git(Path(made.path), "rev-parse", "HEAD") == git(repo, "rev-parse", "theirs")


def test_a_subfolder_of_a_repository_is_where_its_session_works(workspaces: LocalWorkspaces, repo: Path) -> None:
    (repo / "packages" / "a").mkdir(parents=True)
    commit(repo, "packages/a/file")
    which = session(LocalSource(path=str(repo / "packages" / "a")))
    made = prepare(workspaces, which)
    assert made.project == str(repo)
    assert Path(made.path, "file").exists()
    assert prepare(workspaces, which) == made


def test_many_sessions_of_one_repository_and_of_one_name_never_share_a_branch(workspaces: LocalWorkspaces, repo: Path) -> None:
    first, second = (prepare(workspaces, session(LocalSource(path=str(repo)))) for _ in range(2))
    assert (first.branch, second.branch) == ("volundr/fix-login", "volundr/fix-login-2")
    from_worktree = prepare(workspaces, session(LocalSource(path=first.path), name="third"))
    assert from_worktree.project == first.project == second.project
    git(repo, "branch", "-m", "main", "trunk")


def test_a_branch_called_volundr_is_no_obstacle(workspaces: LocalWorkspaces, repo: Path) -> None:
    git(repo, "branch", "volundr")
    assert prepare(workspaces, session(LocalSource(path=str(repo)))).branch == "volundr-fix-login"


def test_a_worktree_deleted_by_hand_comes_back_on_its_branch_with_its_commits(workspaces: LocalWorkspaces, repo: Path) -> None:
    which = session(LocalSource(path=str(repo)))
    made = prepare(workspaces, which)
    done = commit(Path(made.path), "done")
    subprocess.run(["rm", "-rf", made.path], check=True)
    again = prepare(workspaces, session(which.source, id=which.id, branch=made.branch))
    assert again == made
    assert git(Path(made.path), "rev-parse", "HEAD") == done


@pytest.mark.parametrize("mode", ["worktree", "in_place"])
def test_a_folder_that_cannot_be_worked_in_is_refused_with_the_reason(
    workspaces: LocalWorkspaces, tmp_path: Path, mode: Any
) -> None:
    (tmp_path / "file").write_text("")
    for path, why in (
        (str(tmp_path / "missing"), "There is no folder"),
        (str(tmp_path / "file"), "is a file, not a folder"),
        ("relative", "not a whole path"),
        ("/x\0y", "not a whole path"),
        ("/" + "x" * 5000, "cannot be opened"),
    ):
        assert why in str(refusal(workspaces, LocalSource(path=path, mode=mode)))


def test_a_folder_that_may_not_be_read_or_written_is_refused(workspaces: LocalWorkspaces, tmp_path: Path) -> None:
    for name, mode, why in (("closed", 0o000, "You may not read"), ("fixed", 0o555, "You may not write")):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(mode)
        source = LocalSource(path=str(tmp_path / name), mode="in_place")
        script = f"""
import asyncio, concurrent.futures.thread, os, pathlib
from volundr.local.workspaces import LocalWorkspaces
from volundr.domain.sessions.model import LocalSource
if os.geteuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)  # root may everything
try: asyncio.run(LocalWorkspaces(home=pathlib.Path('/')).check(LocalSource(path={source.path!r}, mode='in_place')))
except Exception as error: print(type(error).__name__, error)
"""
        for folder in [tmp_path, *list(tmp_path.parents)[:-2]]:
            folder.chmod(folder.stat().st_mode | stat.S_IXOTH | stat.S_IXGRP)
        said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
        assert said.startswith(f"Invalid {why}")


def test_a_worktree_needs_a_repository_with_a_commit_and_the_branch(
    workspaces: LocalWorkspaces, repo: Path, tmp_path: Path
) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    said = refusal(workspaces, LocalSource(path=str(plain)))
    assert "not in a git repository" in str(said)
    assert "git init" in said.hint
    git(plain, "init", "-q")
    assert "no commit yet" in str(refusal(workspaces, LocalSource(path=str(plain))))
    said = refusal(workspaces, LocalSource(path=str(repo), branch="mian"))
    assert "no branch 'mian'" in str(said)
    assert said.hint == "There is: main."


@pytest.mark.parametrize("branch", ["--help", "@{-1}", "main~1", "a b", "..", "HEAD", ":/x"])
def test_a_branch_name_is_never_an_expression_nor_an_option(workspaces: LocalWorkspaces, repo: Path, branch: str) -> None:
    commit(repo, "second")
    assert "There is no branch" in str(refusal(workspaces, LocalSource(path=str(repo), branch=branch)))
    assert "There is no branch" in str(refusal(workspaces, GitSource(url=str(repo), branch=branch)))


def test_a_clean_worktree_goes_with_its_branch(workspaces: LocalWorkspaces, repo: Path) -> None:
    before = git(repo, "for-each-ref")
    which = session(LocalSource(path=str(repo)))
    prepare(workspaces, which)
    remove(workspaces, which)
    remove(workspaces, which)
    assert git(repo, "for-each-ref") == before
    assert len(git(repo, "worktree", "list").splitlines()) == 1
    assert (left_over(workspaces), trash(workspaces)) == ([], [])


def test_uncommitted_work_of_a_worktree_is_kept_as_a_snapshot_of_its_repository(workspaces: LocalWorkspaces, repo: Path) -> None:
    (repo / "staged by me").write_text("x")
    git(repo, "add", "staged by me")
    which = session(LocalSource(path=str(repo)))
    place = Path(prepare(workspaces, which).path)
    done = commit(place, "done")
    (place / "README").write_text("changed")
    (place / "new ü").write_text("new")
    (place / "done").unlink()
    remove(workspaces, which)
    kept = f"refs/volundr/snapshots/{which.id}"
    assert git(repo, "show", f"{kept}:README") == "changed"
    assert git(repo, "show", f"{kept}:new ü") == "new"
    assert git(repo, "rev-parse", f"{kept}^", "volundr/fix-login") == f"{done}\n{done}"
    assert "done" not in git(repo, "ls-tree", "--name-only", kept).splitlines()
    assert git(repo, "status", "--porcelain") == 'A  "staged by me"'
    assert left_over(workspaces) == []


def test_committed_work_stays_on_its_branch_and_the_next_session_gets_another(workspaces: LocalWorkspaces, repo: Path) -> None:
    which = session(LocalSource(path=str(repo)))
    done = commit(Path(prepare(workspaces, which).path), "done")
    remove(workspaces, which)
    assert git(repo, "rev-parse", "volundr/fix-login", f"refs/volundr/snapshots/{which.id}") == f"{done}\n{done}"
    assert prepare(workspaces, session(LocalSource(path=str(repo)))).branch == "volundr/fix-login-2"


def test_a_branch_of_the_persons_that_the_agent_switched_to_is_not_deleted(workspaces: LocalWorkspaces, repo: Path) -> None:
    git(repo, "branch", "precious")
    which = session(LocalSource(path=str(repo)))
    place = Path(prepare(workspaces, which).path)
    git(place, "switch", "-q", "precious")
    remove(workspaces, which)
    assert git(repo, "rev-parse", "precious") == git(repo, "rev-parse", "main")


def test_work_on_a_detached_head_is_kept(workspaces: LocalWorkspaces, repo: Path) -> None:
    which = session(LocalSource(path=str(repo)))
    place = Path(prepare(workspaces, which).path)
    git(place, "switch", "-q", "--detach")
    done = commit(place, "done")
    remove(workspaces, which)
    assert git(repo, "rev-parse", f"refs/volundr/snapshots/{which.id}") == done


def test_a_repository_inside_a_worktree_is_moved_to_the_trash_with_it_and_still_works(
    workspaces: LocalWorkspaces, repo: Path
) -> None:
    which = session(LocalSource(path=str(repo)))
    place = Path(prepare(workspaces, which).path)
    (place / "inner").mkdir()
    git(place / "inner", "init", "-q", "-b", "main")
    commit(place / "inner", "work")
    remove(workspaces, which)
    assert left_over(workspaces) == []
    assert git(trash(workspaces)[0], "status", "--porcelain") == "?? inner/"
    assert git(trash(workspaces)[0] / "inner", "log", "--format=%s") == "work"


def test_a_worktree_whose_repository_is_gone_is_kept_in_the_trash(workspaces: LocalWorkspaces, repo: Path) -> None:
    which = session(LocalSource(path=str(repo)))
    Path(prepare(workspaces, which).path, "work").write_text("x")
    subprocess.run(["rm", "-rf", str(repo)], check=True)
    remove(workspaces, which)
    assert left_over(workspaces) == []
    assert (trash(workspaces)[0] / "work").read_text() == "x"


def test_an_unfinished_worktree_is_made_anew(workspaces: LocalWorkspaces, repo: Path) -> None:
    which = session(LocalSource(path=str(repo)))
    made = prepare(workspaces, which)
    Path(git(Path(made.path), "rev-parse", "--absolute-git-dir"), "locked").write_text("initializing")
    subprocess.run(["rm", str(Path(made.path, "README"))], check=True)
    again = prepare(workspaces, session(which.source, id=which.id, branch=made.branch))
    assert again == made
    assert Path(made.path, "README").exists()


def test_twenty_worktrees_removed_while_another_commits_leave_a_sound_repository(workspaces: LocalWorkspaces, repo: Path) -> None:
    busy = session(LocalSource(path=str(repo)), name="busy")
    place = Path(prepare(workspaces, busy).path)
    commits = 0

    async def main() -> None:
        nonlocal commits
        over = False

        async def work() -> None:
            nonlocal commits
            while not over:
                await asyncio.to_thread(commit, place, f"file-{commits}")
                commits += 1

        async def rounds() -> None:
            nonlocal over
            try:
                for number in range(20):
                    which = session(LocalSource(path=str(repo)), name=f"round-{number}")
                    made = await workspaces.prepare(which)
                    Path(made.path, "untracked").write_text(str(number))
                    await workspaces.remove(which)
            finally:
                over = True

        async with asyncio.TaskGroup() as group:
            group.create_task(work())
            group.create_task(rounds())

    asyncio.run(main())
    assert git(repo, "fsck", "--full", "--strict", "--no-dangling") == ""
    assert len(git(place, "log", "--oneline").splitlines()) == commits + 1
    assert len(git(repo, "for-each-ref", "refs/volundr/snapshots").splitlines()) == 20
    assert len(git(repo, "worktree", "list").splitlines()) == 2
    assert git(repo, "branch", "--format=%(refname:short)").splitlines() == ["main", "volundr/busy"]


def test_a_hook_of_the_repository_does_not_run_and_gits_own_variables_do_not_mislead(
    workspaces: LocalWorkspaces, repo: Path, tmp_path: Path
) -> None:
    hook = repo / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {str(tmp_path / 'ran')!r}\nexit 1\n")
    hook.chmod(0o755)
    mislead = LocalWorkspaces(home=workspaces.home, git=Git(env={**GIT_ENV, "GIT_DIR": "/nowhere", "GIT_WORK_TREE": "/nowhere"}))
    prepare(mislead, session(LocalSource(path=str(repo))))
    assert not (tmp_path / "ran").exists()
