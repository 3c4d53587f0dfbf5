"""Workspaces with real git: what is made, what is refused and why, and that nothing anybody did is ever lost."""

import asyncio
from pathlib import Path

import pytest

from tests import repositories
from tests.repositories import GIT_ENV, commit, git, left_over, prepare, refusal, remove, session, trash
from volundr.domain.errors import Invalid, Unavailable
from volundr.domain.sessions.model import EmptySource, GitSource, LocalSource
from volundr.domain.workspaces import Workspace
from volundr.local.git import Git, check_url
from volundr.local.workspaces import MAX_FOLDERS, LocalWorkspaces

repo = repositories.repo
workspaces = repositories.workspaces

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
