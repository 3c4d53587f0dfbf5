"""Workspaces as folders of this machine, one a session, in `<home>/workspaces`; snapshots of them in `<home>/snapshots`."""

import asyncio
import os
import shlex
import tarfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from volundr.domain.errors import Conflict, Unavailable
from volundr.domain.sessions.model import EmptySource, LocalSource, Session
from volundr.domain.storage import FoundFolder, Removed, Snapshot, StoragePort
from volundr.local import worktrees
from volundr.local.git import GitFailed
from volundr.local.workspaces import LocalWorkspaces

type Idle = Callable[[], Awaitable[bool]]
BLOCK = 512


class LocalStorage(StoragePort):
    """`own_home` is the home of everybody here: sessions are processes of the one user that Volundr runs as."""

    def __init__(self, workspaces: LocalWorkspaces, own_home: str) -> None:
        self._workspaces = workspaces
        self._own_home = own_home

    async def found(self) -> Sequence[FoundFolder]:
        return await asyncio.to_thread(_folders, self._workspaces.home / "workspaces")

    async def measure(self, workspace_id: UUID) -> int | None:
        return await asyncio.to_thread(_measured, self._workspaces.home / "workspaces" / str(workspace_id))

    async def snapshot(self, session: Session) -> Snapshot:
        if isinstance(session.source, LocalSource) and session.source.mode == "in_place":
            raise Conflict("This session works in a folder of yours; Volundr makes no snapshots of it.")
        async with self._workspaces.held(session):
            place = self._workspaces.place(session)
            if not place.exists():
                raise Conflict("There is no workspace of this session to make a snapshot of.")
            stamp = f"{session.id}-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}"
            ref = await self._ref(place, stamp)
            if ref is None:
                return await asyncio.to_thread(self._packed, place, stamp)
            if isinstance(session.source, LocalSource):
                return Snapshot(kept="commit", name=ref, restore=f"git worktree add {shlex.quote(session.name)} {ref}")
            return await self._bundled(place, ref, stamp)

    async def remove(self, session: Session, idle: Idle) -> Removed | None:
        async with self._workspaces.held(session):
            if not await idle():
                return None
            return await self._taken_away(session)

    async def remove_orphan(self, workspace_id: UUID, name: str, idle: Idle) -> Removed | None:
        place = self._workspaces.home / "workspaces" / str(workspace_id)
        repo = await worktrees.repository(self._workspaces.git, place) if (place / ".git").is_file() else None
        source = EmptySource() if repo is None else LocalSource(path=str(repo.common))
        session = Session(id=workspace_id, name=name, agent="", source=source, branch="-")
        return await self.remove(session, idle)

    async def home(self, owner_id: str) -> str:  # noqa: ARG002 - everybody's is the same here
        return self._own_home

    async def _taken_away(self, session: Session) -> Removed:
        place, ref = self._workspaces.place(session), f"{worktrees.SNAPSHOTS}/{session.id}"
        if not place.exists():
            await self._workspaces.take_away(session)
            return Removed(there=False)
        repo = await worktrees.repository(self._workspaces.git, place)
        common = None if repo is None or not isinstance(session.source, LocalSource) else repo.common
        trashed = await self._workspaces.take_away(session)
        if trashed is not None:
            kept = Snapshot(kept="copy", name=str(trashed), restore=f"mv {shlex.quote(str(trashed))} {shlex.quote(str(place))}")
            return Removed(there=True, snapshot=kept)
        if common is not None and await self._workspaces.git.line("rev-parse", "--verify", "--quiet", ref, cwd=common):
            restore = f"git worktree add {shlex.quote(session.name)} {ref}"
            return Removed(there=True, snapshot=Snapshot(kept="commit", name=ref, restore=restore))
        return Removed(there=True)

    async def _ref(self, place: Path, stamp: str) -> str | None:
        """None: git cannot keep it."""
        if not (place / ".git").exists():
            return None
        try:
            return await worktrees.snapshot(self._workspaces.git, place, stamp)
        except GitFailed:
            return None

    async def _bundled(self, place: Path, ref: str, stamp: str) -> Snapshot:
        """A clone goes with its folder, and its refs with it: they are put into a file."""
        file = await asyncio.to_thread(self._file, f"{stamp}.bundle")
        try:
            await self._workspaces.git("bundle", "create", "--quiet", str(file), ref, "--branches", cwd=place, deadline=600)
        except GitFailed as failed:
            file.unlink(missing_ok=True)
            raise Unavailable(f"git cannot write the snapshot:\n{failed}", hint="Nothing was deleted.") from failed
        path = shlex.quote(str(file))
        restore = f"git init back && git -C back fetch {path} {ref} && git -C back checkout FETCH_HEAD"
        return Snapshot(kept="bundle", name=str(file), restore=restore)

    def _packed(self, place: Path, stamp: str) -> Snapshot:
        file = self._file(f"{stamp}.tar.gz")
        try:
            with tarfile.open(file, "w:gz") as archive:
                archive.add(place, arcname=place.name)
        except OSError as error:
            file.unlink(missing_ok=True)
            raise Unavailable(f"The snapshot cannot be written: {error}.", hint="Nothing was deleted.") from error
        return Snapshot(kept="copy", name=str(file), restore=f"tar xzf {shlex.quote(str(file))}")

    def _file(self, name: str) -> Path:
        folder = self._workspaces.home / "snapshots"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder / name


def _folders(place: Path) -> Sequence[FoundFolder]:
    return list(_each_folder(place))


def _each_folder(place: Path) -> Iterator[FoundFolder]:
    try:
        entries = list(os.scandir(place))
    except FileNotFoundError:
        return
    for entry in entries:
        try:
            which = UUID(entry.name)
            if str(which) == entry.name and entry.is_dir(follow_symlinks=False):
                used = datetime.fromtimestamp(entry.stat(follow_symlinks=False).st_mtime, UTC)
                yield FoundFolder(id=which, path=entry.path, used_at=used)
        except (ValueError, FileNotFoundError):  # somebody's own folder, or one that went meanwhile
            continue


def _measured(place: Path) -> int | None:
    """What the folder takes on the disk. Links are not followed; what goes away meanwhile is not counted."""
    if not place.is_dir() or place.is_symlink():
        return None
    total, folders = 0, [str(place)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    total += entry.stat(follow_symlinks=False).st_blocks * BLOCK
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
        except OSError:
            continue
    return total
