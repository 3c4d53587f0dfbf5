"""What every SessionRepository guarantees, on both databases."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.conftest import Run
from volundr.db.database import Database
from volundr.db.migrate import migrate
from volundr.domain.errors import Conflict, Invalid
from volundr.domain.identity import Whose
from volundr.domain.paging import PageRequest
from volundr.domain.sessions.model import WAYS, Activity, GitSource, LocalSource, Session, Status, sources
from volundr.domain.sessions.ports import SessionFilter
from volundr.store.sessions import MIGRATIONS, SessionStore


async def store_on(db: Database) -> SessionStore:
    await migrate(db, {"sessions": MIGRATIONS})
    return SessionStore(db)


def a_session(name: str = "one", **more: Any) -> Session:
    return Session(name=name, agent="demo", **more)


def test_a_session_comes_back_as_it_was_added(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        store = await store_on(db)
        for number, source in enumerate([GitSource(url="https://x/y", branch="b"), LocalSource(path="/w", mode="in_place")]):
            session = a_session(f"s{number}", source=source, pod={"deep": {"n": [1, 2]}})
            await store.add(session)
            assert await store.get(session.id) == session

    on_database(scenario)


def test_a_name_is_taken_until_its_session_is_archived(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        store = await store_on(db)
        first = a_session()
        await store.add(first)
        with pytest.raises(Conflict, match="'one' already"):
            await store.add(a_session())
        await store.add(a_session(owner_id="somebody-else"))
        assert await store.move(first.id, Status.ARCHIVED, {})
        await store.add(a_session())
        with pytest.raises(Conflict):
            await store.move(first.id, Status.STOPPED, {})

    on_database(scenario)


def test_pages_are_newest_first_without_gaps_or_repeats(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        store = await store_on(db)
        base = a_session("base")
        for number in range(25):
            await store.add(a_session(f"s{number:02}", created_at=base.created_at + timedelta(seconds=number // 3)))
        seen, cursor = list[Session](), ""
        while True:
            page = await store.list(SessionFilter(), PageRequest(cursor=cursor, limit=7))
            seen += page.items
            if page.next is None:
                break
            cursor = page.next
        assert len({session.id for session in seen}) == 25
        assert seen == sorted(seen, key=lambda s: (s.created_at, str(s.id)), reverse=True)
        with pytest.raises(Invalid, match="cursor"):
            await store.list(SessionFilter(), PageRequest(cursor="nonsense"))

    on_database(scenario)


def test_lists_leave_out_archived_sessions_unless_asked(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        store = await store_on(db)
        old = a_session("old")
        await store.add(old)
        await store.add(a_session("new"))
        await store.move(old.id, Status.ARCHIVED, {})
        assert [s.name for s in (await store.list(SessionFilter(), PageRequest())).items] == ["new"]
        assert [s.name for s in (await store.list(SessionFilter(status=[Status.ARCHIVED]), PageRequest())).items] == ["old"]
        assert (
            await store.list(SessionFilter(whose=Whose(tenant_id="default", owner_id="somebody-else")), PageRequest())
        ).items == []

    on_database(scenario)


def test_only_legal_steps_are_taken(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        store = await store_on(db)
        for start in Status:
            for target in Status:
                session = a_session(f"{start}-{target}", status=start)
                await store.add(session)
                moved = await store.move(session.id, target, {"step": "x"})
                assert (moved is not None) == (target in WAYS[start]), (start, target)
                if moved:
                    assert (moved.status, moved.step, moved.revision) == (target, "x", 2)

    on_database(scenario)


def test_of_ten_that_move_a_session_one_wins(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        store = await store_on(db)
        session = a_session()
        await store.add(session)
        moved = await asyncio.gather(*(store.move(session.id, Status.STARTING, {}) for _ in range(10)))
        assert sum(m is not None for m in moved) == 1

    on_database(scenario)


def test_an_update_may_ask_for_the_revision_it_knows(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        store = await store_on(db)
        session = a_session()
        await store.add(session)
        changed = await store.update(session.id, {"name": "two"}, revision=1)
        assert changed is not None and (changed.name, changed.revision) == ("two", 2)
        assert await store.update(session.id, {"name": "three"}, revision=1) is None

    on_database(scenario)


def test_reports_count_only_while_the_session_runs(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        store = await store_on(db)
        session = a_session(status=Status.RUNNING)
        await store.add(session)
        busy = Activity(state="working", what="Bash: make", messages=3)
        reported = await store.report(session.id, busy)
        assert reported is not None and reported.activity == busy
        await store.move(session.id, Status.STOPPING, {})
        assert await store.report(session.id, replace(busy, messages=4)) is None

    on_database(scenario)


def test_deleting_twice_is_no_error(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        store = await store_on(db)
        session = a_session()
        await store.add(session)
        assert await store.delete(session.id) is True
        assert await store.delete(session.id) is False
        assert await store.get(session.id) is None

    on_database(scenario)


def test_no_state_is_a_dead_end() -> None:
    for status in Status:
        assert WAYS[status], status
        assert status is Status.CREATED or sources(status), status


def test_the_list_uses_an_index(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        await store_on(db)
        if db.kind == "sqlite":
            plan = await db.fetch(
                "EXPLAIN QUERY PLAN SELECT * FROM sessions WHERE tenant_id = 't' AND owner_id = 'a' AND status <> 'archived' "
                "ORDER BY created_at DESC, id DESC LIMIT 50"
            )
            assert any("sessions_open_of_owner" in row["detail"] for row in plan)
            assert not any("TEMP B-TREE" in row["detail"] for row in plan)

    on_database(scenario)
