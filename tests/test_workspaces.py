"""Workspaces with real git: what is made, what is refused and why, and that nothing anybody did is ever lost."""

import asyncio
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from volundr.domain.errors import Invalid, Unavailable
from volundr.domain.sessions.model import EmptySource, GitSource, LocalSource, Session, Source
from volundr.domain.workspaces import Workspace
from volundr.local.git import Git, check_url
from volundr.local.workspaces import MAX_FOLDERS, LocalWorkspaces

GIT_ENV = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "T",
    "GIT_AUTHOR_EMAIL": "t@localhost",
    "GIT_COMMITTER_NAME": "T",
    "GIT_COMMITTER_EMAIL": "t@localhost",
}


def git(folder: Path, *argv: str, check: bool = True) -> str:
    done = subprocess.run(["git", *argv], cwd=folder, env=GIT_ENV, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout.strip()


def commit(folder: Path, name: str, text: str = "text") -> str:
    (folder / name).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", name)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "my répo"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "README")
    return folder


@pytest.fixture
def workspaces(tmp_path: Path) -> LocalWorkspaces:
    (tmp_path / "home").mkdir()
    return LocalWorkspaces(home=tmp_path / "home", git=Git(env=GIT_ENV))


def session(source: Source, name: str = "fix-login", **more: Any) -> Session:
    return Session(name=name, agent="demo", source=source, **more)


def prepare(workspaces: LocalWorkspaces, which: Session) -> Workspace:
    return asyncio.run(workspaces.prepare(which))


def remove(workspaces: LocalWorkspaces, which: Session) -> None:
    asyncio.run(workspaces.remove(which))


def refusal(workspaces: LocalWorkspaces, source: Source) -> Invalid | Unavailable:
    """Why this source is refused: at creation, and again when a session starts, with nothing left behind."""
    with pytest.raises((Invalid, Unavailable)) as early:
        asyncio.run(workspaces.check(source))
    with pytest.raises((Invalid, Unavailable)) as late:
        prepare(workspaces, session(source))
    assert str(early.value) == str(late.value)
    assert left_over(workspaces) == []
    return early.value


def left_over(workspaces: LocalWorkspaces) -> list[str]:
    folder = workspaces.home / "workspaces"
    return sorted(os.listdir(folder)) if folder.exists() else []


def trash(workspaces: LocalWorkspaces) -> list[Path]:
    folder = workspaces.home / "trash"
    return sorted(folder.iterdir()) if folder.exists() else []


# Empty


def test_an_empty_workspace_is_a_repository_and_is_found_again(workspaces: LocalWorkspaces) -> None:
    which = session(EmptySource())
    made = prepare(workspaces, which)
    Path(made.path, "work").write_text("x")
    assert prepare(workspaces, which) == made
    assert Path(made.path) == workspaces.home / "workspaces" / str(which.id)
    assert git(Path(made.path), "status", "--porcelain") == "?? work"


def test_an_empty_workspace_that_stayed_empty_goes_and_one_with_files_is_kept_in_the_trash(workspaces: LocalWorkspaces) -> None:
    unused, used = session(EmptySource()), session(EmptySource())
    prepare(workspaces, unused)
    Path(prepare(workspaces, used).path, "work").write_text("x")
    for which in (unused, used, used):
        remove(workspaces, which)
    assert left_over(workspaces) == []
    assert [(kept.name, (kept / "work").read_text()) for kept in trash(workspaces)] == [(f"fix-login-{used.id}", "x")]


def test_an_empty_workspace_needs_no_git(tmp_path: Path) -> None:
    without = LocalWorkspaces(home=tmp_path, git=Git(program="no-such-git", env=GIT_ENV))
    which = session(EmptySource())
    assert Path(prepare(without, which).path).is_dir()
    remove(without, which)
    with pytest.raises(Unavailable, match="git is not installed"):
        asyncio.run(without.check(GitSource(url="https://localhost/x.git")))


# Clones


def test_a_clone_of_a_branch_and_its_second_start(workspaces: LocalWorkspaces, repo: Path) -> None:
    for branch in ("feature/ünï/x", "b" * 230):
        git(repo, "branch", branch)
        which = session(GitSource(url=str(repo), branch=branch))
        asyncio.run(workspaces.check(which.source))
        made = prepare(workspaces, which)
        assert (made.branch, made.project) == (branch, str(repo))
        Path(made.path, "mine").write_text("x")
        assert prepare(workspaces, which) == made
        assert Path(made.path, "mine").exists()


def test_a_clone_without_a_branch_takes_the_default_one_and_a_file_url_works(workspaces: LocalWorkspaces, repo: Path) -> None:
    made = prepare(workspaces, session(GitSource(url=f"file://{repo}/.git")))
    assert made.branch == "main"


def test_a_missing_branch_of_a_remote_names_the_ones_there_are(workspaces: LocalWorkspaces, repo: Path) -> None:
    for number in range(30):
        git(repo, "branch", f"topic-{number:02}")
    said = refusal(workspaces, GitSource(url=str(repo), branch="tpoic-1"))
    assert "no branch 'tpoic-1'" in str(said)
    assert "main, topic-00" in said.hint
    assert "and 11 more" in said.hint


@pytest.mark.parametrize(
    "url",
    [
        "",
        " https://host/x",
        "-u/x",
        "--upload-pack=touch /tmp/x",
        "ext::sh -c 'touch /tmp/x'",
        "fd::17/x",
        "transport::address",
        "ssh://-oProxyCommand=touch/x",
        "ssh://git@-oProxyCommand=touch/x",
        "-oProxyCommand=x:path",
        "git@-oProxyCommand=x:path",
        "javascript://x",
        "https://",
        "https:///path",
        "relative/path",
        "host.xz",
        "https://host/a\nb",
        "ftp://host/x",
    ],
)
def test_a_url_that_could_be_a_trick_is_refused(url: str) -> None:
    with pytest.raises(Invalid):
        check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://host/o/n.git",
        "http://localhost:3000/o/n",
        "ssh://git@host:22/o/n",
        "git://host/n",
        "git@host:o/n.git",
        "host:o/n",
        "https://me@host/o/n",
        "/srv/git/n.git",
        "file:///srv/n",
        "https://[::1]:8/n",
    ],
)
def test_a_plain_url_is_taken(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize("url", ["https://me:hunter2@host/x", "https://ghp_abc123@host/x", "ssh://me:pw@host/x"])
def test_a_url_with_a_secret_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_url(url)
    assert "hunter2" not in str(refused.value) + refused.value.hint
    assert "credential helper" in refused.value.hint


def test_a_remote_that_fails_is_told_in_gits_own_words_with_a_way_out(workspaces: LocalWorkspaces, tmp_path: Path) -> None:
    said = refusal(workspaces, GitSource(url=str(tmp_path / "nothing")))
    assert "does not appear to be a git repository" in str(said) or "does not exist" in str(said)
    assert "Check the URL" in said.hint
    said = refusal(workspaces, GitSource(url="http://127.0.0.1:1/x.git"))
    assert isinstance(said, Unavailable)
    assert "Failed to connect" in str(said) or "refused" in str(said)


def test_a_remote_that_wants_a_password_fails_at_once_and_asks_nobody(workspaces: LocalWorkspaces) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b'HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic realm="x"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'
        )
        writer.close()

    async def main() -> Invalid:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/private.git"
        async with server:
            with pytest.raises(Invalid) as refused:
                await workspaces.check(GitSource(url=url))
        return refused.value

    said = asyncio.run(main())
    assert "could not read Username" in str(said)
    assert "sign in" in said.hint


