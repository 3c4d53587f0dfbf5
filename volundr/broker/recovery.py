"""Where a session goes on: its log read again, folded into its conversation."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from volundr.broker.checkpoint import Checkpoint, load, save
from volundr.broker.codec import Entry, decode_entry
from volundr.broker.conversation import Conversation
from volundr.broker.epochs import epoch_of
from volundr.broker.log import Log
from volundr.broker.pieces import pack
from volundr.broker.records import AgentState, Notice, TurnFinished
from volundr.broker.state import State
from volundr.domain.errors import VolundrError

logger = logging.getLogger(__name__)

TOLD_LINES = 400
CHECKPOINT_EVERY = 5000
WORTH_IT = 1000
"""Records whose folding takes longer than a checkpoint costs."""
_PAGE = 1000
_BREATH, _BREATH_SECONDS = 50, 0.001
"""A fold beside a living session lets others have their turn."""


@dataclass(frozen=True, slots=True)
class Told:
    """The last things worth knowing when something goes wrong, as lines for people."""

    _lines: deque[str] = field(default_factory=lambda: deque(maxlen=TOLD_LINES))

    def note(self, entry: Entry) -> None:
        match entry.record:
            case AgentState(state=state, run=run, error=error, hint=hint):
                self._lines.append(f"{entry.at} run {run} {state} {error} {hint}".rstrip())
            case Notice(level=level, text=text, detail=detail):
                self._lines.append(f"{entry.at} {level}: {text} {detail}".rstrip())
            case TurnFinished(turn=turn, status=status, error=error) if status != "ok":
                self._lines.append(f"{entry.at} turn {turn} {status} {error}".rstrip())
            case _:
                pass

    def take(self, lines: Sequence[str]) -> None:
        self._lines.extend(lines)

    def kept(self) -> Sequence[str]:
        return list(self._lines)

    def last(self, count: int) -> Sequence[str]:
        return [line for text in self._lines for line in text.splitlines()][-count:] if count > 0 else []


def recover(folder: Path, conversation: Conversation, told: Told) -> Log:
    """Blocking. Open the log and let the conversation take up all of it, from the checkpoint on. Raises Unavailable.

    Its `upkeep.run` keeps the next opening quick.
    """
    checkpoint = _last(folder)
    log = Log.open(folder, known=checkpoint.known if checkpoint else None)
    conversation.epoch = log.epoch
    try:
        if checkpoint is not None and log.known:
            conversation.state = checkpoint.state
            told.take(checkpoint.told)
        for entry in _entries(log, log.known + 1, log.last_seq):
            conversation.apply(entry)
            told.note(entry)
    except BaseException:
        log.release()
        raise
    log.upkeep = Upkeep(folder, log)
    if log.last_seq - log.known >= CHECKPOINT_EVERY or log.due():
        log.aged.set()
    return log


class Upkeep:
    """What a log needs now and then, in a thread: its full pieces packed, its checkpoint renewed.

    The checkpoint is folded from the log itself, never taken from the living state: it cannot hold what is not written.
    """

    def __init__(self, folder: Path, log: Log, every: int = CHECKPOINT_EVERY, worth: int = WORTH_IT) -> None:
        self._folder = folder
        self._log = log
        self._every, self._worth = every, worth
        self._turn = Lock()
        self._over = False

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await self._log.aged.wait()
            self._log.aged.clear()
            await asyncio.to_thread(self.work)

    def work(self) -> None:
        """Blocking. All that is due."""
        with self._turn:
            try:
                for piece, size in self._log.due():
                    if not self._over:
                        self._log.packed(pack(piece, size))
                if not self._over:
                    self._renew(self._every)
            except (OSError, VolundrError) as error:
                logger.warning("log not packed", extra={"folder": str(self._folder), "cause": str(error)})

    def finish(self) -> None:
        """Blocking. Before the log is closed: waits for what is at work, and makes the last checkpoint."""
        self._over = True
        with self._turn:
            try:
                self._renew(self._worth)
            except (OSError, VolundrError) as error:
                logger.warning("last checkpoint not made", extra={"folder": str(self._folder), "cause": str(error)})

    def _renew(self, after: int) -> None:
        log = self._log
        before = _last(self._folder)
        count = len(before.known.starts) if before else 0
        if log.suspect or log.last_seq - count < after:
            return
        newest, known = log.mark()
        state, told = (before.state, Told()) if before else (State(), Told())
        told.take(before.told if before else ())
        for entry in _entries(log, count + 1, newest):
            state.apply(entry)
            told.note(entry)
            if entry.seq % _BREATH == 0 and not self._over:
                time.sleep(_BREATH_SECONDS)
        if not log.suspect:
            save(self._folder, Checkpoint(epoch=log.epoch, known=known, state=state, told=told.kept()))


def _last(folder: Path) -> Checkpoint | None:
    try:
        return load(folder, epoch_of(folder))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _entries(log: Log, first: int, last: int) -> Iterator[Entry]:
    for at in range(first, last + 1, _PAGE):
        for raw in log.read(at, min(at + _PAGE - 1, last)):
            yield decode_entry(raw)
