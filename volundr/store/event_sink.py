"""The database as a sink: events that arrive at about the same time are committed together."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from volundr.domain.errors import Unavailable
from volundr.domain.events import EventSink, SessionEvent, SessionEventRepository
from volundr.process import Tasks

log = logging.getLogger(__name__)

WAITING_MOST = 50_000
"""Events that may wait for the database; beyond it the answer is no."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    events: Sequence[SessionEvent]
    stored: asyncio.Future[None]


class BufferedEvents(EventSink):
    """Says yes only when the events are committed; the buffer is what waits for that, by `size` or `seconds`, whichever
    is first. So nothing it said yes to can be lost."""

    name = "database"

    def __init__(
        self, events: SessionEventRepository, size: int, seconds: float, stored: Callable[[], None] = lambda: None
    ) -> None:
        """`stored` is called after every commit."""
        self._events = events
        self._size = size
        self._seconds = seconds
        self._stored = stored
        self._waiting: list[_Waiting] = []
        self._full = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._tasks = Tasks()
        self._closing = False
        self._well = True

    async def emit_batch(self, events: Sequence[SessionEvent]) -> None:
        if self._many() + len(events) > WAITING_MOST:
            raise Unavailable("The database cannot keep up with the events.", hint="Send them again later.")
        mine = _Waiting(events, asyncio.get_running_loop().create_future())
        self._waiting.append(mine)
        if self._many() >= self._size:
            self._full.set()
        if self._task is None:
            self._task = self._tasks.spawn(self._drain(), name="event buffer")
        await asyncio.shield(mine.stored)

    async def flush(self) -> None:
        self._full.set()
        if self._task is not None:
            await asyncio.shield(self._task)

    async def close(self) -> None:
        self._closing = True
        await self.flush()
        await self._tasks.close()

    async def healthy(self) -> bool:
        return self._well

    def _many(self) -> int:
        return sum(len(one.events) for one in self._waiting)

    async def _drain(self) -> None:
        try:
            while self._waiting:
                await self._gather()
                batch, count = list[_Waiting](), 0
                while self._waiting and (not batch or count + len(self._waiting[0].events) <= self._size):
                    batch.append(self._waiting.pop(0))
                    count += len(batch[-1].events)
                await self._write(batch)
        finally:
            self._task = None

    async def _gather(self) -> None:
        """Wait for company."""
        if self._many() >= self._size or self._closing:
            return
        self._full.clear()
        try:
            async with asyncio.timeout(self._seconds):
                await self._full.wait()
        except TimeoutError:
            return

    async def _write(self, batch: Sequence[_Waiting]) -> None:
        try:
            await self._events.add([event for one in batch for event in one.events])
        except Unavailable as error:
            self._answer(batch, error)
        except Exception as error:
            if len(batch) == 1:
                self._answer(batch, error)
                return
            for one in batch:  # whose events they were that could not be written
                await self._write([one])
        else:
            self._answer(batch, None)
            self._stored()

    def _answer(self, batch: Sequence[_Waiting], error: Exception | None) -> None:
        self._well = error is None
        for one in batch:
            if one.stored.done():
                continue
            if error is None:
                one.stored.set_result(None)
            else:
                one.stored.set_exception(error)
                one.stored.exception()  # who waited may have gone: then nobody else asks
