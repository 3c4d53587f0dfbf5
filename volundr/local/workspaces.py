"""Workspaces on this machine: clones, worktrees, folders in place and empty ones, and the listing of the folder picker."""

import asyncio
import logging
import os
import shutil
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from weakref import WeakValueDictionary

from volundr.domain.errors import Invalid, Unavailable
from volundr.domain.sessions.model import EmptySource, GitSource, LocalSource, Session, Source
from volundr.domain.workspaces import Folder, FolderListing, Workspace, Workspaces
from volundr.local import worktrees
from volundr.local.git import QUIET_SECONDS, REMOTE_SECONDS, Git, GitFailed, check_url, remote_error

log = logging.getLogger(__name__)

MAX_FOLDERS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalWorkspaces(Workspaces):
    """Everything made here lies in `<home>/workspaces/<session id>`; what must not be lost goes to `<home>/trash`."""

    home: Path
    git: Git = field(default_factory=Git)
    _locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary, init=False, repr=False)

    async def check(self, source: Source) -> None:
        match source:
            case GitSource():
                await self._check_remote(source)
            case LocalSource():
                folder = await asyncio.to_thread(_folder, source.path)
                if source.mode == "worktree":
                    await worktrees.start_point(self.git, await self._repository(folder), source.branch)
                else:
                    await self._check_in_place(folder, source)
            case EmptySource():
                pass

    async def prepare(self, session: Session) -> Workspace:
        async with self.held(session):
            place = self.place(session)
            await asyncio.to_thread(_make_parent, place)
            match session.source:
                case GitSource() as source:
                    return await self._clone(source, place)
                case LocalSource(mode="worktree") as source:
                    return await self._worktree(session, source, place)
                case LocalSource() as source:
                    return await self._in_place(source)
                case EmptySource():
                    return await self._empty(place)

    async def remove(self, session: Session) -> None:
        async with self.held(session):
            await self.take_away(session)

    async def take_away(self, session: Session) -> Path | None:
        """Remove it; whoever calls holds it. Returns the folder in the trash, where that was the way to keep what is in it."""
        place, kept = self.place(session), None
        match session.source:
            case LocalSource(mode="in_place"):
                return None
            case LocalSource() as source:
                kept = await self._remove_worktree(session, source, place)
            case _:
                if _is_there(place) and await self._has_work(place):
                    kept = await self._to_trash(session, place)
        await asyncio.to_thread(_delete, place)
        return kept

    async def folders(self, path: str) -> FolderListing:
        return await asyncio.to_thread(_listing, path)

    def place(self, session: Session) -> Path:
        return self.home / "workspaces" / str(session.id)

    def held(self, session: Session) -> asyncio.Lock:
        """Nobody else here makes or removes this session's workspace while it is held."""
        return self._locks.setdefault(str(session.id), asyncio.Lock())

    # A clone

    async def _check_remote(self, source: GitSource) -> None:
        check_url(source.url)
        wanted = [f"refs/tags/{source.branch}"] if source.branch else []
        env = await self.git.unattended()
        argv = ("ls-remote", "--", source.url, "refs/heads/*", *wanted)
        try:
            said = await self.git(*argv, env=env, cwd=self.home, deadline=REMOTE_SECONDS)
        except GitFailed as failed:
            raise remote_error(source.url, failed) from failed
        refs = [line.partition("\t")[2] for line in said.splitlines()]
        if source.branch and not {f"refs/heads/{source.branch}", f"refs/tags/{source.branch}"} & set(refs):
            names = [ref.removeprefix("refs/heads/") for ref in refs if ref.startswith("refs/heads/")]
            raise worktrees.no_branch(source.branch, source.url, names)

    async def _clone(self, source: GitSource, place: Path) -> Workspace:
        if not _is_there(place / ".git"):
            await self._check_remote(source)
            fresh = place.with_name(f".{place.name}.new")
            branch = [f"--branch={source.branch}"] if source.branch else []
            env = await self.git.unattended()
            await asyncio.to_thread(_delete, fresh)
            try:
                argv = ("clone", "--progress", *branch, "--", source.url, str(fresh))
                await self.git(*argv, cwd=self.home, env=env, quiet=QUIET_SECONDS)
                await asyncio.to_thread(fresh.rename, place)
            except GitFailed as failed:
                raise remote_error(source.url, failed) from failed
            except OSError as error:
                raise Unavailable(f"The clone cannot be put in {place}: {error.strerror}.") from error
            finally:
                await asyncio.to_thread(_delete, fresh)
        project = source.url.rstrip("/").removesuffix(".git")
        return Workspace(path=str(place), project=project, branch=await self._branch(place))

    async def _has_work(self, place: Path) -> bool:
        """Whether something in here is nowhere else. What cannot be asked counts as work."""
        if not _is_there(place / ".git"):
            return not _is_empty(place)
        own = [ref for ref in ("HEAD", "refs/stash") if await self.git.line("rev-parse", "--verify", "--quiet", ref, cwd=place)]
        local = [*own, "--branches", "--tags"]
        try:
            if await self.git("status", "--porcelain", "--untracked-files=all", cwd=place):
                return True
            return bool(await self.git("rev-list", "--max-count=1", *local, "--not", "--remotes", cwd=place))
        except (GitFailed, Unavailable, Invalid):
            return True

    # A worktree

    async def _worktree(self, session: Session, source: LocalSource, place: Path) -> Workspace:
        repo = await self._repository(await asyncio.to_thread(_folder, source.path))
        if _is_there(place) and not await worktrees.is_whole(self.git, place):
            await self._discard_half(session, repo, place)
        if not _is_there(place) and not await worktrees.bring_back(self.git, repo, place, session.branch):
            commit = await worktrees.start_point(self.git, repo, source.branch)
            try:
                await worktrees.add(self.git, repo, place, commit, f"volundr/{session.name}")
            except BaseException:
                await asyncio.shield(worktrees.forget(self.git, repo, place))
                raise
        inside = place / repo.prefix
        path = inside if repo.prefix and inside.is_dir() else place
        return Workspace(path=str(path), project=repo.root, branch=await self._branch(place))

    async def _repository(self, folder: Path) -> worktrees.Repository:
        found = await worktrees.repository(self.git, folder)
        if found is None:
            raise Invalid(
                f"{folder} is not in a git repository, so no worktree can be made of it.",
                hint="Work in the folder itself (in place), or run `git init` there and make a first commit.",
            )
        return found

    async def _discard_half(self, session: Session, repo: worktrees.Repository, place: Path) -> None:
        """What stands at `place` is no whole worktree: one whose making was cut off goes, anything else is kept."""
        if await worktrees.is_initializing(self.git, place) or _is_empty(place):
            await worktrees.forget(self.git, repo, place)
        else:
            await self._to_trash(session, place)

    async def _remove_worktree(self, session: Session, source: LocalSource, place: Path) -> Path | None:
        """Falls back on the trash when the repository cannot keep the work: it is gone, it is full, it refuses."""
        try:
            if not _is_there(place):
                folder = await asyncio.to_thread(_folder, source.path)
                if (repo := await worktrees.repository(self.git, folder)) is not None:
                    await worktrees.forget(self.git, repo, place)
            elif await worktrees.remove(self.git, place, session.branch or f"volundr/{session.name}", str(session.id)):
                return None
        except (GitFailed, Invalid, Unavailable) as error:
            log.warning("worktree could not be removed by git", extra={"session": str(session.id), "cause": str(error)})
        if not _is_there(place):
            return None
        kept = await self._to_trash(session, place)
        await self.git.says_yes("worktree", "repair", cwd=kept)
        return kept

    # A folder in place, and an empty one

    async def _check_in_place(self, folder: Path, source: LocalSource) -> None:
        if not os.access(folder, os.W_OK):
            raise Invalid(
                f"You may not write in {folder}, so no agent can work there.", hint="Choose another folder, or a worktree of it."
            )
        if source.branch and (now := await self._branch(folder)) != source.branch:
            raise Invalid(
                f"{folder} is on the branch {now!r}, not {source.branch!r}; a folder in place is used as it is.",
                hint=f"Leave the branch empty, run `git switch {source.branch}` there, or use a worktree.",
            )

    async def _in_place(self, source: LocalSource) -> Workspace:
        folder = await asyncio.to_thread(_folder, source.path)
        await self._check_in_place(folder, source)
        try:
            repo = await worktrees.repository(self.git, folder)
        except (Invalid, Unavailable):  # git is missing or refuses: the folder is there all the same
            repo = None
        project = repo.root if repo else str(folder)
        return Workspace(path=str(folder), project=project, branch=await self._branch(folder) if repo else "")

    async def _empty(self, place: Path) -> Workspace:
        await asyncio.to_thread(place.mkdir, exist_ok=True)
        if not _is_there(place / ".git"):
            try:
                await self.git("init", "--quiet", "--initial-branch=main", cwd=place)
            except (GitFailed, Unavailable) as error:  # no diffs then, but an agent can work
                log.warning("an empty workspace is no repository", extra={"cause": str(error)})
        return Workspace(path=str(place), project=str(place))

    async def _branch(self, folder: Path) -> str:
        return await self.git.line("symbolic-ref", "--short", "--quiet", "HEAD", cwd=folder)

    async def _to_trash(self, session: Session, place: Path) -> Path:
        kept = await asyncio.to_thread(_move_to_trash, place, self.home / "trash", f"{session.name}-{place.name}")
        log.info("workspace moved to the trash", extra={"session": str(session.id), "folder": str(kept)})
        return kept


