"""The pipeline of session events: the database first, then a courier for each sink that is configured."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

from volundr.domain.couriers import Courier
from volundr.domain.errors import Unavailable
from volundr.domain.events import EventIngestionService, EventService, EventSink
from volundr.domain.session_watch import SessionWatch
from volundr.store.event_cursors import CursorStore, EventSweep
from volundr.store.event_sink import BufferedEvents
from volundr.store.events import EventStore
from volundr.wiring.ground import Ground, Part

log = logging.getLogger(__name__)

SWEEP_SECONDS = 3600.0


def part(ground: Ground) -> Part:
    settings, events, cursors = ground.settings.events, EventStore(ground.db), CursorStore(ground.db)
    sinks = [ground.adapters.make(EventSink, name, section) for name, section in ground.settings.sinks.items()]
    couriers = [Courier(sink, events, cursors) for sink in sinks]

    def stored() -> None:
        for courier in couriers:
            courier.wake()

    store = BufferedEvents(events, settings.buffer_size, settings.buffer_seconds, stored)
    sweep = EventSweep(ground.db, [sink.name for sink in sinks])
    watch = SessionWatch(ground.sessions, ground.events, events, sweep.of)

    async def sweeping() -> None:
        while True:
            await swept(sweep, settings.days)
            await asyncio.sleep(SWEEP_SECONDS)

    run: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {"events of sessions": watch.run}
    run |= {f"events to {courier.sink.name}": courier.run for courier in couriers}
    return Part(
        services={
            EventIngestionService: EventIngestionService(store),
            EventService: EventService(events, cursors, store, sinks),
        },
        run=run,
        duties={"sweep of events": sweeping},
        close=(store.close,),
    )


async def swept(sweep: EventSweep, days: float) -> None:
    """Remove what may go; a database that is away is tried again the next time."""
    try:
        await sweep.orphans()
        if days:
            await sweep.old(datetime.now(UTC) - timedelta(days=days))
    except Unavailable as error:
        log.warning("events not swept", extra={"cause": str(error)})
