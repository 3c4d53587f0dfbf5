"""Session events: stored once and in order, read by couriers that lose nothing, asked for through HTTP."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.conftest import Run
from tests.forge import Site, in_forge
from volundr.db.database import Database
from volundr.db.migrate import migrate
from volundr.domain.couriers import Courier, Pace
from volundr.domain.errors import Unavailable
from volundr.domain.events import EventFilter, EventIngestionService, EventSink, EventType, SessionEvent, event_id
from volundr.domain.paging import PageRequest
from volundr.store.event_cursors import CursorStore
from volundr.store.event_sink import BufferedEvents
from volundr.store.events import EventStore
from volundr.store.opening import MIGRATIONS

AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
SESSION = uuid4()


def event(sequence: int, kind: EventType = EventType.TOOL_USE, session: UUID = SESSION, **more: Any) -> SessionEvent:
    return SessionEvent(
        id=event_id(session, "e", sequence, kind),
        session_id=session,
        tenant_id="default",
        owner_id="local",
        epoch="e",
        sequence=sequence,
        type=kind,
        at=AT + timedelta(seconds=sequence),
        **more,
    )


class Shelf(EventSink):
    """Keeps what it gets; says no as often as `down` says."""

    name = "shelf"

    def __init__(self, down: int = 0) -> None:
        self.kept: list[SessionEvent] = []
        self.down = down

    async def emit_batch(self, events: Sequence[SessionEvent]) -> None:
        if self.down:
            self.down -= 1
            raise Unavailable("The shelf is away.")
        self.kept += events


async def store_on(db: Database) -> EventStore:
    await migrate(db, MIGRATIONS)
    return EventStore(db)


def test_what_is_told_twice_is_stored_once(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        events = await store_on(db)
        await events.add([event(1, data={"a": "ü"}), event(2)])
        await events.add([event(2), event(3)])
        found = (await events.list(SESSION, EventFilter(), PageRequest())).items
        assert [one.sequence for one in found] == [1, 2, 3]
        assert found[0].data == {"a": "ü"}
        assert await events.counts(SESSION) == {EventType.TOOL_USE: 3}

    on_database(scenario)


def test_a_reader_that_follows_the_numbers_misses_none_of_many_writers(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        events = await store_on(db)
        sessions = [uuid4() for _ in range(8)]
        seen: list[SessionEvent] = []

        async def read() -> None:
            async with asyncio.timeout(30):
                while len(seen) < 400:
                    seen.extend(await events.following(seen[-1].number if seen else 0, 50))
                    await asyncio.sleep(0)

        async def write(session: UUID) -> None:
            for first in range(0, 50, 5):
                await events.add([event(first + n, session=session) for n in range(5)])

        await asyncio.gather(read(), *(write(session) for session in sessions))
        assert len({one.id for one in seen}) == 400
        for session in sessions:
            assert [one.sequence for one in seen if one.session_id == session] == list(range(50))

    on_database(scenario)


def test_tokens_are_added_up_in_spans(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        events = await store_on(db)
        used = [event(n * 40, EventType.TOKEN_USAGE, tokens_in=10, tokens_out=1, cost=0.5) for n in range(4)]
        await events.add([*used, event(7)])
        found = await events.tokens(SESSION, 60, EventFilter(), 10)
        assert [(one.start, one.tokens_in, one.cost) for one in found] == [
            (AT, 20, 1.0),
            (AT + timedelta(minutes=1), 10, 0.5),
            (AT + timedelta(minutes=2), 10, 0.5),
        ]

    on_database(scenario)


def test_yes_means_stored_and_waiting_events_are_stored_at_the_end(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        events = await store_on(db)
        sink = BufferedEvents(events, size=100, seconds=30)
        telling = [asyncio.get_running_loop().create_task(sink.emit(event(n))) for n in range(20)]
        await asyncio.sleep(0)
        assert not (await events.list(SESSION, EventFilter(), PageRequest())).items
        await sink.close()
        await asyncio.gather(*telling)
        assert len((await events.list(SESSION, EventFilter(), PageRequest())).items) == 20

    on_database(scenario)


def test_one_sink_that_fails_stands_in_nobodys_way() -> None:
    async def main() -> None:
        good, bad = Shelf(), Shelf(down=9)
        await EventIngestionService(good, [bad]).take([event(1)])
        assert [one.sequence for one in good.kept] == [1]
        with pytest.raises(Unavailable, match="away"):
            await EventIngestionService(bad, [good]).take([event(2)])
        assert [one.sequence for one in good.kept] == [1, 2]

    asyncio.run(main())


def test_an_outage_of_a_sink_delays_and_loses_nothing(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        events, cursors, shelf = await store_on(db), CursorStore(db), Shelf(down=3)
        pace = Pace(batch=7, idle=0.02, least_pause=0.01, longest_pause=0.05)
        await events.add([event(n) for n in range(30)])
        couriers = [Courier(shelf, events, cursors, pace) for _ in range(2)]  # two replicas: one delivers
        running = [asyncio.get_running_loop().create_task(one.run()) for one in couriers]
        async with asyncio.timeout(20):
            while len(shelf.kept) < 30:
                await asyncio.sleep(0.01)
            await events.add([event(n) for n in range(30, 40)])
            while len(shelf.kept) < 40:
                await asyncio.sleep(0.01)
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        assert [one.sequence for one in shelf.kept] == list(range(40))
        (health,) = await cursors.health(["shelf"])
        assert (health.healthy, health.lag_events, health.error) == (True, 0, "")

    on_database(scenario)


def test_a_courier_goes_on_where_the_one_before_it_ended(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        events, cursors = await store_on(db), CursorStore(db)
        await events.add([event(n) for n in range(10)])
        first, second = Shelf(), Shelf()
        one = Courier(first, events, cursors, Pace(batch=4, lease=0.01))
        assert await one.deliver()
        await asyncio.sleep(0.02)
        other = Courier(second, events, cursors, Pace(batch=100))
        assert await other.deliver()
        assert [one.sequence for one in (*first.kept, *second.kept)] == list(range(10))

    on_database(scenario)


def test_queries_of_a_session_use_an_index(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        await store_on(db)
        if db.kind == "sqlite":
            for order in ("sequence", "at", "number"):
                plan = await db.fetch(
                    f"EXPLAIN QUERY PLAN SELECT id FROM session_events WHERE session_id = 'x' ORDER BY {order}, number LIMIT 50"
                )
                assert all("SCAN" not in row["detail"] for row in plan), [row["detail"] for row in plan]

    on_database(scenario)


def test_events_through_http(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        made = (await site.http.post("/api/v1/sessions", json={"name": "s", "agent": "demo", "start": False})).json()
        path = f"/api/v1/sessions/{made['id']}/events"
        one = {"type": "tool_use", "sequence": 1, "at": "2026-11-01T12:00:00Z", "data": {"tool": "Bash"}}
        first = await site.http.post(path, json=one)
        again = await site.http.post(path, json=one)
        assert (first.status_code, again.json()["number"]) == (201, first.json()["number"])
        usage = {"type": "token_usage", "sequence": 2, "at": "2026-11-01T12:00:05Z", "tokens_in": 5, "tokens_out": 2}
        batch = await site.http.post(f"{path}/batch", json={"events": [usage, {**one, "sequence": 3}]})
        assert [event["sequence"] for event in batch.json()["events"]] == [2, 3]
        listed = (await site.http.get(path, params={"type": "tool_use", "limit": 1})).json()
        assert [event["sequence"] for event in listed["items"]] == [1]
        assert listed["next"]
        assert (await site.http.get(f"{path}/counts")).json() == {"counts": {"tool_use": 2, "token_usage": 1}, "total": 3}
        tokens = (await site.http.get(f"{path}/tokens")).json()["buckets"]
        assert [(one["tokens_in"], one["cost"]) for one in tokens] == [(5, None)]
        sinks = (await site.http.get("/api/v1/events/sinks")).json()["sinks"]
        assert [(sink["name"], sink["healthy"]) for sink in sinks] == [("database", True)]
        wrong = await site.http.post(path, json={**one, "data": {"a": "x" * 20_000}})
        assert wrong.status_code == 422
        assert (await site.http.post(f"/api/v1/sessions/{uuid4()}/events", json=one)).status_code == 404

    in_forge(tmp_path, scenario)
