"""The durable log of one session: one line a record, appended in batches that are there whole or not at all.

A line is eight hex digits of CRC-32, a flag ('+': the batch goes on, '.': it is complete), a space, the JSON that clients
get, and a newline. Whatever a crash leaves behind the last complete batch is cut off when the log is opened again.
"""

import asyncio
import fcntl
import json
import logging
import os
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from uuid import uuid4
from zlib import crc32

from volundr.domain.errors import Unavailable

log = logging.getLogger(__name__)

HEAD = 10
"""Bytes of a line before its JSON."""
_PIECE = 1 << 20
_ROOM_HINT = "Make room on the disk that holds Volundr's home folder; the session goes on by itself then."
_flush = os.fdatasync if sys.platform == "linux" else os.fsync


def boot_id() -> str:
    """Names this boot of the machine; "" where the system has no such name."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


class Log:
    """Not safe for use from several threads; reads and syncs may run in a thread while the loop appends.

    `append` has handed the batch to the system when it returns (a crash of Skuld loses nothing); `sync` returns when the disk
    has it (a crash of the machine loses nothing).
    """

    def __init__(self, file: int, epoch: str, found: "_Found", side: Path) -> None:
        self._file = file
        self._side = side
        self._starts = found.starts
        self._end = found.end
        self._synced = found.end
        self._syncing: asyncio.Future[None] | None = None
        self._torn = False
        self._doubtful = False
        self.epoch = epoch

    @classmethod
    def open(cls, folder: Path, boot: str | None = None) -> Self:
        """Blocking. Raises Unavailable when the file cannot be used, or another Skuld has it."""
        boot = boot_id() if boot is None else boot
        path, side = folder / "log.ndjson", folder / "log.json"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                found = _scan(file)
                epoch = _epoch(side, boot, found)
                if found.size > found.end:
                    _cut(file, found, folder / f"log.damaged-{epoch}")
                _write_side(side, epoch, boot, clean=False)
            except BaseException:
                os.close(file)
                raise
        except BlockingIOError as error:
            raise Unavailable("The log of this session is in use by another Skuld.", "Stop the other one first.") from error
        except OSError as error:
            raise Unavailable(f"The log of this session cannot be opened: {error.strerror} ({path}).") from error
        return cls(file, epoch, found, side)

    @classmethod
    def peek(cls, folder: Path) -> Self | None:
        """Blocking. What is there now, to read only: no lock, nothing repaired, the epoch as it is. None when there is no log."""
        path, side = folder / "log.ndjson", folder / "log.json"
        try:
            known = str(json.loads(side.read_bytes())["epoch"])
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Unavailable(f"The log of this session cannot be read: {error} ({path}).") from error
        try:
            return cls(file, known, _scan(file), side)
        except OSError as error:
            os.close(file)
            raise Unavailable(f"The log of this session cannot be read: {error.strerror} ({path}).") from error

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
        self._starts.extend(starts)
        self._end = at
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
            self._write(os.pread(self._file, end - self._synced, self._synced), self._synced)
            self._doubtful = False
        _flush(self._file)

    def read(self, first: int, last: int) -> list[bytes]:
        """The JSON of the records `first` … `last` (both included), as it was appended."""
        first, last = max(first, 1), min(last, len(self._starts))
        if first > last:
            return []
        start = self._starts[first - 1]
        end = self._starts[last] if last < len(self._starts) else self._end
        return [line[HEAD:] for line in _pread(self._file, end - start, start)[:-1].split(b"\n")]

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

    def close(self) -> None:
        """Blocking: sync, and say that nothing was lost."""
        if self._file < 0:
            return
        try:
            self._sync_blocking(self._end)
            side = json.loads(self._side.read_bytes())
            _write_side(self._side, self.epoch, side["boot"], clean=True)
        except (OSError, ValueError):
            log.warning("log not closed cleanly", extra={"file": str(self._side)})
        finally:
            os.close(self._file)
            self._file = -1

    def release(self) -> None:
        """Let go of a log that was only looked at."""
        os.close(self._file)
        self._file = -1

    def _write(self, data: bytes, at: int) -> None:
        view = memoryview(data)
        while view:
            written = os.pwrite(self._file, view, at)
            view, at = view[written:], at + written

    def _mend(self) -> None:
        if self._torn:
            os.ftruncate(self._file, self._end)
            self._torn = False

    def _cut_torn(self) -> None:
        try:
            self._mend()
        except OSError:
            log.warning("torn tail left in log", extra={"file": str(self._side)})


@dataclass(slots=True)
class _Found:
    """`starts` and `end` of the valid part; `size` of the whole file; `beyond`: complete batches lie behind the damage."""

    starts: "array[int]"
    end: int
    size: int
    beyond: bool


def _scan(file: int) -> _Found:
    """Check every line. What follows the last complete batch does not count."""
    starts, batch, end, at, beyond = array("Q"), array("Q"), 0, 0, False
    damaged = False
    with os.fdopen(os.dup(file), "rb", buffering=_PIECE) as lines:
        lines.seek(0)
        for line in lines:
            if not _valid(line):
                damaged = True
            elif not damaged:
                batch.append(at)
                if line[8] == ord("."):
                    starts.extend(batch)
                    batch, end = array("Q"), at + len(line)
            elif line[8] == ord("."):
                beyond = True
            at += len(line)
    return _Found(starts, end, at, beyond)


def _valid(line: bytes) -> bool:
    return (
        len(line) > HEAD
        and line[-1] == ord("\n")
        and line[8:HEAD] in (b". ", b"+ ")
        and line[:8] == b"%08x" % crc32(memoryview(line)[8:-1])
    )


def _cut(file: int, found: _Found, keep: Path) -> None:
    if found.beyond:
        log.error("log damaged", extra={"kept": str(keep), "bytes": found.size - found.end})
        keep.write_bytes(_pread(file, found.size - found.end, found.end))
    os.ftruncate(file, found.end)
    os.fsync(file)


def _epoch(side: Path, boot: str, found: _Found) -> str:
    """The epoch of before, unless clients may have seen records that are lost: then cursors of old must not be trusted."""
    try:
        known = json.loads(side.read_bytes())
        epoch, before, clean = str(known["epoch"]), str(known["boot"]), bool(known["clean"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return uuid4().hex[:12]
    lost = (found.size > found.end) if clean else before != boot
    return uuid4().hex[:12] if lost or found.beyond else epoch


def _write_side(side: Path, epoch: str, boot: str, *, clean: bool) -> None:
    new = side.with_suffix(".new")
    with new.open("w", encoding="utf-8") as out:
        json.dump({"epoch": epoch, "boot": boot, "clean": clean}, out)
        out.flush()
        os.fsync(out.fileno())
    new.replace(side)
    folder = os.open(side.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _pread(file: int, size: int, at: int) -> bytes:
    pieces = []
    while size > 0 and (piece := os.pread(file, size, at)):
        pieces.append(piece)
        size, at = size - len(piece), at + len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
