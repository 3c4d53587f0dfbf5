"""Worktrees of a person's repository: added on a branch of their own, and removed without losing what was done in them."""

import asyncio
import fcntl
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from volundr.domain.errors import Invalid, Unavailable
from volundr.local.git import Git, GitFailed

SNAPSHOTS = "refs/volundr/snapshots"
SHOWN_BRANCHES = 20
_AUTHOR = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Volundr"), ("EMAIL", "volundr@localhost"))
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A repository as seen from one of its folders. `common` is where all its worktrees keep objects and branches."""

    folder: Path
    common: Path
    prefix: str

    @property
    def root(self) -> str:
        """What names this repository whichever of its folders or worktrees one came from."""
        return str(self.common.parent if self.common.name == ".git" else self.common)


LOOK_SECONDS = 0.02
TURN_SECONDS = 900.0


@asynccontextmanager
async def _alone(common: Path) -> AsyncIterator[None]:
    """One change of a repository's list of worktrees at a time, over all processes of ours.

    git itself does not keep them apart: one that reads the list while another is being made or removed dies of what it finds
    ("failed to read worktrees/…/commondir"). Nothing is written for it: the lock is on the folder itself, and each holder opens
    that anew, so it keeps tasks of one process apart too.
    """
    folder = os.open(common, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        await _turn(folder, common)
        yield
    finally:
        os.close(folder)


async def _turn(folder: int, common: Path) -> None:
    """Wait for it. Raises Unavailable."""
    try:
        async with asyncio.timeout(TURN_SECONDS):
            while not _locked(folder):  # noqa: ASYNC110 - whoever holds it tells nobody
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError as error:
        raise Unavailable(
            f"Other sessions work on the worktrees of {common} all the time.", hint="Try it again when git is done there."
        ) from error


def _locked(folder: int) -> bool:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def repository(git: Git, folder: Path) -> Repository | None:
    """The repository that this folder is in; None if it is in none. Raises Invalid when git refuses to look."""
    try:
        found = await git("rev-parse", "--path-format=absolute", "--git-common-dir", "--show-prefix", cwd=folder)
    except GitFailed as failed:
        if "not a git repository" in str(failed):
            return None
        hint = "Run the command that git names if you trust this folder." if "dubious ownership" in str(failed) else ""
        raise Invalid(f"git refuses to work in {folder}:\n{failed}", hint=hint) from failed
    common, _, prefix = found.partition("\n")
    return Repository(folder=folder, common=Path(common), prefix=prefix.rstrip("\n"))


async def start_point(git: Git, source: Repository, branch: str) -> str:
    """The commit that a new worktree begins with. Raises Invalid when there is none."""
    if branch:
        for ref in (f"refs/heads/{branch}", f"refs/remotes/origin/{branch}", f"refs/tags/{branch}"):
            found = await git.line("show-ref", "--verify", "--hash", ref, cwd=source.folder)  # a name, never an expression
            if found:
                return await git.line("rev-parse", "--verify", f"{found}^{{commit}}", cwd=source.folder)
        names = await git.line(
            "for-each-ref", "--format=%(refname:lstrip=2)", "--sort=-committerdate", "refs/heads", cwd=source.folder
        )
        raise no_branch(branch, source.root, names.splitlines())
    commit = await git.line("rev-parse", "--verify", "--quiet", "HEAD^{commit}", cwd=source.folder)
    if not commit:
        raise Invalid(
            f"The repository {source.root} has no commit yet, so no worktree can be made of it.",
            hint="Make a first commit, or work in the folder itself (in place).",
        )
    return commit


def no_branch(branch: str, where: str, names: Sequence[str]) -> Invalid:
    there = ", ".join(names[:SHOWN_BRANCHES]) + (
        f" and {len(names) - SHOWN_BRANCHES} more" if len(names) > SHOWN_BRANCHES else ""
    )
    return Invalid(
        f"There is no branch {branch!r} in {where}.", hint=f"There is: {there}." if there else "It has no branches yet."
    )


async def add(git: Git, source: Repository, path: Path, commit: str, wanted: str) -> str:
    """A worktree at `path` on the branch `wanted`, or one with a number after it if that is taken. Returns the branch."""
    async with _alone(source.common):
        return await _added(git, source, path, commit, await _free_branch(git, source, wanted))


async def _added(git: Git, source: Repository, path: Path, commit: str, branch: str) -> str:
    argv = ("worktree", "add", "--force", "--no-track", "-b", branch, "--", str(path), commit)
    try:
        await git(*argv, cwd=source.folder, deadline=600)
    except GitFailed as failed:
        raise Invalid(f"git cannot make a worktree of {source.root}:\n{failed}") from failed
    return branch


async def bring_back(git: Git, source: Repository, path: Path, branch: str) -> bool:
    """Check an existing branch out at `path` again: its worktree was deleted by hand. False when the branch is gone or in use."""
    if not branch or not await _exists(git, source, branch):
        return False
    try:
        async with _alone(source.common):
            await git("worktree", "add", "--force", "--", str(path), branch, cwd=source.folder, deadline=600)
    except GitFailed:
        return False
    return True


async def _free_branch(git: Git, source: Repository, wanted: str) -> str:
    if await _exists(git, source, wanted.partition("/")[0]):
        wanted = wanted.replace("/", "-")  # `volundr` being a branch, none can be called `volundr/…`
    number, branch = 1, wanted
    while await _exists(git, source, branch):
        number += 1
        branch = f"{wanted}-{number}"
    return branch


async def _exists(git: Git, source: Repository, branch: str) -> bool:
    return await git.says_yes("show-ref", "--verify", "--quiet", f"refs/heads/{branch}", cwd=source.folder)


async def is_whole(git: Git, path: Path) -> bool:
    """Whether a worktree begins at this very folder, and was made to its end."""
    up = await git("rev-parse", "--show-cdup", cwd=path) if await repository(git, path) else "../"
    return up.strip() == "" and not await is_initializing(git, path)


async def is_initializing(git: Git, path: Path) -> bool:
    """Whether the making of this worktree was cut off: git locks one with that word until it is done."""
    folder = await git.line("rev-parse", "--absolute-git-dir", cwd=path)
    return bool(folder) and _lock_says(Path(folder) / "locked") == "initializing"


def _lock_says(lock: Path) -> str:
    return lock.read_text().strip() if lock.is_file() else ""


async def remove(git: Git, path: Path, made: str, snapshot: str) -> bool:
    """Remove a worktree; what was done in it stays in its repository.

    Commits stay on the branch `made`, which goes only when it holds nothing of its own. What is on no other branch or was not
    committed also stays as `refs/volundr/snapshots/<snapshot>`. What git ignores goes. False when there is something git cannot
    keep (a repository inside this one): then nothing was removed.
    """
    source = await repository(git, path)
    if source is None:
        return False
    branch = await git.line("symbolic-ref", "--short", "--quiet", "HEAD", cwd=path)
    head = await git.line("rev-parse", "--verify", "--quiet", "HEAD^{commit}", cwd=path)
    kept = await _keep(git, path, head, "Work of a deleted Volundr session that was not committed")
    if kept is None:
        return False
    others = [f"--exclude={made}", "--branches", "--remotes", "--tags"]
    unique = bool(head) and bool(await git.line("rev-list", "--max-count=1", head, "--not", *others, cwd=path))
    if kept and (kept != head or unique):
        await git("update-ref", f"{SNAPSHOTS}/{snapshot}", kept, cwd=path)
    async with _alone(source.common):
        await git("worktree", "remove", "--force", "--force", "--", str(path), cwd=source.common, deadline=600)
    if branch == made and head and not unique:
        await git.line("update-ref", "-d", f"refs/heads/{made}", head, cwd=source.common)
    return True


async def snapshot(git: Git, path: Path, name: str) -> str | None:
    """Keep all that is in this repository's folder now as `refs/volundr/snapshots/<name>`, which is returned.

    None when there is something that git cannot keep, or nothing at all. What git ignores is not kept.
    """
    head = await git.line("rev-parse", "--verify", "--quiet", "HEAD^{commit}", cwd=path)
    kept = await _keep(git, path, head, "Snapshot of a Volundr session")
    if not kept:
        return None
    await git("update-ref", f"{SNAPSHOTS}/{name}", kept, cwd=path)
    return f"{SNAPSHOTS}/{name}"


async def _keep(git: Git, path: Path, head: str, message: str) -> str | None:
    """A commit of all that is in this worktree, untracked files too; `head` when that is all; None when git cannot."""
    if not await git("status", "--porcelain", "--untracked-files=all", cwd=path, deadline=300):
        return head
    folder = Path((await git("rev-parse", "--absolute-git-dir", cwd=path)).rstrip("\n"))
    index = folder / "volundr-snapshot-index"
    env = {"GIT_INDEX_FILE": str(index)} | _AUTHOR
    try:
        with suppress(FileNotFoundError):  # a copy knows which files did not change: they need not be read again
            await asyncio.to_thread(shutil.copyfile, folder / "index", index)
        await git("-c", "advice.addEmbeddedRepo=false", "add", "--all", cwd=path, env=env, deadline=600)
        against = head or await git("hash-object", "-t", "tree", "/dev/null", cwd=path)
        changes = await git("diff-index", "--cached", "--raw", "--no-renames", against.strip(), cwd=path, env=env)
        if any(change.split(" ", 2)[1] == "160000" for change in changes.splitlines()):
            return None
        tree = (await git("write-tree", cwd=path, env=env)).strip()
        parent = ["-p", head] if head else []
        return (await git("commit-tree", tree, *parent, "-m", message, cwd=path, env=env)).strip()
    finally:
        for leftover in (index, index.with_name(index.name + ".lock")):
            leftover.unlink(missing_ok=True)


async def forget(git: Git, source: Repository, path: Path) -> None:
    """Take a worktree whose folder is gone or half made off its repository's list; no other one, however stale it looks."""
    async with _alone(source.common):
        await git.line("worktree", "remove", "--force", "--force", "--", str(path), cwd=source.common)
    await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)
