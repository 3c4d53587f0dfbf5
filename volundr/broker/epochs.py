"""What stands beside a log: its epoch, the boot in which it was opened, and whether it was closed in good order."""

import json
import os
from pathlib import Path
from uuid import uuid4

from volundr.broker.pieces import sync_folder
from volundr.broker.scan import Found

SIDE = "log.json"


def boot_id() -> str:
    """Names this boot of the machine; "" where the system has no such name."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def epoch_of(folder: Path) -> str:
    """The epoch as it stands beside the log. Raises OSError, ValueError, KeyError or TypeError."""
    return str(json.loads((folder / SIDE).read_bytes())["epoch"])


def next_epoch(folder: Path, boot: str, found: Found) -> str:
    """The epoch of before, unless clients may have seen records that are lost: then cursors of old must not be trusted."""
    try:
        known = json.loads((folder / SIDE).read_bytes())
        epoch, before, clean = str(known["epoch"]), str(known["boot"]), bool(known["clean"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return uuid4().hex[:12]
    lost = found.torn if clean else before != boot
    return uuid4().hex[:12] if lost or found.beyond else epoch


def close_side(folder: Path, epoch: str) -> None:
    """Blocking. All of the log is on the disk. Raises OSError or ValueError."""
    write_side(folder, epoch, str(json.loads((folder / SIDE).read_bytes())["boot"]), clean=True)


def write_side(folder: Path, epoch: str, boot: str, *, clean: bool) -> None:
    side = folder / SIDE
    new = side.with_suffix(".new")
    with new.open("w", encoding="utf-8") as out:
        json.dump({"epoch": epoch, "boot": boot, "clean": clean}, out)
        out.flush()
        os.fsync(out.fileno())
    new.replace(side)
    sync_folder(side.parent)
