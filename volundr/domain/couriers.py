"""Carries stored events to a sink: one courier for each, from a cursor that survives everybody."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from volundr.domain.errors import Unavailable
from volundr.domain.events import SINK_SECONDS, EventCursors, EventSink, SessionEvent, SessionEventRepository

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds. `lease` must be longer than a sink may take: else two readers deliver at once."""

    batch: int = 500
    idle: float = 1.0
    lease: float = SINK_SECONDS + 10
    least_pause: float = 0.5
    longest_pause: float = 30.0


class Courier:
    """An outage of the sink delays what it gets and loses nothing: the cursor moves only behind what was delivered.

    The same events come again when we die between the two, or the lease went to another.
    """

    def __init__(self, sink: EventSink, events: SessionEventRepository, cursors: EventCursors, pace: Pace | None = None) -> None:
        self.sink = sink
        self._events = events
        self._cursors = cursors
        self._pace = pace or Pace()
        self._holder = uuid4().hex
        self._news = asyncio.Event()

    def wake(self) -> None:
        """There is something new in the table."""
        self._news.set()

    async def run(self) -> None:
        """Own this task: it ends when it is cancelled."""
        pause = self._pace.least_pause
        try:
            while True:
                self._news.clear()
                try:
                    more = await self.deliver()
                except Exception as error:  # a plugin's sink may raise anything: it is tried again, whatever it was
                    await self._note(error)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, self._pace.longest_pause)
                    continue
                pause = self._pace.least_pause
                if not more:
                    await self._idle()
        finally:
            await self._end()

    async def deliver(self) -> bool:
        """One batch. False when there is nothing to do now, or another does it."""
        after = await self._cursors.claim(self.sink.name, self._holder, self._pace.lease)
        if after is None:
            return False
        events = await self._events.following(after, self._pace.batch)
        if not events:
            return False
        await self._emit(events)
        return await self._cursors.advance(self.sink.name, self._holder, events[-1].number)

    async def _emit(self, events: Sequence[SessionEvent]) -> None:
        try:
            async with asyncio.timeout(SINK_SECONDS):
                await self.sink.emit_batch(events)
        except TimeoutError as error:
            raise Unavailable(f"{self.sink.name} did not take the events within {SINK_SECONDS:.0f} s.") from error

    async def _idle(self) -> None:
        try:
            async with asyncio.timeout(self._pace.idle):
                await self._news.wait()
        except TimeoutError:
            return

    async def _note(self, error: Exception) -> None:
        """Only a text that was written for people is shown: another one might hold a password."""
        text = str(error) if isinstance(error, Unavailable) else f"It failed: {type(error).__name__}."
        log.warning("events are not delivered", extra={"sink": self.sink.name, "cause": type(error).__name__})
        try:
            await self._cursors.failed(self.sink.name, self._holder, text)
        except Unavailable:
            log.warning("failure of a sink is not noted", extra={"sink": self.sink.name})

    async def _end(self) -> None:
        try:
            async with asyncio.timeout(5):
                await self.sink.close()
                await self._cursors.release(self.sink.name, self._holder)
        except (Unavailable, TimeoutError, OSError) as error:
            log.warning("sink not closed", extra={"sink": self.sink.name, "cause": type(error).__name__})
