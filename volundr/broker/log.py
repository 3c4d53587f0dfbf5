"""The durable log of one session: one line a record, appended in batches that are there whole or not at all.

A line is eight hex digits of CRC-32, a flag ('+': the batch goes on, '.': it is complete), a space, the JSON that clients
get, and a newline. Whatever a crash leaves behind the last complete batch is cut off when the log is opened again.
"""

import asyncio
import fcntl
import logging
import os
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Protocol, Self
from zlib import crc32

from volundr.broker.epochs import boot_id, close_side, epoch_of, next_epoch, write_side
from volundr.broker.pieces import HEAD, Gone, Piece, checked, name_of, present, sync_folder
from volundr.broker.scan import CHECKPOINT, Found, Known, cut, drop, scan, tidy
from volundr.domain.errors import Unavailable

log = logging.getLogger(__name__)

AGE = 5000
"""After so many records more a log has `aged`."""
_TRIES, _LOOKS = 5, 50
_ROOM_HINT = "Make room on the disk that holds Volundr's home folder; the session goes on by itself then."
_DAMAGE_HINT = "Stop and start the session: what is good is kept, what is not is put aside."
_flush = os.fdatasync if sys.platform == "linux" else os.fsync


@dataclass(frozen=True, slots=True, kw_only=True)
class Full:
    """A piece that has so much is followed by another, and packed."""

    records: int = 10_000
    size: int = 16 * 1024 * 1024


FULL = Full()


class Upkeep(Protocol):
    """What is done for a log beside its use. `run` goes on until it is cancelled; `finish` is called before the log closes."""

    async def run(self) -> None: ...

    def finish(self) -> None: ...


class NoUpkeep:
    """For a log that nobody looks after."""

    async def run(self) -> None:
        return

    def finish(self) -> None:
        return