def _folder(path: str) -> Path:
    """The folder a person named. Raises Invalid with what is wrong with it."""
    folder = Path(os.path.expanduser(path))
    if "\0" in path or not folder.is_absolute():
        raise Invalid(f"{path!r} is not a whole path.", hint="Write it from the root on: /home/you/project")
    try:
        folder = folder.resolve(strict=True)
        with os.scandir(folder):
            return folder
    except FileNotFoundError as error:
        raise Invalid(f"There is no folder {path}.") from error
    except NotADirectoryError as error:
        raise Invalid(f"{path} is a file, not a folder.") from error
    except PermissionError as error:
        raise Invalid(f"You may not read {path}.", hint="Volundr runs as you; it can open what you can open.") from error
    except (OSError, RuntimeError) as error:
        raise Invalid(f"{path} cannot be opened: {error}.") from error


def _listing(path: str) -> FolderListing:
    folder = _folder(path or "~")
    with os.scandir(folder) as entries:
        names = sorted(
            (entry.name for entry in entries if _is_folder(entry)), key=lambda name: (name.startswith("."), name.lower())
        )
    found = [_line(folder / name) for name in names[:MAX_FOLDERS]]
    return FolderListing(
        path=str(folder),
        parent=None if folder.parent == folder else str(folder.parent),
        is_repo=(folder / ".git").exists(),
        folders=found,
        more=len(names) > MAX_FOLDERS,
    )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _line(folder: Path) -> Folder:
    readable = os.access(folder, os.R_OK | os.X_OK)
    return Folder(name=folder.name, path=str(folder), is_repo=readable and (folder / ".git").exists(), readable=readable)


def _is_there(path: Path) -> bool:
    return path.exists()  # one look at a local disk: not worth a thread


def _is_empty(folder: Path) -> bool:
    return next(folder.iterdir(), None) is None


def _make_parent(place: Path) -> None:
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"The folder {place.parent} cannot be made: {error.strerror}.") from error


def _move_to_trash(place: Path, trash: Path, name: str) -> Path:
    trash.mkdir(mode=0o700, exist_ok=True)
    free = next(kept for kept in (trash / (f"{name}-{n}" if n else name) for n in count()) if not kept.exists())
    try:
        place.rename(free)
    except OSError as error:
        raise Unavailable(
            f"{place} cannot be moved to {free}: {error.strerror}.", hint="Nothing was deleted; try again."
        ) from error
    return free


def _delete(place: Path) -> None:
    """Take the folder away under its name at once, then delete what was in it; what still writes into it does not stop that."""
    if place.is_symlink() or not place.exists():
        return
    gone = place.with_name(f".{place.name.lstrip('.')}.gone")
    shutil.rmtree(gone, ignore_errors=True)
    place.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)
