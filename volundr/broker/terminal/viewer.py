"""One of those who look at a terminal: what it still has to get, bounded."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from volundr.broker.terminal.protocol import OUTPUT, Size

QUEUE_BYTES = 512 * 1024
"""Output that waits for a viewer. One that has more to wait for gets the screen instead."""
FRAME_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Closing:
    code: int
    reason: str


class Viewer:
    """`fresh` makes the frames that rebuild the screen as it is at that moment; `moved` is called when its needs change."""

    def __init__(self, size: Size, *, read_only: bool, fresh: Callable[[], Sequence[bytes]], moved: Callable[[], None]) -> None:
        self.size = size
        self.read_only = read_only
        self.paused = False
        self.closing: Closing | None = None
        self._fresh, self._moved = fresh, moved
        self._stale = True
        self._queue = bytearray()
        self._first: list[bytes] = []
        self._news = asyncio.Event()
        self._news.set()

    @property
    def behind(self) -> bool:
        """Whether it can take no more for now. One that will get the whole screen needs nothing before that."""
        return self.paused or self._stale or len(self._queue) > QUEUE_BYTES // 2

    def offer(self, data: bytes) -> None:
        """Live output: kept for it, unless it waits for the whole screen anyway."""
        if self._stale:
            return
        if len(self._queue) + len(data) > QUEUE_BYTES:
            self._stale = True
            self._queue.clear()
        else:
            self._queue += data
        self._news.set()

    def tell(self, frame: bytes) -> None:
        """A frame that is no output. The latest of a kind counts: a viewer who does not read must not pile them up."""
        self._first = [one for one in self._first if one[:1] != frame[:1]] + [frame]
        self._news.set()

    def pause(self, *, on: bool) -> None:
        self.paused = on
        self._news.set()
        self._moved()

    def close(self, code: int, reason: str) -> None:
        """What waits is still given to it."""
        self.closing = self.closing or Closing(code, reason)
        self._news.set()

    async def frames(self) -> Sequence[bytes]:
        """The next frames to send; none at the end, which `closing` tells."""
        while True:
            if not self.paused or self.closing:
                if frames := self._take():
                    self._moved()
                    return frames
                if self.closing:
                    return ()
            self._news.clear()
            await self._news.wait()

    def _take(self) -> Sequence[bytes]:
        frames, self._first = self._first, []
        if self._stale:
            self._stale = False
            return self._fresh()
        if self._queue:
            frames.append(OUTPUT + self._queue[:FRAME_BYTES])
            del self._queue[:FRAME_BYTES]
        return frames
