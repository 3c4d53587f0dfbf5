"""What a log adds up to, kept beside it, so that opening a long session does not read all of it again.

The file `checkpoint` is a line of JSON (what it belongs to), the packed lengths of all lines, the state, and a checksum of
everything. One that is damaged, of other code or of another log is as good as none: the log alone is the truth.
"""

import hashlib
import json
import logging
import os
import zlib
from array import array
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path

from volundr.broker import events, parts, records, state
from volundr.broker.pieces import sync_folder
from volundr.broker.scan import CHECKPOINT, Known
from volundr.broker.state import State
from volundr.broker.typed import codec

log = logging.getLogger(__name__)

_FORMAT = 1
_FAST = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The state after all records of `known`, and the lines told so far."""

    epoch: str
    known: Known
    state: State
    told: Sequence[str]


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Blocking. Atomically and durably; an OSError is logged, since nothing depends on it."""
    path = folder / CHECKPOINT
    new = path.with_suffix(".new")
    try:
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(file, "wb") as out:
            out.write(_packed(checkpoint))
            out.flush()
            os.fsync(out.fileno())
        new.replace(path)
        sync_folder(folder)
    except OSError as error:
        log.warning("checkpoint not written", extra={"folder": str(folder), "cause": str(error)})
        with suppress(OSError):
            new.unlink(missing_ok=True)


def load(folder: Path, epoch: str) -> Checkpoint | None:
    """Blocking. The one of this epoch, made by the same code; None when there is none."""
    try:
        data = (folder / CHECKPOINT).read_bytes()
    except OSError:
        return None
    try:
        return _unpacked(data, epoch)
    except (ValueError, KeyError, TypeError, IndexError, zlib.error):
        log.info("checkpoint not used", extra={"folder": str(folder)})
        return None


def load_known(folder: Path, epoch: str) -> Known | None:
    """Blocking. Only where records are, for who reads them and nothing else."""
    try:
        about, rest = _head((folder / CHECKPOINT).read_bytes())
        return _known(about, rest) if about["epoch"] == epoch else None
    except (OSError, ValueError, KeyError, TypeError, IndexError, zlib.error):
        return None


@cache
def fingerprint() -> str:
    """Of the code that folds records into a state: its fields, and its text as far as there is one."""
    shape = codec(State).shape.encode()
    texts = [_text(module.__file__) for module in (state, records, events, parts)]
    return hashlib.sha256(b"\0".join([shape, *texts])).hexdigest()[:16]


def _text(file: str | None) -> bytes:
    try:
        return Path(file or "").read_bytes()
    except OSError:
        return b""


def _packed(checkpoint: Checkpoint) -> bytes:
    known = checkpoint.known
    lengths = array("I", (b - a for a, b in zip(known.starts, [*known.starts[1:], known.end], strict=True)))
    index = zlib.compress(lengths.tobytes(), _FAST)
    body = json.dumps([codec(State).pack(checkpoint.state), list(checkpoint.told)], check_circular=False, separators=(",", ":"))
    about = {
        "format": _FORMAT,
        "code": fingerprint(),
        "epoch": checkpoint.epoch,
        "last": known.last.decode("ascii"),
        "index": len(index),
    }
    data = json.dumps(about).encode() + b"\n" + index + zlib.compress(body.encode(), _FAST)
    return data + b"%08x" % zlib.crc32(data)


def _head(data: bytes) -> tuple[dict[str, object], bytes]:
    if len(data) < 8 or data[-8:] != b"%08x" % zlib.crc32(memoryview(data)[:-8]):
        raise ValueError("The checkpoint is damaged.")
    head, _, rest = data[:-8].partition(b"\n")
    about = json.loads(head)
    if about["format"] != _FORMAT:
        raise ValueError("The checkpoint is of another version.")
    return about, rest


def _known(about: dict[str, object], rest: bytes) -> Known:
    lengths = array("I", zlib.decompress(rest[: int(str(about["index"]))]))
    starts = array("Q", accumulate(lengths, initial=0))
    return Known(starts, starts.pop(), str(about["last"]).encode())


def _unpacked(data: bytes, epoch: str) -> Checkpoint:
    about, rest = _head(data)
    if about["epoch"] != epoch or about["code"] != fingerprint():
        raise ValueError("The checkpoint is of another log or of other code.")
    plain, told = json.loads(zlib.decompress(rest[int(str(about["index"])) :]))
    return Checkpoint(epoch=epoch, known=_known(about, rest), state=codec(State).unpack(plain), told=told)
