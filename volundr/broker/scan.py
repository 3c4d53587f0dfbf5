"""What of a log's files is good: every line checked, from the beginning or from where a checkpoint says that all is known."""

import logging
import os
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from volundr.broker.pieces import HEAD, Gone, Piece, files, name_of, sync_folder, valid

log = logging.getLogger(__name__)

CHECKPOINT = "checkpoint"
"""The file beside the log that says where its records are."""


@dataclass(frozen=True, slots=True)
class Known:
    """The beginning of a log as it was once: where its records start, where the last one ended, and that one's checksum."""

    starts: "array[int]"
    end: int
    last: bytes


@dataclass(slots=True)
class Found:
    """`starts` and `end` of the good part; `size` of all there is; `beyond`: complete batches lie behind the damage.

    `pieces` are good, the last of them perhaps in its beginning only; `lost` follow the damage.
    """

    starts: "array[int]" = field(default_factory=lambda: array("Q"))
    end: int = 0
    size: int = 0
    beyond: bool = False
    pieces: list[Piece] = field(default_factory=list)
    lost: list[Piece] = field(default_factory=list)
    known: int = 0
    """Records that were taken over from a checkpoint."""

    @property
    def torn(self) -> bool:
        return self.size > self.end


def scan(folder: Path, known: Known | None = None) -> Found:
    """Blocking. Raises OSError. A `known` that does not fit what is there is not used."""
    there = files(folder)
    if known is not None and (found := _go_on(there, known)) is not None:
        return found
    found = Found()
    for first, path in there:
        _take(found, Piece(path, first, found.end), 0)
    return found


def _go_on(there: Sequence[tuple[int, Path]], known: Known) -> Found | None:
    """The pieces that are known are measured, the rest is scanned; None when something is not as it was."""
    count, starts = len(known.starts), known.starts
    found = Found(array("Q", starts), known.end, known.end, known=count)
    rest = 0
    for place, (first, path) in enumerate(there):
        if first > count + 1 or (place == 0 and first != 1):
            break
        after = there[place + 1][0] if place + 1 < len(there) else count + 2
        piece = Piece(path, first, starts[first - 1] if first <= count else known.end)
        rest = place + 1
        if after > count + 1:
            if count and not _ends(piece, known):
                return None
            _take(found, piece, known.end - piece.start)
            break
        try:
            if piece.size() != (starts[after - 1] if after <= count else known.end) - piece.start:
                return None
        except OSError:
            return None
        found.pieces.append(piece)
    if not found.pieces:
        return None
    for first, path in there[rest:]:
        _take(found, Piece(path, first, found.end), 0)
    return found


def _ends(piece: Piece, known: Known) -> bool:
    """Whether the last known record is where it was; it may be in the piece before this one, which has the right size then."""
    at = known.starts[-1]
    if at < piece.start:
        return piece.start == known.end
    try:
        line = piece.read(at - piece.start, known.end - at)
    except OSError:
        return False
    return line[:8] == known.last and line[8:9] == b"." and valid(line)


def _take(found: Found, piece: Piece, at: int) -> None:
    """Check a piece's lines from this byte on. What follows the last complete batch does not count, nor does what follows it."""
    if found.torn or (at == 0 and piece.first != len(found.starts) + 1):
        found.lost.append(piece)
        _count_lost(found, piece)
        return
    found.pieces.append(piece)
    place, batch, damaged = piece.start + at, array("Q"), False
    try:
        for line in piece.lines(at):
            if not valid(line):
                damaged = True
            elif not damaged:
                batch.append(place)
                if line[8] == ord("."):
                    found.starts.extend(batch)
                    batch, found.end = array("Q"), place + len(line)
            elif line[8] == ord("."):
                found.beyond = True
            place += len(line)
    except Gone:
        # A block of a packed piece: whatever it held had been complete.
        found.beyond, place = True, max(place, found.end) + 1
    found.size = place


def _count_lost(found: Found, piece: Piece) -> None:
    try:
        size = piece.size()
    except Gone:
        size = 1
    found.size += size
    found.beyond = found.beyond or size > HEAD


def cut(folder: Path, found: Found, epoch: str) -> None:
    """Leave the good part only. Complete batches behind the damage are kept in files `log.damaged-…`."""
    if found.beyond:
        log.error("log damaged", extra={"kept": str(folder / f"log.damaged-{epoch}"), "bytes": found.size - found.end})
    for piece in reversed(found.lost):
        if piece.path.stat().st_size:
            piece.path.replace(folder / f"log.damaged-{epoch}-{piece.path.name}")
        else:
            piece.path.unlink()
    piece = found.pieces[-1]
    good = found.end - piece.start
    if piece.packed:
        found.pieces[-1] = _unpack(piece, good, folder / f"log.damaged-{epoch}-{piece.path.name}")
    elif (size := piece.size()) > good:
        if found.beyond:
            (folder / f"log.damaged-{epoch}").write_bytes(piece.read(good, size - good))
        os.truncate(piece.path, good)
    file = os.open(found.pieces[-1].path, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
    sync_folder(folder)
    found.lost, found.size = [], found.end


def tidy(pieces: Sequence[Piece]) -> None:
    """Remove what a crash left: the plain twins of packed pieces, and what was not finished."""
    for piece in pieces:
        if piece.packed:
            drop(piece.path.with_name(name_of(piece.first)))
    for path in pieces[0].path.parent.glob("log-*.new"):
        path.unlink()


def drop(plain: Path) -> None:
    """A plain piece that has a packed twin is of no use; the first one stays, empty: it carries the lock."""
    if plain.name == name_of(1):
        os.truncate(plain, 0)
    else:
        plain.unlink(missing_ok=True)


def _unpack(piece: Piece, good: int, keep: Path) -> Piece:
    """A damaged packed piece: its good beginning becomes lines again."""
    plain = Piece(piece.path.with_name(name_of(piece.first)), piece.first, piece.start)
    written = 0
    with plain.path.open("wb") as out:
        lines = piece.lines(0)
        while written < good:
            written += out.write(next(lines))
        out.flush()
        os.fsync(out.fileno())
    piece.path.replace(keep)
    return plain
