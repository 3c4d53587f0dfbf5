"""What the forge must hear of a session, each thing once, however often either side dies meanwhile.

The log holds everything there is to report, so the outbox is only a place in it (`outbox/cursor.json`) and a pure fold from
there on. The forge knows every item by session, epoch and seq: what is sent again counts once.
"""

import asyncio
import json
import logging
import os
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from uuid import uuid4

from volundr.broker import chronicle, timeline, usage
from volundr.broker.chronicle import Chronicle
from volundr.broker.codec import Entry, decode_entry
from volundr.broker.log import Log
from volundr.broker.records import PermissionRaised, TurnFinished
from volundr.broker.report import ANSWER_SECONDS, LEAST_GAP, LEAST_PAUSE, LONGEST_PAUSE, send
from volundr.broker.timeline import Timeline
from volundr.domain.errors import Unavailable

log = logging.getLogger(__name__)

FORMAT = 1
LAZY_SECONDS = 5.0
"""How long what is no turn's end may wait for company."""
PAGE_RECORDS = 500
MOST_ITEMS = 200
_FORKED = b'{"type":"forked"'
_REFUSED_CONTENT = {400, 413, 422}
_GONE = 404

type Item = dict[str, object]


@dataclass(slots=True)
class Fold:
    """Everything that reports need to remember of the records before: small, and kept with the cursor."""

    timeline: Timeline = field(default_factory=Timeline)
    chronicle: Chronicle = field(default_factory=Chronicle)

    def take(self, entry: Entry) -> Sequence[Item]:
        moment = self.timeline.take(entry)
        self.chronicle.take(entry, moment)
        items = list(usage.told(entry))
        return items if moment is None else [*items, timeline.told(entry, moment)]


@dataclass(slots=True)
class Cursor:
    """Records up to `seq` are reported. `spans`: from which seq on records are known to the forge under which epoch.

    An epoch changes when the tail of the log was lost; what is left keeps the name that it may have been reported under.
    `done`: the session was stopped and all of it is reported. `owner` names who writes this file now.
    """

    seq: int = 0
    spans: list[tuple[str, int]] = field(default_factory=list)
    done: bool = False
    owner: str = ""
    url: str = ""
    secret: str = field(default="", repr=False)
    fold: Fold = field(default_factory=Fold)

    def epoch(self, seq: int) -> tuple[str, int]:
        """Under which epoch this record is reported, and the first one that is not (0: all that follow are)."""
        known = self.spans[0][0] if self.spans else ""
        for epoch, first in self.spans:
            if first > seq:
                return known, first
            known = epoch
        return known, 0

    def opened(self, epoch: str, last: int) -> None:
        """The log is open again, under this epoch, with so many records."""
        self.seq = min(self.seq, last)
        if not self.spans or self.spans[-1][0] != epoch:
            kept = [(name, first) for name, first in self.spans if first <= last]
            self.spans = [*kept, (epoch, last + 1 if kept else 1)]

    def dump(self) -> bytes:
        kept = {
            "format": FORMAT,
            "seq": self.seq,
            "spans": self.spans,
            "done": self.done,
            "owner": self.owner,
            "url": self.url,
            "secret": self.secret,
            "fold": asdict(self.fold),
        }
        return json.dumps(kept, separators=(",", ":")).encode()


def _cursor(raw: bytes) -> Cursor:
    """What `dump` wrote. Raises ValueError, TypeError, KeyError or AssertionError for anything else."""
    kept = json.loads(raw)
    assert kept["format"] == FORMAT
    return Cursor(
        seq=int(kept["seq"]),
        spans=[(str(epoch), int(first)) for epoch, first in kept["spans"]],
        done=bool(kept["done"]),
        owner=str(kept["owner"]),
        url=str(kept["url"]),
        secret=str(kept["secret"]),
        fold=Fold(timeline.restored(kept["fold"]["timeline"]), chronicle.restored(kept["fold"]["chronicle"])),
    )


@dataclass(frozen=True, slots=True)
class Batch:
    """The items of the records up to `last`, all under one epoch; `fold` is what is known behind them."""

    epoch: str
    last: int
    items: Sequence[Item]
    fold: Fold