def test_a_remote_that_hangs_is_given_up_and_leaves_nothing_running(workspaces: LocalWorkspaces) -> None:
    gone = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        gone.set()
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        url = f"git://127.0.0.1:{server.sockets[0].getsockname()[1]}/x"
        async with server:
            with pytest.raises(Unavailable, match="did not end in time"):
                await workspaces.git("ls-remote", "--", url, deadline=0.3)
            with pytest.raises(Unavailable, match="did not end in time"):
                await workspaces.git("clone", "--progress", "--", url, str(workspaces.home / "x"), quiet=0.3)
            async with asyncio.timeout(3):
                await gone.wait()

    asyncio.run(main())


def test_a_clone_that_is_cut_off_leaves_nothing_and_works_the_next_time(
    workspaces: LocalWorkspaces, repo: Path, tmp_path: Path
) -> None:
    which = session(GitSource(url=str(repo)))
    slow = tmp_path / "slow-git"
    slow.write_text(f"""#!/bin/sh
case "$*" in *clone*) git "$@"; touch {str(tmp_path / "cloning")!r}; sleep 60;; *) exec git "$@";; esac
""")
    slow.chmod(0o755)

    async def cut() -> None:
        at_work = asyncio.get_running_loop().create_task(
            LocalWorkspaces(home=workspaces.home, git=Git(program=str(slow), env=GIT_ENV)).prepare(which)
        )
        async with asyncio.timeout(5):
            while not (tmp_path / "cloning").exists():
                await asyncio.sleep(0.005)
        at_work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await at_work

    asyncio.run(cut())
    assert left_over(workspaces) == []
    assert Path(prepare(workspaces, which).path, "README").exists()


