"""Tells watchers in this process what happens to sessions."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from secrets import token_hex

from volundr.domain.sessions.ports import Event, EventBroadcaster

KEPT = 4096
GAP_SECONDS = 0.03
"""Watchers are woken at once, but not again before this: with a thousand of them, waking is the cost."""


class LocalBroadcaster(EventBroadcaster):
    """Keeps the last KEPT events, numbered. A watcher is a position in them: a slow one costs nothing and loses its place."""

    def __init__(self, kept: int = KEPT) -> None:
        self._boot = token_hex(4)
        self._kept: deque[Event] = deque(maxlen=kept)
        self._next = 1
        self._news = asyncio.Event()
        self._pause: asyncio.TimerHandle | None = None
        self._unheard = False

    def publish(self, event: Event) -> None:
        self._kept.append(event)
        self._next += 1
        self._unheard = True
        if self._pause is None:
            self._wake()

    def _wake(self) -> None:
        self._pause = None
        if self._unheard:
            self._unheard = False
            self._news.set()
            self._news = asyncio.Event()
            self._pause = asyncio.get_running_loop().call_later(GAP_SECONDS, self._wake)

    async def watch(self, after: str = "") -> AsyncIterator[tuple[str, Event | None]]:
        position = self._position(after)
        while True:
            first = self._next - len(self._kept)
            if position is None or position < first:
                position = self._next
                yield self._id(position - 1), None
            while position < self._next:
                event = self._kept[position - (self._next - len(self._kept))]
                position += 1
                yield self._id(position - 1), event
                if position < self._next - len(self._kept):
                    break
            else:
                await self._news.wait()

    def _id(self, number: int) -> str:
        return f"{self._boot}-{number}"

    def _position(self, after: str) -> int | None:
        """Where to go on; None when that place is not known here (another boot, not one of ours)."""
        if not after:
            return self._next
        boot, _, number = after.partition("-")
        if boot != self._boot or not number.isdecimal() or int(number) >= self._next:
            return None
        return int(number) + 1
