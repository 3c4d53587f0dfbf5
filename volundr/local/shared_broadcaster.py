"""Tells watchers what happens to sessions on any worker of any replica: from the log of changes, woken by the database."""

import asyncio
import logging
from bisect import bisect_right
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress

from volundr.db.database import Database
from volundr.domain.errors import VolundrError
from volundr.domain.sessions.ports import Event
from volundr.local.broadcaster import KEPT, LocalBroadcaster
from volundr.store.changes import CHANNEL, ChangeLog

log = logging.getLogger(__name__)

BATCH = 500
LOOK_SECONDS = 5.0
"""A wake-up may be lost with its connection: somebody looks anyway."""
AGAIN_SECONDS = 1.0
TRIM_SECONDS = 3600.0


class SharedBroadcaster(LocalBroadcaster):
    """Events keep the ids that the database gave them, so that a client may go on at any worker."""

    def __init__(self, db: Database, changes: ChangeLog, kept: int = KEPT) -> None:
        super().__init__(kept)
        self._db = db
        self._changes = changes
        self._ids: list[int] = []
        self._last = 0
        self._begun = asyncio.Event()

    def publish(self, event: Event) -> None:
        """Nothing: who keeps sessions wrote it into the log of changes, in the same transaction."""

    async def run(self) -> None:
        """Own this task: reads the log as it grows."""
        if not self._begun.is_set():  # begun anew it goes on where it was
            _, self._last = await self._changes.ends()
            self._begun.set()
        while True:
            try:
                async with aclosing(self._db.heard(CHANNEL, LOOK_SECONDS)) as news:
                    async for _ in news:
                        await self._read()
            except VolundrError as error:
                log.warning("changes cannot be heard", extra={"cause": str(error)})
            await asyncio.sleep(AGAIN_SECONDS)

    async def trim(self) -> None:
        """Own this task: forgets old changes now and then."""
        while True:
            await asyncio.sleep(TRIM_SECONDS)
            try:
                await self._changes.trim()
            except VolundrError as error:
                log.warning("old changes are kept", extra={"cause": str(error)})

    async def _read(self) -> None:
        while True:
            found = await self._changes.after(self._last, BATCH)
            for change in found:
                self._last = change.id
                self._ids.append(change.id)
                super().publish(change.event)
            del self._ids[: -len(self._kept) or None]
            if len(found) < BATCH:
                return

    async def watch(self, after: str = "") -> AsyncIterator[tuple[str, Event | None]]:
        await self._begun.wait()
        if after.isdecimal() and self._position(after) is None:
            async for event_id, event in self._replay(int(after)):
                after = event_id
                yield event_id, event
        async for told in super().watch(after):
            yield told

    async def _replay(self, position: int) -> AsyncIterator[tuple[str, Event]]:
        """What memory does not have any more, as far as the log has it all."""
        oldest, newest = await self._changes.ends()
        if not oldest or position < oldest - 1 or position > newest:
            return
        if position > self._last:  # they heard it from a worker that is a moment ahead of this one
            with suppress(TimeoutError):
                async with asyncio.timeout(2 * LOOK_SECONDS):
                    while self._last < position:
                        await self._news.wait()
            return
        while self._position(str(position)) is None:
            found = await self._changes.after(position, BATCH)
            for change in found:
                position = change.id
                yield str(change.id), change.event
            if not found:
                return

    def _id(self, number: int) -> str:
        """The id of the event of this number in memory; of the newest there is when it is not in memory any more."""
        place = number - (self._next - len(self._kept))
        return str(self._ids[place] if 0 <= place < len(self._ids) else self._last)

    def _position(self, after: str) -> int | None:
        if not after:
            return self._next
        if not after.isdecimal() or int(after) > self._last:
            return None
        first = self._next - len(self._kept)
        if int(after) == self._last:
            return self._next
        if not self._ids or int(after) < self._ids[0]:
            return None
        return first + bisect_right(self._ids, int(after))
