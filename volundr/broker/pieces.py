"""The files of one log: `log.ndjson` and, behind it, `log-<first record>.ndjson`; those that are full become `….z`.

A packed piece is blocks of zlib, the table of their sizes and a foot that describes the rest, so that any record can be read
without the others. It has its name only when it is whole; while the plain file is there too, the packed one counts.
"""

import os
import struct
import zlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

HEAD = 10
"""Bytes of a line before its JSON."""
BLOCK = 128 * 1024
_BUFFER = 1 << 20
_FOOT = struct.Struct("<QQIII8s")
_MAGIC = b"volundr1"


class Gone(OSError):
    """The piece is not there any more, or not in this form: it was packed meanwhile, or damaged."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines of records from `first` on; the first of them is at byte `start` of the log as a whole."""

    path: Path
    first: int
    start: int

    @property
    def packed(self) -> bool:
        return self.path.suffix == ".z"

    def size(self) -> int:
        """Bytes of its lines. Raises Gone for a packed piece that is not whole."""
        return _foot(self.path).size if self.packed else self.path.stat().st_size

    def read(self, at: int, size: int) -> bytes:
        """These bytes of its lines, all of them. Raises Gone, FileNotFoundError, or another OSError."""
        data = _unpacked(self.path, at, size) if self.packed else _plain(self.path, at, size)
        if len(data) != size:
            raise Gone(f"{self.path.name} ends early")
        return data

    def lines(self, at: int) -> Iterator[bytes]:
        """Its lines from this byte on, with their ends; the last one may have none. Raises Gone where a block is damaged."""
        if not self.packed:
            with self.path.open("rb", buffering=_BUFFER) as file:
                file.seek(at)
                yield from file
            return
        rest = b""
        for block in _blocks(self.path, at):
            *whole, rest = (rest + block).split(b"\n")
            for line in whole:
                yield line + b"\n"
        if rest:
            yield rest


def name_of(first: int) -> str:
    return "log.ndjson" if first == 1 else f"log-{first:012d}.ndjson"


def packed_name(first: int) -> str:
    return f"log-{first:012d}.z"


def files(folder: Path) -> list[tuple[int, Path]]:
    """What there is, by first record. Of a piece that is there in both forms, the packed one if it is whole."""
    found: dict[int, Path] = {}
    for path in [*folder.glob("log-*.ndjson"), folder / "log.ndjson"]:
        number = path.stem.removeprefix("log-")
        if number.isdecimal() or path.name == "log.ndjson":
            found[int(number) if number.isdecimal() else 1] = path
    for path in folder.glob("log-*.z"):
        number = path.stem.removeprefix("log-")
        if number.isdecimal() and (_whole(path) or int(number) not in found or not found[int(number)].stat().st_size):
            found[int(number)] = path
    return sorted(found.items())


def pack(piece: Piece, size: int) -> Piece:
    """Blocking. Write the packed twin of a plain piece of so many bytes, durably, under its name."""
    path = piece.path.with_name(packed_name(piece.first))
    new = path.with_suffix(".new")
    try:
        _write_packed(new, piece, size)
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)  # a full disk needs the room
        raise
    sync_folder(path.parent)
    return Piece(path, piece.first, piece.start)


def _write_packed(new: Path, piece: Piece, size: int) -> None:
    lengths = array("I")
    with open(new, "wb", opener=_private) as out:
        for at in range(0, size, BLOCK):
            block = zlib.compress(piece.read(at, min(BLOCK, size - at)))
            lengths.append(len(block))
            out.write(block)
        table = lengths.tobytes()
        out.write(table)
        out.write(_FOOT.pack(piece.first, size, BLOCK, len(lengths), zlib.crc32(table), _MAGIC))
        out.flush()
        os.fsync(out.fileno())


def present(piece: Piece) -> Piece:
    """This piece as it is now: packed, if it has become so."""
    twin = piece.path.with_name(packed_name(piece.first))
    return Piece(twin, piece.first, piece.start) if not piece.packed and twin.exists() else piece


def sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def valid(line: bytes) -> bool:
    """Whether this is a line as it was written, its end included."""
    return len(line) > HEAD and line[-1] == ord("\n") and line[8:HEAD] in (b". ", b"+ ") and checked(line[:-1])


def checked(line: bytes) -> bool:
    """Whether a line without its end has the checksum that it says."""
    return line[:8] == b"%08x" % zlib.crc32(memoryview(line)[8:])


@dataclass(frozen=True, slots=True)
class _Foot:
    size: int
    block: int
    places: Sequence[int]
    """Where each block begins in the file, and where the last one ends."""


def _foot(path: Path) -> _Foot:
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        if end < _FOOT.size:
            raise Gone(f"{path.name} is too short")
        file.seek(end - _FOOT.size)
        _, size, block, count, crc, magic = _FOOT.unpack(file.read(_FOOT.size))
        at = end - _FOOT.size - 4 * count
        if magic != _MAGIC or at < 0:
            raise Gone(f"{path.name} has no foot")
        file.seek(at)
        table = file.read(4 * count)
    lengths = array("I", table)
    if zlib.crc32(table) != crc or sum(lengths) != at:
        raise Gone(f"{path.name} has a damaged foot")
    return _Foot(size, block, list(accumulate(lengths, initial=0)))


def _whole(path: Path) -> bool:
    try:
        _foot(path)
    except OSError:
        return False
    return True


def _blocks(path: Path, at: int) -> Iterator[bytes]:
    foot = _foot(path)
    with path.open("rb") as file:
        for number in range(at // foot.block, len(foot.places) - 1):
            file.seek(foot.places[number])
            try:
                block = zlib.decompress(file.read(foot.places[number + 1] - foot.places[number]), bufsize=foot.block)
            except zlib.error as error:
                raise Gone(f"{path.name} is damaged") from error
            yield block[max(at - number * foot.block, 0) :]


def _unpacked(path: Path, at: int, size: int) -> bytes:
    taken, length = [], 0
    for block in _blocks(path, at):
        taken.append(block)
        length += len(block)
        if length >= size:
            break
    return b"".join(taken)[:size]


def _plain(path: Path, at: int, size: int) -> bytes:
    with path.open("rb", buffering=0) as file:
        file.seek(at)
        parts = []
        while size > 0 and (part := file.read(size)):
            parts.append(part)
            size -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