class Log:
    """Not safe for use from several threads; reads and syncs may run in a thread while the loop appends.

    `append` has handed the batch to the system when it returns (a crash of Skuld loses nothing); `sync` returns when the disk
    has it (a crash of the machine loses nothing).
    """

    def __init__(self, lock: int, file: int, epoch: str, found: Found, folder: Path) -> None:
        self._lock, self._file = lock, file
        self.folder = folder
        self._pieces = tuple(found.pieces)
        self._starts = found.starts
        self._end = found.end
        self._synced = found.end
        self._syncing: asyncio.Future[None] | None = None
        self._torn = False
        self._doubtful = False
        self._named = True
        self._full = FULL
        self.epoch = epoch
        self.known = found.known
        self.suspect = False
        self.aged = asyncio.Event()
        self.upkeep: Upkeep = NoUpkeep()

    @classmethod
    def open(cls, folder: Path, boot: str | None = None, known: Known | None = None, full: Full = FULL) -> Self:
        """Blocking. Raises Unavailable when the file cannot be used, or another Skuld has it.

        `known` is what a checkpoint says; if it does not hold, `known` of the log is 0 and all was read.
        """
        boot = boot_id() if boot is None else boot
        path = folder / name_of(1)
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                found = scan(folder, known)
                epoch = next_epoch(folder, boot, found)
                if found.torn:
                    cut(folder, found, epoch)
                tidy(found.pieces)
                write_side(folder, epoch, boot, clean=False)
                file = _to_append(found, lock)
            except BaseException:
                os.close(lock)
                raise
        except BlockingIOError as error:
            raise Unavailable("The log of this session is in use by another Skuld.", "Stop the other one first.") from error
        except OSError as error:
            raise Unavailable(f"The log of this session cannot be opened: {error.strerror} ({path}).") from error
        made = cls(lock, file, epoch, found, folder)
        made._full = full
        return made

    @classmethod
    def peek(cls, folder: Path, known: Known | None = None) -> Self | None:
        """Blocking. What is there now, to read only: no lock, nothing repaired, the epoch as it is. None when there is no log."""
        path = folder / name_of(1)
        try:
            epoch = epoch_of(folder)
            path.stat()
            return cls(-1, -1, epoch, _looked_at(folder, known), folder)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Unavailable(f"The log of this session cannot be read: {error} ({path}).") from error

    @property
    def last_seq(self) -> int:
        return len(self._starts)

    @property
    def end(self) -> int:
        """Bytes appended so far: what to hand to `sync`."""
        return self._end

    @property
    def synced(self) -> int:
        """Bytes that the disk has for certain."""
        return self._synced

    def append(self, batch: Sequence[bytes]) -> int:
        """All of these records or none; returns the new `end`. Raises Unavailable, and the log is as before.

        It is a plain write into the system's cache, microseconds; a thread would cost more than it saves.
        """
        if not batch:
            return self._end
        lines, starts, at = [], array("Q"), self._end
        last = len(batch) - 1
        for number, raw in enumerate(batch):
            body = (b". " if number == last else b"+ ") + raw
            lines.append(b"%08x%b\n" % (crc32(body), body))
            starts.append(at)
            at += len(raw) + HEAD + 1
        try:
            self._mend()
            self._write(b"".join(lines), self._end)
        except OSError as error:
            self._torn = True
            self._cut_torn()
            raise Unavailable(f"The log of this session cannot be written: {error.strerror}.", hint=_ROOM_HINT) from error
        before = len(self._starts)
        self._starts.extend(starts)
        self._end = at
        if before // AGE != len(self._starts) // AGE:
            self.aged.set()
        return at

    async def sync(self, upto: int) -> None:
        """Return when the disk has all bytes before `upto`. Callers that come together share one fsync."""
        while self._synced < upto:
            if self._syncing is None:
                self._syncing = asyncio.get_running_loop().create_future()
                await self._sync_now(self._syncing)
            else:
                await asyncio.shield(self._syncing)

    async def _sync_now(self, done: asyncio.Future[None]) -> None:
        end = self._end
        try:
            await asyncio.to_thread(self._sync_blocking, end)
            self._synced = max(self._synced, end)
            if self._synced == self._end:
                self._follow()
        except OSError as error:
            self._doubtful = True
            failure = Unavailable(f"The disk did not take the log of this session: {error.strerror}.", hint=_ROOM_HINT)
            done.set_exception(failure)
            done.exception()
            raise failure from error
        finally:
            self._syncing = None
            if not done.done():
                done.set_result(None)

    def _sync_blocking(self, end: int) -> None:
        if self._doubtful:
            # After a failed fsync the system may call pages clean that never reached the disk: write them once more.
            self._write(_gather(self._pieces, self._synced, end), self._synced)
            self._doubtful = False
        _flush(self._file)
        if not self._named:
            sync_folder(self.folder)
            self._named = True

    def read(self, first: int, last: int) -> list[bytes]:
        """The JSON of the records `first` … `last` (both included), as it was appended. Raises Unavailable."""
        first, last = max(first, 1), min(last, len(self._starts))
        if first > last:
            return []
        start = self._starts[first - 1]
        end = self._starts[last] if last < len(self._starts) else self._end
        try:
            lines = self._bytes(start, end)[:-1].split(b"\n")
        except OSError as error:
            raise Unavailable(f"The log of this session cannot be read: {error} ({self.folder}).") from error
        if len(lines) != last - first + 1 or not all(map(checked, lines)):
            log.error("log damaged", extra={"folder": str(self.folder), "first": first, "last": last})
            self.suspect = True
            (self.folder / CHECKPOINT).unlink(missing_ok=True)
            raise Unavailable(f"The log of this session is damaged between the records {first} and {last}.", hint=_DAMAGE_HINT)
        return [line[HEAD:] for line in lines]

    def _bytes(self, start: int, end: int) -> bytes:
        return _gather(self._pieces, start, end)

    def fits(self, first: int, size: int) -> int:
        """The last record up to which reading from `first` stays within `size` bytes; at least `first` itself."""
        limit = self._starts[first - 1] + size
        return max(first, bisect_right(self._starts, limit) - (1 if limit < self._end else 0))

    def fits_before(self, last: int, size: int) -> int:
        """The first record from which reading up to `last` stays within `size` bytes; at most `last` itself."""
        if last < 1:
            return 1
        end = self._starts[last] if last < len(self._starts) else self._end
        return min(bisect_left(self._starts, max(end - size, 0)) + 1, last)

    def due(self) -> Sequence[tuple[Piece, int]]:
        """Full pieces that are plain still, with their sizes."""
        pieces = self._pieces
        return [(one, after.start - one.start) for one, after in pairwise(pieces) if not one.packed]

    def packed(self, piece: Piece) -> None:
        """Blocking. This piece is there in its packed form: use that one."""
        self._pieces = tuple(piece if one.first == piece.first else one for one in self._pieces)
        drop(piece.path.with_name(name_of(piece.first)))

    def mark(self) -> tuple[int, "Known"]:
        """Blocking. For a checkpoint: the records that the disk has, and what to recognise them by. Raises OSError."""
        count = bisect_right(self._starts, self._synced - 1) if self._synced else 0
        starts = self._starts[:count]
        last = _gather(self._pieces, starts[-1], starts[-1] + 8) if count else b""
        return count, Known(starts, self._starts[count] if count < len(self._starts) else self._synced, last)

    def close(self) -> None:
        """Blocking: sync, and say that nothing was lost."""
        if self._file < 0:
            return
        try:
            self._sync_blocking(self._end)
            self._synced = self._end
            self.upkeep.finish()
            close_side(self.folder, self.epoch)
        except (OSError, ValueError):
            log.warning("log not closed cleanly", extra={"folder": str(self.folder)})
        finally:
            self.release()

    def release(self) -> None:
        """Let go of the files as they are."""
        for file in {self._file, self._lock} - {-1}:
            os.close(file)
        self._file = self._lock = -1

    def _write(self, data: bytes, at: int) -> None:
        view, at = memoryview(data), at - self._pieces[-1].start
        while view:
            written = os.pwrite(self._file, view, at)
            view, at = view[written:], at + written

    def _follow(self) -> None:
        """Go on in a new piece if this one is full. Only when the disk has all of it, so that no piece has a gap behind it."""
        newest = self._pieces[-1]
        if len(self._starts) - newest.first + 1 < self._full.records and self._end - newest.start < self._full.size:
            return
        piece = Piece(self.folder / name_of(len(self._starts) + 1), len(self._starts) + 1, self._end)
        if piece.first == newest.first or self._torn or self._doubtful:
            return
        try:
            file = _fresh(piece.path)
        except OSError as error:
            log.warning("log not continued in another file", extra={"folder": str(self.folder), "cause": str(error)})
            return
        before, self._file = self._file, file
        self._pieces, self._named = (*self._pieces, piece), False
        if before != self._lock:
            os.close(before)
        self.aged.set()

    def _mend(self) -> None:
        if self._torn:
            os.ftruncate(self._file, self._end - self._pieces[-1].start)
            self._torn = False

    def _cut_torn(self) -> None:
        try:
            self._mend()
        except OSError:
            log.warning("torn tail left in log", extra={"folder": str(self.folder)})


