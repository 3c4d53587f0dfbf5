"""Folders: what is in them, and making, renaming and deleting what is."""

import base64
import errno
import heapq
import json
import os
import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from volundr.broker.files.roots import Place, components, kind_of, named, place, shown
from volundr.domain.errors import Conflict, Invalid, NotFound

MOST_ENTRIES = 1000
_NO_REPLACE = 1
"""RENAME_NOREPLACE of Linux's renameat2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """One name in a folder. `revision` changes with the content of a file; `target` is where a link points, as it says."""

    name: str
    path: str
    kind: Literal["file", "folder", "link", "other"]
    size: int
    modified: str
    revision: str
    target: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A part of a folder, folders first, each by name. `next` is the cursor of what follows."""

    path: str
    entries: Sequence[FileEntry]
    next: str | None


def revision(status: os.stat_result) -> str:
    """Another one as soon as the file is another, or has another content."""
    return f"{status.st_mtime_ns}-{status.st_size}-{status.st_ino}"


def entry(path: str, status: os.stat_result, target: str | None = None) -> FileEntry:
    return FileEntry(
        name=path.rpartition("/")[2],
        path=path,
        kind=kind_of(status.st_mode),
        size=status.st_size if stat.S_ISREG(status.st_mode) else 0,
        modified=_when(status.st_mtime),
        revision=revision(status),
        target=target,
    )


def _when(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC).isoformat(timespec="milliseconds")


def listing(root: Path, path: str, cursor: str = "", limit: int = MOST_ENTRIES) -> Listing:
    """Up to `limit` entries after the cursor. What vanishes meanwhile is left out."""
    after = _read_cursor(cursor)
    with place(root, path) as found:
        folder = found.open_folder()
        try:
            with os.scandir(folder) as items:
                keys = (_key(not item.is_dir(follow_symlinks=False), item.name) for item in items)
                first = heapq.nsmallest(limit + 1, (key for key in keys if after is None or key > after))
            entries = [one for _, _, name in first[:limit] if (one := _look(Place(folder, name), path)) is not None]
        finally:
            os.close(folder)
    more = len(first) > limit
    return Listing(path=path.removesuffix("/"), entries=entries, next=_write_cursor(first[limit - 1]) if more else None)


def _look(at: Place, path: str) -> FileEntry | None:
    status = at.find()
    if status is None:
        return None
    target = None
    if stat.S_ISLNK(status.st_mode):
        try:
            target = shown(os.readlink(at.name, dir_fd=at.folder))
        except OSError:
            return None
    folder = path.removesuffix("/")
    return entry(f"{folder}/{shown(at.name)}" if folder else shown(at.name), status, target)


type _Key = tuple[bool, str, str]


def _key(file: bool, name: str) -> _Key:
    return file, name.casefold(), name


def _write_cursor(key: _Key) -> str:
    return base64.urlsafe_b64encode(json.dumps([key[0], shown(key[2])]).encode()).decode()


def _read_cursor(cursor: str) -> _Key | None:
    if not cursor:
        return None
    try:
        rank, name = json.loads(base64.urlsafe_b64decode(cursor))
        return _key(bool(rank), named(str(name)))
    except (ValueError, TypeError) as error:
        raise Invalid("This cursor is not one of ours.", hint="List the folder from its beginning.") from error


def make_folder(root: Path, path: str) -> FileEntry:
    """Make a folder, and those it is in. Raises Conflict when there is something of that name."""
    names = components(path)
    if not names:
        raise Conflict("The root is there already.")
    for depth in range(1, len(names) + 1):
        partial = "/".join(shown(name) for name in names[:depth])
        with place(root, partial, follow=depth < len(names)) as at:
            if at.find() is not None:
                if depth == len(names):
                    raise Conflict(f"There is a {partial!r} already.")
                continue
            try:
                os.mkdir(at.name, dir_fd=at.folder)
            except FileExistsError:
                if depth == len(names):
                    raise
    with place(root, path, follow=False) as at:
        return entry(path.removesuffix("/"), at.status())


def rename(root: Path, path: str, to: str) -> FileEntry:
    """Give a file, folder or link another name or place. What is there already is never overwritten."""
    if not components(path) or not components(to):
        raise Invalid("The root cannot be renamed.")
    with place(root, path, follow=False) as source:
        source.status()
        with place(root, to, follow=False) as target:
            if target.find() is not None:
                raise Conflict(f"There is a {to!r} already.", hint="Choose another name, or delete that one first.")
            try:
                _move(source, target)
            except OSError as error:
                if error.errno == errno.EINVAL:
                    raise Invalid("A folder cannot be moved into itself.") from error
                raise
            return entry(to.removesuffix("/"), target.status())


def _move(source: Place, target: Place) -> None:
    """Rename without replacing: by the system if it can, else by a hard link, which fails when the name is taken."""
    import ctypes

    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is not None:
        names = (os.fsencode(source.name), os.fsencode(target.name))
        if renameat2(source.folder, names[0], target.folder, names[1], _NO_REPLACE) == 0:
            return
        code = ctypes.get_errno()
        if code not in {errno.ENOSYS, errno.EINVAL}:
            raise OSError(code, os.strerror(code))
    if stat.S_ISDIR(source.status().st_mode):
        os.rename(source.name, target.name, src_dir_fd=source.folder, dst_dir_fd=target.folder)
        return
    os.link(source.name, target.name, src_dir_fd=source.folder, dst_dir_fd=target.folder, follow_symlinks=False)
    os.unlink(source.name, dir_fd=source.folder)


def delete(root: Path, path: str, *, recursive: bool) -> None:
    """Delete a file, a link (never what it points at) or a folder; a full one only with `recursive`."""
    if not components(path):
        raise Invalid("The root cannot be deleted.")
    with place(root, path, follow=False) as at:
        if not stat.S_ISDIR(at.status().st_mode):
            os.unlink(at.name, dir_fd=at.folder)
            return
        if recursive:
            _delete_all(at)
            return
        try:
            os.rmdir(at.name, dir_fd=at.folder)
        except OSError as error:
            if error.errno == errno.ENOTEMPTY:
                raise Conflict(f"The folder {path!r} is not empty.", hint="Delete it with all that is in it.") from error
            raise


def _delete_all(at: Place) -> None:
    if not shutil.rmtree.avoids_symlink_attacks:
        raise Invalid("This system cannot delete a full folder safely.", hint="Delete it in a terminal.")
    try:
        shutil.rmtree(at.name, dir_fd=at.folder)
    except RecursionError as error:
        raise Invalid("These folders are nested too deep.", hint="Delete them in a terminal.") from error
    except FileNotFoundError as error:
        if at.find() is not None:
            raise NotFound("Something in this folder was deleted at the same time.", hint="Try again.") from error
