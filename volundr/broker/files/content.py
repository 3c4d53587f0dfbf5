"""What is in a file: opened for reading, or replaced as a whole, so that nobody ever sees half of it."""

import asyncio
import errno
import os
import secrets
import stat
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from volundr.broker.files.roots import Place, explained, place
from volundr.broker.files.tree import FileEntry, entry, revision
from volundr.domain.errors import Conflict, Invalid, NotFound, Unavailable

LARGEST = 1 << 30
_PIECE = 1 << 20
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_commit = threading.Lock()
"""Two people who replace one revision: the second finds the first one's file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What must hold for a write. `revision`: the file is still this one, "*": there is one. `new`: there is none."""

    revision: str = ""
    new: bool = False

    def check(self, status: os.stat_result | None) -> None:
        """Raise Conflict unless it holds."""
        if self.new and status is not None:
            raise Conflict("There is a file of this name already.", hint="Open it, or choose another name.")
        if not self.revision:
            return
        if status is None:
            raise Conflict("This file was deleted meanwhile.", hint="Save it again to make it anew.")
        if self.revision not in {"*", revision(status)}:
            raise Conflict("This file was changed meanwhile.", hint="Compare it with yours, then overwrite it or take theirs.")


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that is open for reading. Whoever has it closes it."""

    file: FileIO
    entry: FileEntry


def open_file(root: Path, path: str) -> Opened:
    """Open a regular file. Raises Invalid for folders, devices, pipes and sockets, none of which is touched."""
    with place(root, path) as at:
        _regular(at.status(), path)
        try:
            file = os.fdopen(os.open(at.name, _READ, dir_fd=at.folder), "rb", buffering=0)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise Conflict(f"{path!r} became a link at this moment.", hint="Try again.") from error
            raise
        try:
            status = os.fstat(file.fileno())
            _regular(status, path)
            return Opened(file, entry(path.removesuffix("/"), status))
        except BaseException:
            file.close()
            raise


def _regular(status: os.stat_result, path: str) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise Invalid(f"{path!r} is a folder." if path else "This is a folder.")
    if not stat.S_ISREG(status.st_mode):
        raise Invalid(f"{path!r} is no regular file: what is read from it never ends or belongs to somebody else.")


async def write(root: Path, path: str, body: AsyncIterator[bytes], condition: Condition, largest: int = LARGEST) -> FileEntry:
    """Replace a file by this content, or make it. Until the last moment the old one stays; whatever fails leaves nothing."""
    draft = _Draft(root, path, condition)
    try:
        await asyncio.to_thread(draft.begin)
        size = 0
        async for piece in _in_pieces(body):
            size += len(piece)
            if size > largest:
                raise Invalid(f"This file is too large: at most {largest // 1024 // 1024} MiB can be written.")
            await asyncio.to_thread(draft.add, piece)
        return await asyncio.to_thread(draft.commit)
    finally:
        draft.close()


async def _in_pieces(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Few large pieces instead of many small ones: each costs a change of threads."""
    kept: list[bytes] = []
    size = 0
    async for piece in body:
        kept.append(piece)
        size += len(piece)
        if size >= _PIECE:
            yield b"".join(kept)
            kept, size = [], 0
    if kept:
        yield b"".join(kept)


class _Draft:
    """A new content beside the file it will replace, under a name nobody else has.

    Each step runs in a thread and may outlive the request that wanted it: `close` waits for it, and none begins afterwards.
    """

    def __init__(self, root: Path, path: str, condition: Condition) -> None:
        self._root, self._path, self._condition = root, path, condition
        self._busy = threading.Lock()
        self._held = ExitStack()
        self._closed = False

    @contextmanager
    def _step(self) -> Iterator[None]:
        with self._busy, explained(self._path):
            if self._closed:
                raise Unavailable("This request was given up.")
            yield

    def begin(self) -> None:
        with self._step():
            self._at = self._enter()
            old = self._at.find()
            self._condition.check(old)
            if old is not None:
                _regular(old, self._path)
            elif self._at.name == "." or self._path.endswith("/"):
                raise Invalid("This is the name of a folder.")
            self._make(old)

    def _enter(self) -> Place:
        try:
            return self._held.enter_context(place(self._root, self._path))
        except NotFound as error:
            raise NotFound(f"The folder of {self._path!r} does not exist.", hint="Make the folder first.") from error

    def _make(self, old: os.stat_result | None) -> None:
        """The new file has the owner and the mode of the old one, as far as we may give them."""
        name = f".volundr-{secrets.token_hex(8)}"
        number = os.open(name, _NEW, 0o666 if old is None else 0o600, dir_fd=self._at.folder)
        self._name = name
        self._file = self._held.enter_context(os.fdopen(number, "wb", buffering=0))
        self._held.callback(self._discard)
        if old is None:
            return
        with suppress(OSError):
            if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(number, old.st_uid, old.st_gid)
        os.fchmod(number, stat.S_IMODE(old.st_mode) & 0o777)

    def add(self, piece: bytes) -> None:
        with self._step():
            left = memoryview(piece)
            while left:
                left = left[self._file.write(left) :]

    def commit(self) -> FileEntry:
        with self._step():
            os.fsync(self._file.fileno())
            with _commit:
                self._condition.check(self._at.find())
                self._put()
            self._name = ""
            os.fsync(self._at.folder)
            return entry(self._path, os.fstat(self._file.fileno()))

    def _put(self) -> None:
        at = self._at
        if not self._condition.new:
            os.rename(self._name, at.name, src_dir_fd=at.folder, dst_dir_fd=at.folder)
            return
        try:
            os.link(self._name, at.name, src_dir_fd=at.folder, dst_dir_fd=at.folder, follow_symlinks=False)
        except OSError as error:
            if error.errno not in {errno.EPERM, errno.EOPNOTSUPP}:
                raise
            os.rename(self._name, at.name, src_dir_fd=at.folder, dst_dir_fd=at.folder)
            return
        os.unlink(self._name, dir_fd=at.folder)

    def _discard(self) -> None:
        if self._name:
            with suppress(OSError):
                os.unlink(self._name, dir_fd=self._at.folder)

    def close(self) -> None:
        """Let go; what was not committed is deleted."""
        with self._busy:
            self._closed = True
            self._held.close()