def test_a_clone_with_nothing_of_its_own_is_deleted(workspaces: LocalWorkspaces, repo: Path) -> None:
    which = session(GitSource(url=str(repo)))
    prepare(workspaces, which)
    remove(workspaces, which)
    remove(workspaces, which)
    assert (left_over(workspaces), trash(workspaces)) == ([], [])


@pytest.mark.parametrize("work", ["untracked", "changed", "committed", "stashed", "other branch"])
def test_a_clone_with_work_of_its_own_goes_to_the_trash(workspaces: LocalWorkspaces, repo: Path, work: str) -> None:
    which = session(GitSource(url=str(repo)))
    place = Path(prepare(workspaces, which).path)
    if work == "untracked":
        (place / "new").write_text("x")
    elif work == "committed":
        commit(place, "new")
    elif work == "other branch":
        git(place, "switch", "-qc", "side")
        commit(place, "new")
        git(place, "switch", "-q", "main")
    else:
        (place / "README").write_text("changed")
        if work == "stashed":
            git(place, "stash", "-q")
    remove(workspaces, which)
    assert left_over(workspaces) == []
    assert len(trash(workspaces)) == 1


# Worktrees


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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not read a folder")
def test_a_folder_that_may_not_be_read_or_written_is_refused(workspaces: LocalWorkspaces, tmp_path: Path) -> None:
    for name, mode, why in (("closed", 0o000, "You may not read"), ("fixed", 0o555, "You may not write")):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(mode)
        source = LocalSource(path=str(tmp_path / name), mode="in_place")
        script = f"""
import asyncio, concurrent.futures.thread, os, pathlib
from volundr.local.workspaces import LocalWorkspaces
from volundr.domain.sessions.model import LocalSource
os.setuid(65534)
try: asyncio.run(LocalWorkspaces(home=pathlib.Path('/')).check(LocalSource(path={source.path!r}, mode='in_place')))
except Exception as error: print(type(error).__name__, error)
"""
        for folder in [tmp_path, *list(tmp_path.parents)[:-2]]:
            folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
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


# In place


def test_a_folder_in_place_is_used_as_it_is_and_never_deleted(workspaces: LocalWorkspaces, repo: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    for folder, branch in ((repo, "main"), (tmp_path / "plain", "")):
        which = session(LocalSource(path=str(folder), mode="in_place"))
        asyncio.run(workspaces.check(which.source))
        made = prepare(workspaces, which)
        assert made == Workspace(path=str(folder), project=str(folder), branch=branch)
        (folder / "work").write_text("x")
        remove(workspaces, which)
        assert (folder / "work").exists()


def test_a_folder_in_place_is_not_switched_to_another_branch(workspaces: LocalWorkspaces, repo: Path) -> None:
    git(repo, "branch", "other")
    said = refusal(workspaces, LocalSource(path=str(repo), mode="in_place", branch="other"))
    assert "is on the branch 'main', not 'other'" in str(said)


# The folder picker


def test_the_picker_lists_folders_hidden_ones_last(workspaces: LocalWorkspaces, repo: Path, tmp_path: Path) -> None:
    for name in (".hidden", "Zebra", "apple"):
        (tmp_path / "pick" / name).mkdir(parents=True)
    (tmp_path / "pick" / "file").write_text("")
    (tmp_path / "pick" / "loop").symlink_to("loop")
    (tmp_path / "pick" / "repo").symlink_to(repo)
    listing = asyncio.run(workspaces.folders(str(tmp_path / "pick")))
    assert [(folder.name, folder.is_repo) for folder in listing.folders] == [
        ("apple", False),
        ("repo", True),
        ("Zebra", False),
        (".hidden", False),
    ]
    assert (listing.parent, listing.is_repo, listing.more) == (str(tmp_path), False, False)
    assert asyncio.run(workspaces.folders("/")).parent is None
    with pytest.raises(Invalid, match="There is no folder"):
        asyncio.run(workspaces.folders(str(tmp_path / "missing")))


def test_the_picker_stops_at_a_thousand(workspaces: LocalWorkspaces, tmp_path: Path) -> None:
    for number in range(MAX_FOLDERS + 1):
        (tmp_path / "many" / f"{number:04}").mkdir(parents=True)
    listing = asyncio.run(workspaces.folders(str(tmp_path / "many")))
    assert (len(listing.folders), listing.more) == (MAX_FOLDERS, True)
