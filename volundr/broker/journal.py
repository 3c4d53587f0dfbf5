"""The one road by which anything becomes part of a session: decided, written, taken up, and only then shown.

Frames are shown in the order of the log. Those that acknowledge a person's doing wait for the disk, and what comes after
them waits behind them; everything else is shown as soon as the system has it.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from volundr.broker.codec import Entry, encode, encode_entry
from volundr.broker.conversation import Conversation, Input
from volundr.broker.frames import ActivityChanged, Delta, Live, Output, Rejected, Stored
from volundr.broker.log import Log
from volundr.broker.parts import Activity
from volundr.broker.records import Chosen, MessageEdited, MessageRemoved, PermissionDecided, UserMessage
from volundr.broker.stream import Shown, Stream
from volundr.broker.transports.transport import Heard
from volundr.domain.errors import Unavailable

SYNC_SECONDS = 0.9
LEAST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
SLICE = 200
"""Events taken up without letting others have their turn."""
UNSHOWN_BYTES = 8 * 1024 * 1024

_PEOPLES = (UserMessage, MessageEdited, MessageRemoved, PermissionDecided, Chosen)
"""What people did: shown only once the disk has it."""

type Reply = Callable[[Live], None]


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def no_reply(_: Live) -> None:
    """For who does not wait for an answer."""


@dataclass(slots=True)
class _Waiting:
    """Frames that may be shown once the disk has the log up to `need`."""

    need: int
    frames: Sequence[Shown]
    replies: Sequence[Live] = ()
    reply: Reply = no_reply


@dataclass(slots=True, kw_only=True)
class Journal:
    """`heard_at` is when the agent last said anything, on the monotonic clock.

    `shown` is called after frames became visible, `settled` with a run and its line up to which all is on disk, `seen` with
    every new record.
    """

    log: Log
    conversation: Conversation
    stream: Stream
    shown: Callable[[], None]
    settled: Callable[[str, int], None]
    seen: Callable[[Entry], None]
    stuck: str = ""
    heard_at: float = field(default_factory=time.monotonic)
    activity: Activity = field(default_factory=lambda: Activity(state="starting"))
    _queue: deque[_Waiting] = field(default_factory=deque)
    _queued: int = 0
    _hearing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _room: asyncio.Event = field(default_factory=asyncio.Event)
    _marks: deque[tuple[int, str, int]] = field(default_factory=deque)
    _dirty: asyncio.Event = field(default_factory=asyncio.Event)
    _urgent: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, given: Input, reply: Reply = no_reply) -> None:
        """Decide, write and take up. Raises Unavailable when it cannot be written: then nothing has happened."""
        if self.stuck:
            raise Unavailable(self.stuck)
        conversation, at = self.conversation, now()
        entries, replies, seq = [], [], conversation.state.seq
        for item in conversation.decide(given):
            if isinstance(item, Stored | Rejected):
                replies.append(item)
            elif not isinstance(item, Delta | Output):
                seq += 1
                entries.append(Entry(seq, at, 0, item))
        frames = [(entry.seq, encode_entry(entry)) for entry in entries]
        end = self.log.append([raw for _, raw in frames])
        for entry in entries:
            conversation.apply(entry)
            self.seen(entry)
        durable = any(isinstance(entry.record, _PEOPLES) for entry in entries)
        self._show(_Waiting(end if durable else 0, frames, replies, reply))

    async def hear(self, batch: Sequence[Heard], deaf: Callable[[Heard], bool], run: str = "") -> None:
        """Take up what the agent did. Returns when it is written, however long that takes: the agent waits meanwhile."""
        for piece in _slices(batch):
            async with self._hearing:
                await self._hear(piece, deaf)
                self._mark(piece, run)
            while self._queued > UNSHOWN_BYTES:
                self._room.clear()
                await self._room.wait()

    async def _hear(self, batch: Sequence[Heard], deaf: Callable[[Heard], bool]) -> None:
        self.heard_at = time.monotonic()
        conversation, state, at = self.conversation, self.conversation.state, now()
        frames: list[Shown] = []
        entries: list[Entry] = []
        for heard in batch:
            if deaf(heard):
                continue
            for item in conversation.decide(heard.event):
                if isinstance(item, Delta):
                    state.extend(item)
                    frames.append((0, encode(item)))
                elif isinstance(item, Output):
                    state.print(item)
                    frames.append((0, encode(item)))
                elif not isinstance(item, Stored | Rejected):
                    entry = Entry(state.seq + 1, at, heard.line, item)
                    conversation.apply(entry)
                    entries.append(entry)
                    frames.append((entry.seq, encode_entry(entry)))
        if entries:
            await self._write([raw for seq, raw in frames if seq])
            for entry in entries:
                self.seen(entry)
        self._show(_Waiting(0, frames))

    def _mark(self, batch: Sequence[Heard], run: str) -> None:
        """Remember up to which line all is in the log. Lines of an unfinished block may be wanted once more."""
        if run and not self.conversation.state.blocks:
            self._marks.append((self.log.end, run, batch[-1].line))
            self._dirty.set()

    async def settle_now(self) -> None:
        """Before another run begins: let go of the lines of this one. Raises Unavailable when the disk does not take them."""
        await self.log.sync(self.log.end)
        self._settle()
        self._release()

    async def _write(self, raws: Sequence[bytes]) -> None:
        """What the agent did cannot be undone: try until the log takes it. Until then nobody else gets anything in."""
        pause = LEAST_PAUSE
        while True:
            try:
                self.log.append(raws)
            except Unavailable as error:
                self.stuck = f"{error} {error.hint}"
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                self.stuck = ""
                return

    def change(self) -> None:
        """Something that is not in the log changed what the session does."""
        self.conversation.state.settle_activity(now())
        self._show(_Waiting(0, ()))

    def _show(self, waiting: _Waiting) -> None:
        if waiting.frames:
            self._dirty.set()
        if waiting.need > self.log.synced:
            self._urgent.set()
            self._dirty.set()
        self._queue.append(waiting)
        self._queued += sum(len(raw) for _, raw in waiting.frames)
        self._release()

    def _release(self) -> None:
        while self._queue and self._queue[0].need <= self.log.synced:
            waiting = self._queue.popleft()
            self._queued -= sum(len(raw) for _, raw in waiting.frames)
            frames = waiting.frames
            if not self._queue and self.conversation.state.activity is not self.activity:
                self.activity = self.conversation.state.activity
                frames = [*frames, (0, encode(ActivityChanged(activity=self.activity)))]
            if frames:
                self.stream.publish(frames)
            for frame in waiting.replies:
                waiting.reply(frame)
        self._room.set()
        self.shown()

    async def sync_forever(self) -> None:
        """Bring the log to the disk: at once when somebody waits for it, else now and then."""
        pause = LEAST_PAUSE
        while True:
            await self._dirty.wait()
            try:
                async with asyncio.timeout(SYNC_SECONDS):
                    await self._urgent.wait()
            except TimeoutError:
                pass
            self._dirty.clear()
            self._urgent.clear()
            try:
                await self.log.sync(self.log.end)
            except Unavailable:
                self._dirty.set()
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            pause = LEAST_PAUSE
            self._settle()
            self._release()

    def _settle(self) -> None:
        done: dict[str, int] = {}
        while self._marks and self._marks[0][0] <= self.log.synced:
            _, run, line = self._marks.popleft()
            done[run] = line
        for run, line in done.items():
            self.settled(run, line)


def _slices(batch: Sequence[Heard]) -> Iterator[Sequence[Heard]]:
    """Pieces of a bearable size; a line's events stay together, since they are written together or not at all."""
    at = 0
    while at < len(batch):
        end = min(at + SLICE, len(batch))
        while end < len(batch) and batch[end].line == batch[end - 1].line:
            end += 1
        yield batch[at:end]
        at = end
