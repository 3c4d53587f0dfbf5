"""What is in a file: opened for reading, or replaced as a whole, so that nobody ever sees half of it."""

import asyncio
import errno
import os
import secrets
import stat
import threading
from collections.abc import AsyncIterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from volundr.broker.files.roots import Place, explained, place
from volundr.broker.files.tree import FileEntry, entry, revision
from volundr.domain.errors import Conflict, Invalid, NotFound

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
    draft = await asyncio.to_thread(_Draft.begin, root, path, condition)
    try:
        size = 0
        async for piece in _in_pieces(body):
            size += len(piece)
            if size > largest:
                raise Invalid(f"This file is too large: at most {largest // 1024 // 1024} MiB can be written.")
            await asyncio.to_thread(draft.add, piece)
        return await asyncio.shield(asyncio.to_thread(draft.commit))
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
    """A new content beside the file it will replace, under a name nobody else has."""

    def __init__(self, path: str, at: Place, condition: Condition, held: ExitStack) -> None:
        self._path, self._at, self._condition, self._held = path, at, condition, held
        self._busy = threading.Lock()
        self._name = f".volundr-{secrets.token_hex(8)}"
        old = at.find()
        condition.check(old)
        if old is not None:
            _regular(old, path)
        elif at.name == "." or path.endswith("/"):
            raise Invalid("This is the name of a folder.")
        self._file = os.fdopen(os.open(self._name, _NEW, 0o666 if old is None else 0o600, dir_fd=at.folder), "wb", buffering=0)
        if old is not None:
            self._keep(old)

    @classmethod
    def begin(cls, root: Path, path: str, condition: Condition) -> "_Draft":
        with ExitStack() as stack:
            at = stack.enter_context(place(root, path))
            try:
                draft = cls(path, at, condition, stack)
            except FileNotFoundError as error:
                raise NotFound(f"The folder of {path!r} does not exist.", hint="Make the folder first.") from error
            draft._held = stack.pop_all()
            return draft

    def _keep(self, old: os.stat_result) -> None:
        """The new file has the owner and the mode of the old one, as far as we may give them."""
        number = self._file.fileno()
        with suppress(OSError):
            if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(number, old.st_uid, old.st_gid)
        os.fchmod(number, stat.S_IMODE(old.st_mode))

    def add(self, piece: bytes) -> None:
        with self._busy, explained(self._path):
            left = memoryview(piece)
            while left:
                left = left[self._file.write(left) :]

    def commit(self) -> FileEntry:
        with self._busy, explained(self._path):
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
        os.link(self._name, at.name, src_dir_fd=at.folder, dst_dir_fd=at.folder, follow_symlinks=False)
        os.unlink(self._name, dir_fd=at.folder)

    def close(self) -> None:
        """Let go; what was not committed is deleted. Waits for a write that a cancelled request left behind."""
        with self._busy:
            if self._name:
                with suppress(OSError):
                    os.unlink(self._name, dir_fd=self._at.folder)
            self._file.close()
            self._held.close()