class Outbox:
    """`note` only remembers; `run` is the task that speaks. Without an address nothing is said, and nothing is lost.

    `folder` is the session's own; make it before anything is appended to the log. The chat never waits for any of it.
    A `guest` steps back when somebody else uses the folder.
    """

    def __init__(self, folder: Path, session_log: Log, activity_url: str, secret: str, *, guest: bool = False) -> None:
        self._guest = guest
        self._folder = folder / "outbox"
        self._log = session_log
        self._found = session_log.last_seq
        self._url, self._secret = report_url(activity_url), secret
        self._owner = uuid4().hex
        self._cursor: Cursor | None = None
        self._batch: Batch | None = None
        self.gone = False
        self._due = asyncio.Event()
        self._due.set()
        self._lazy: asyncio.TimerHandle | None = None
        self._turn = asyncio.Lock()

    def aim(self, activity_url: str, secret: str) -> None:
        """The forge is elsewhere now."""
        self._url, self._secret, self.gone = report_url(activity_url), secret, False
        self._due.set()

    def note(self, entry: Entry) -> None:
        """A record is in the log. Cheap: called for every one."""
        if isinstance(entry.record, TurnFinished | PermissionRaised):
            self._due.set()
        elif self._lazy is None:
            self._lazy = asyncio.get_running_loop().call_later(LAZY_SECONDS, self._ring)

    def _ring(self) -> None:
        self._lazy = None
        self._due.set()

    async def run(self) -> None:
        """Own this task: it ends when it is cancelled."""
        pause = LEAST_PAUSE
        try:
            while True:
                await self._due.wait()
                self._due.clear()
                if await self._deliver():
                    pause = LEAST_PAUSE
                    await asyncio.sleep(LEAST_GAP)
                else:
                    self._due.set()
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LONGEST_PAUSE)
        finally:
            if self._lazy is not None:
                self._lazy.cancel()

    async def flush(self, limit: float) -> bool:
        """Tell the forge everything now. False when it is away or this takes longer: the rest stays for another time."""
        try:
            async with asyncio.timeout(limit):
                if not await self._deliver():
                    return False
                if self._url and self._cursor is not None:
                    await asyncio.to_thread(self._done)
        except (TimeoutError, OSError, Unavailable):
            return False
        return True

    async def _deliver(self) -> bool:
        """Report all there is; False when it is worth trying again. Only one does so at a time."""
        async with self._turn:
            try:
                while self._url and not self.gone:
                    if self._batch is None:
                        self._batch = await asyncio.to_thread(self._read)
                    if self._batch is None:
                        break
                    if not await self._send(self._batch.epoch, self._batch.items):
                        return self.gone
                    done, self._batch = self._batch, None
                    await asyncio.to_thread(self._advance, done)
            except (OSError, Unavailable) as error:
                log.warning("outbox not read or written", extra={"file": str(self._folder), "cause": str(error)})
                return False
        return True

    # --- disk: in a thread --------------------------------------------------------------------------------------------

    def _load(self) -> Cursor:
        """The cursor, ours now, and on the disk before anything is sent: by the epochs in it each thing counts once."""
        cursor = load(self._folder)
        fresh = not cursor.spans
        cursor.opened(self._log.epoch, self._found)
        if fresh:
            cursor.seq = _copied(self._log)
        cursor = replace(cursor, done=False, owner=self._owner, url=self._url, secret=self._secret)
        self._write(cursor)
        return cursor

    def _read(self) -> Batch | None:
        """The next batch; None when everything is reported. Records without news move the cursor as well."""
        if self._cursor is None:
            self._cursor = self._load()
        cursor, last = self._cursor, self._log.last_seq
        if cursor.seq >= last:
            return None
        epoch, following = cursor.epoch(cursor.seq + 1)
        upto = min(last, cursor.seq + PAGE_RECORDS, following - 1 if following else last)
        seq, fold, items = cursor.seq, deepcopy(cursor.fold), list[Item]()
        for raw in self._log.read(cursor.seq + 1, upto):
            seq += 1
            items += fold.take(decode_entry(raw))
            if len(items) >= MOST_ITEMS:
                break
        told = fold.chronicle.told()
        if told != cursor.fold.chronicle.told():
            items.append({**told, "seq": seq})
        return Batch(epoch, seq, items, fold)

    def _advance(self, batch: Batch) -> None:
        assert self._cursor is not None
        here = replace(self._cursor, done=False, url=self._url, secret=self._secret)
        self._cursor = replace(here, seq=batch.last, fold=batch.fold)
        self._keep(self._cursor)

    def _done(self) -> None:
        assert self._cursor is not None
        if not self._cursor.done:
            self._cursor = replace(self._cursor, done=True)
            self._keep(self._cursor)

    def _keep(self, cursor: Cursor) -> None:
        if self._guest and load(self._folder).owner != self._owner:
            raise Unavailable("The session runs again: its own outbox goes on.")
        self._write(cursor)

    def _write(self, cursor: Cursor) -> None:
        """Whole or not at all, and on the disk."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        new = self._folder / f"cursor.{uuid4().hex[:8]}.new"
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(file, "wb") as out:
                out.write(cursor.dump())
                out.flush()
                os.fsync(out.fileno())
            new.replace(self._folder / "cursor.json")
        except BaseException:
            new.unlink(missing_ok=True)
            raise

    # --- the forge ----------------------------------------------------------------------------------------------------

    async def _send(self, epoch: str, items: Sequence[Item]) -> bool:
        """False when it is worth trying again."""
        if not items:
            return True
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                status = await send("POST", self._url, self._secret, _body(epoch, items))
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError) as error:
            log.info("forge is away", extra={"cause": repr(error)})
            return False
        if status in _REFUSED_CONTENT:
            if len(items) == 1:
                log.warning("forge refuses an item of a report", extra={"status": status, "item": items[0].get("type")})
                return True
            half = len(items) // 2
            return await self._send(epoch, items[:half]) and await self._send(epoch, items[half:])
        if status == _GONE:
            log.info("forge does not know this session", extra={"folder": str(self._folder)})
            self.gone = True
            return False
        return status < 300


def load(folder: Path) -> Cursor:
    """Blocking. What was written last into this outbox; a new cursor when that is nothing or nothing that can be read."""
    try:
        return _cursor((folder / "cursor.json").read_bytes())
    except FileNotFoundError:
        return Cursor()
    except (ValueError, TypeError, KeyError, IndexError, AssertionError) as error:
        log.warning("outbox begins anew", extra={"file": str(folder), "cause": repr(error)})
        return Cursor()


def _body(epoch: str, items: Sequence[Item]) -> bytes:
    return json.dumps({"epoch": epoch, "items": list(items)}, separators=(",", ":")).encode()


def report_url(activity_url: str) -> str:
    """Where reports go, beside the address for activity; "" for none."""
    return f"{activity_url.removesuffix('/activity')}/report" if activity_url else ""


def _copied(session_log: Log) -> int:
    """The last record that came from another session, which reports it itself."""
    last = 0
    for first in range(1, session_log.last_seq + 1, PAGE_RECORDS):
        for seq, raw in enumerate(session_log.read(first, first + PAGE_RECORDS - 1), start=first):
            if raw.startswith(_FORKED):
                last = seq
    return last
