"""Which kept conversations and files may go, by the person's policy, and their removal. Nothing goes unless it was asked for.

`plan` is pure: the same list is shown beforehand (a dry run) and carried out by `apply`.
"""

import fcntl
import json
import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from volundr.broker.pieces import files, name_of
from volundr.broker.scan import CHECKPOINT

log = logging.getLogger(__name__)

ATTACHMENTS = "attachments"
REMOVED = "removed.json"

type What = Literal["conversation", "attachments"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Days that things are kept after a session was archived or stopped; 0 keeps them for ever."""

    archived_days: float = 0
    stopped_days: float = 0
    attachments_days: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Resting:
    """A session and since when it has been in this state."""

    session: str
    name: str
    status: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Bytes on the disk."""

    conversation: int = 0
    attachments: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """One thing to remove, as it is told to people."""

    session: str
    name: str
    what: What
    size: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`refused` are those that could not be removed, with the cause."""

    removed: Sequence[Removal]
    refused: Sequence[tuple[Removal, str]]

    @property
    def size(self) -> int:
        return sum(one.size for one in self.removed)


def plan(resting: Sequence[Resting], kept: Mapping[str, Kept], policy: Policy, now: datetime) -> Sequence[Removal]:
    """What may go now, largest first. Sessions that are neither archived nor stopped lose nothing, ever."""
    found = []
    for one in resting:
        days = {"archived": policy.archived_days, "stopped": policy.stopped_days}.get(one.status)
        if days is None:
            continue
        has = kept.get(one.session, Kept())
        if _due(one, days, now):
            found += [_removal(one, "conversation", has.conversation, days), _removal(one, "attachments", has.attachments, days)]
        elif _due(one, policy.attachments_days, now):
            found.append(_removal(one, "attachments", has.attachments, policy.attachments_days))
    return sorted((one for one in found if one.size), key=lambda one: (-one.size, one.session, one.what))


def _due(one: Resting, days: float, now: datetime) -> bool:
    return days > 0 and now - one.since >= timedelta(days=days)


def _removal(one: Resting, what: What, size: int, days: float) -> Removal:
    reason = f"{one.status} since {one.since:%Y-%m-%d}, kept for {days:g} days"
    return Removal(session=one.session, name=one.name, what=what, size=size, reason=reason)


def measure(folder: Path) -> Mapping[str, Kept]:
    """Blocking. What the sessions in this folder (`<home>/sessions`) have on the disk."""
    return {
        place.name: Kept(conversation=_size(_log_files(place)), attachments=_tree(place / ATTACHMENTS)) for place in _in(folder)
    }


def apply(folder: Path, removals: Sequence[Removal], now: datetime) -> Outcome:
    """Blocking. Remove these. One whose session runs again, or is being read, stays and is told so."""
    removed, refused = [], []
    for one in removals:
        place = folder / one.session
        try:
            if (place / "spec.json").exists():
                raise BlockingIOError("The session runs again.")
            if one.what == "conversation":
                _remove_log(place)
            else:
                shutil.rmtree(place / ATTACHMENTS)
            _note(place, one, now)
        except BlockingIOError:
            refused.append((one, "The session is in use."))
        except OSError as error:
            log.warning("kept data not removed", extra={"session": one.session, "what": one.what, "cause": str(error)})
            refused.append((one, error.strerror or str(error)))
        else:
            removed.append(one)
    return Outcome(removed=removed, refused=refused)


def _remove_log(place: Path) -> None:
    """Newest first: whatever a crash leaves is a good log that is shorter, and of another epoch."""
    lock = os.open(place / name_of(1), os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for name in (CHECKPOINT, "log.json"):
            (place / name).unlink(missing_ok=True)
        for first, path in reversed(files(place)):
            path.unlink()
            (place / name_of(first)).unlink(missing_ok=True)
        for path in _log_files(place):
            path.unlink(missing_ok=True)
    finally:
        os.close(lock)


def _note(place: Path, one: Removal, now: datetime) -> None:
    """So that it can be told why a conversation is empty."""
    path = place / REMOVED
    try:
        known = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        known = []
    new = path.with_suffix(".new")
    new.write_text(json.dumps([*known, {"at": now.isoformat(), **asdict(one)}]), "utf-8")
    new.replace(path)


def removals_of(place: Path) -> Sequence[Mapping[str, object]]:
    """Blocking. What was removed of the session in this folder, and why; nothing for most."""
    try:
        found = json.loads((place / REMOVED).read_text("utf-8"))
    except (OSError, ValueError):
        return ()
    return tuple(found)


def _in(folder: Path) -> Sequence[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()) if folder.is_dir() else []


def _log_files(place: Path) -> Sequence[Path]:
    return [*place.glob("log.*"), *place.glob("log-*"), *place.glob(CHECKPOINT)]


def _size(paths: Sequence[Path]) -> int:
    total = 0
    for path in paths:
        try:
            total += path.lstat().st_blocks * 512
        except FileNotFoundError:
            continue
    return total


def _tree(place: Path) -> int:
    return _size([path for path in place.rglob("*") if not path.is_dir()]) if place.is_dir() else 0