def _fresh(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)


def _to_append(found: Found, lock: int) -> int:
    """The file that the log goes on in: its newest piece, or a new one if that is packed."""
    newest = found.pieces[-1]
    if newest.packed:
        newest = Piece(newest.path.with_name(name_of(len(found.starts) + 1)), len(found.starts) + 1, found.end)
        found.pieces.append(newest)
        file = _fresh(newest.path)
        sync_folder(newest.path.parent)
        return file
    return lock if newest.first == 1 else os.open(newest.path, os.O_RDWR | os.O_CLOEXEC)


def _looked_at(folder: Path, known: Known | None) -> Found:
    """What there is, though its owner may pack a piece under our eyes: it seems to be missing then."""
    before = (-1, -1)
    for _ in range(_LOOKS):
        try:
            found = scan(folder, known)
        except FileNotFoundError:
            continue
        if not found.lost or before == (found.end, found.size):
            return found
        before = (found.end, found.size)
    return scan(folder, known)


def _gather(pieces: Sequence[Piece], start: int, end: int) -> bytes:
    parts = []
    for number in range(bisect_right(pieces, start, key=lambda piece: piece.start) - 1, len(pieces)):
        piece, after = pieces[number], pieces[number + 1].start if number + 1 < len(pieces) else end
        if piece.start >= end:
            break
        parts.append(_read(piece, max(start - piece.start, 0), min(end, after) - max(start, piece.start)))
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _read(piece: Piece, at: int, size: int) -> bytes:
    """A piece may become packed while it is read, also by the owner of a log that is only looked at: then once more."""
    for _ in range(_TRIES):
        try:
            return piece.read(at, size)
        except (Gone, FileNotFoundError):
            piece = present(piece)
    return piece.read(at, size)
