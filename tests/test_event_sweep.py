"""What of the events goes, and how starts and stops that nobody told are made up for, however many sessions there are."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from tests.conftest import Run
from volundr.db.database import Database
from volundr.db.migrate import migrate
from volundr.domain.events import EventFilter, EventType, SessionEvent
from volundr.domain.paging import PageRequest
from volundr.domain.sessions.model import Session
from volundr.store import event_cursors
from volundr.store.event_cursors import CursorStore, EventSweep
from volundr.store.events import EventStore
from volundr.store.opening import MIGRATIONS
from volundr.store.sessions import SessionStore


def event(session: UUID, kind: EventType = EventType.TOOL_USE, sequence: int = 0) -> SessionEvent:
    now = datetime.now(UTC)
    return SessionEvent(
        id=uuid4(), session_id=session, type=kind, sequence=sequence, at=now, data={}, tenant_id="default", owner_id="local"
    )


async def sessions_on(db: Database, many: int) -> list[UUID]:
    await migrate(db, MIGRATIONS)
    made = [Session(name=f"s{number}", agent="demo", owner_id="local", tenant_id="default") for number in range(many)]
    for session in made:
        await SessionStore(db).add(session)
    return [session.id for session in made]


def test_events_of_sessions_that_are_gone_go_and_others_stay(on_database: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_cursors, "SESSIONS_AT_ONCE", 3)

    async def scenario(db: Database) -> None:
        alive, gone = await sessions_on(db, 10), [uuid4() for _ in range(9)]
        store = EventStore(db)
        await store.add([event(one, sequence=number) for one in [*alive, *gone] for number in range(3)])
        assert await EventSweep(db, []).orphans() == len(gone)
        assert {one.session_id for one in await store.following(0, 1000)} == set(alive)
        assert await EventSweep(db, []).orphans() == 0

    on_database(scenario)


def test_what_a_sink_waits_for_stays_although_its_session_is_gone(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        await sessions_on(db, 0)
        store = EventStore(db)
        await store.add([event(uuid4()) for _ in range(3)])
        await CursorStore(db).claim("shelf", "me", 10)
        await CursorStore(db).advance("shelf", "me", 2)
        await EventSweep(db, ["shelf"]).orphans()
        assert [one.number for one in await store.following(0, 1000)] == [3]

    on_database(scenario)


def test_starts_and_stops_are_kept_where_they_say_something_new(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        up, down, never = await sessions_on(db, 3)
        store = EventStore(db)
        await store.add([event(up, EventType.SESSION_START, 1), event(down, EventType.SESSION_START, 2), event(down, sequence=7)])
        said = [event(up, EventType.SESSION_START), event(down, EventType.SESSION_STOP), event(never, EventType.SESSION_STOP)]
        assert await store.settle(said) == 1  # who never started has not stopped
        assert await store.settle(said) == 0
        assert await store.settle([]) == 0
        last = (await store.list(down, EventFilter(), PageRequest(sort="-number", limit=1))).items[0]
        assert (last.type, last.sequence) == (EventType.SESSION_STOP, 7)

    on_database(scenario)
