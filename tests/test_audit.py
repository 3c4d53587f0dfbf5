"""The audit log: every change a person asks for, done or refused, and nothing of what was in it."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.conftest import OnForge, Run
from tests.forge import Site
from volundr.api.auditing import STRANGERS_MOST
from volundr.db.database import Database
from volundr.db.migrate import migrate
from volundr.domain import audit as audit_module
from volundr.domain.audit import AuditEntry, AuditFilter, AuditLog, AuditRepository
from volundr.domain.errors import Unavailable
from volundr.domain.paging import Page, PageRequest
from volundr.store.audit import AuditStore
from volundr.store.opening import MIGRATIONS

CANARY = "canary-2b7e"


def entry(number: int, **more: Any) -> AuditEntry:
    at = datetime(2026, 5, 1, tzinfo=UTC) + timedelta(minutes=number)
    given = {"tenant_id": "default", "actor": "ann", "via": "cookie", "action": "POST /x", "subject": f"id={number}"} | more
    return AuditEntry(at=at, status=given.pop("status", 200), address="127.0.0.1", **given)


async def listed(site: Site, **wanted: Any) -> list[dict[str, Any]]:
    answer = await site.http.get("/api/v1/audit", params=wanted)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def test_changes_are_noted_with_who_what_and_what_came_of_it(on_forge: OnForge) -> None:
    async def scenario(site: Site) -> None:
        body = {"name": "one", "agent": "claude", "source": {"type": "empty"}, "start": False}
        session_id = (await site.http.post("/api/v1/sessions", json=body)).json()["id"]
        await site.http.get(f"/api/v1/sessions/{session_id}")
        assert (await site.http.post("/api/v1/sessions", json=body)).status_code == 409
        await site.http.post(f"/api/v1/sessions/{session_id}/start?note={CANARY}")
        secret = {"type": "api_key", "values": {"api_key": CANARY}}
        await site.http.put("/api/v1/credentials/box", json=secret)
        newest = await listed(site)
        assert [(one["action"], one["status"]) for one in newest] == [
            ("PUT /api/v1/credentials/{name}", 200),
            ("POST /api/v1/sessions/{session_id}/start", 200),
            ("POST /api/v1/sessions", 409),
            ("POST /api/v1/sessions", 201),
        ]
        assert newest[1]["subject"] == f"session_id={session_id}"
        assert {(one["actor"], one["via"]) for one in newest} == {("local", "bearer")}
        assert CANARY not in str(newest)
        assert [one["status"] for one in await listed(site, refused=True)] == [409]
        assert len(await listed(site, subject=session_id)) == 1
        assert await listed(site, actor="nobody") == []
        assert len(await listed(site, action="POST /api/v1/sessions", since="2020-01-01T00:00:00Z")) == 2

    on_forge(scenario)


def test_strangers_cannot_fill_it_but_their_logins_are_in_it(on_forge: OnForge) -> None:
    async def scenario(site: Site) -> None:
        nobody = {"authorization": "Bearer wrong"}
        assert (await site.http.post("/api/v1/sessions", json={}, headers=nobody)).status_code == 401
        origin = {"origin": "http://localhost:8123"}
        failed = await site.http.post("/api/v1/login", json={"code": CANARY}, headers=nobody | origin)
        assert failed.status_code == 403
        only, *_ = noted = await listed(site)
        assert len(noted) == 1
        for _ in range(STRANGERS_MOST + 5):
            await site.http.post("/api/v1/login", json={"code": CANARY}, headers=nobody | origin)
        assert len(await listed(site, limit=200)) <= STRANGERS_MOST + STRANGERS_MOST  # the minute may change meanwhile
        assert len(await listed(site, limit=200)) >= STRANGERS_MOST
        assert (only["action"], only["actor"], only["status"]) == ("POST /api/v1/login", "", 403)
        assert CANARY not in str(only)

    on_forge(scenario)


def test_a_tenant_sees_its_own_and_those_above_see_it_too(on_forge: OnForge) -> None:
    async def scenario(site: Site) -> None:
        await site.http.post("/api/v1/tenants", json={"id": "team", "name": "Team"})
        there = {"volundr-tenant": "team"}
        await site.http.put("/api/v1/credentials/box", json={"type": "api_key", "values": {"api_key": "k"}}, headers=there)
        assert [one["action"] for one in await listed(site, tenant="team")] == ["PUT /api/v1/credentials/{name}"]
        below = (await site.http.get("/api/v1/audit", headers=there)).json()["items"]
        assert [one["tenant_id"] for one in below] == ["team"]
        assert (await site.http.get("/api/v1/audit", params={"tenant": "default"}, headers=there)).status_code == 404

    on_forge(scenario, server=True)


def test_pages_and_filters_hold_together(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        await migrate(db, MIGRATIONS)
        store = AuditStore(db)
        entries = [entry(number, actor="bob" if number % 3 else "ann") for number in range(30)]
        await store.add([*entries, entry(99, tenant_id="other")])
        await store.add(entries[:2])  # the same again is no other entry
        found: list[AuditEntry] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await store.list(AuditFilter(tenant_id="default", actor="bob"), PageRequest(limit=7, cursor=cursor))
            found += page.items
            cursor = page.next
        assert found == [one for one in reversed(entries) if one.actor == "bob"]
        assert await store.forget(entries[10].at, 4) == 4
        assert await store.forget(entries[10].at, 400) == 6
        left = await store.list(AuditFilter(tenant_id="default"), PageRequest(sort="at", limit=1))
        assert list(left.items) == [entries[10]]

    on_database(scenario)


class Away(AuditRepository):
    """A database that is away for some time."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.kept: list[AuditEntry] = []

    async def add(self, entries: Sequence[AuditEntry]) -> None:
        if self.failures:
            self.failures -= 1
            raise Unavailable("The database is away.")
        self.kept += entries

    async def list(self, chosen: AuditFilter, page: PageRequest) -> Page[AuditEntry]:
        return Page(items=[one for one in self.kept if one.tenant_id == chosen.tenant_id][: page.limit], next=None)

    async def forget(self, before: datetime, limit: int) -> int:
        gone = [one for one in self.kept if one.at < before][:limit]
        self.kept = [one for one in self.kept if one not in gone]
        return len(gone)


def test_what_was_noted_while_the_database_was_away_is_written_in_order_when_it_is_back() -> None:
    async def scenario() -> None:
        away = Away(1)
        log = AuditLog(away)
        noted = [entry(number) for number in range(1200)]
        for one in noted[:700]:
            log.note(one)
        try:
            await log.flush()
        except Unavailable:
            for one in noted[700:]:
                log.note(one)
        await log.close()
        assert away.kept == noted

    asyncio.run(scenario())


class Fussy(Away):
    """Refuses one entry, and whatever comes with it."""

    async def add(self, entries: Sequence[AuditEntry]) -> None:
        if any(one.subject == "id=3" for one in entries):
            raise ValueError("this one not")
        await super().add(entries)


def test_an_entry_that_cannot_be_stored_is_lost_alone() -> None:
    async def scenario() -> None:
        fussy = Fussy(0)
        log = AuditLog(fussy)
        for number in range(6):
            log.note(entry(number))
        await log.flush()
        assert [one.subject for one in fussy.kept] == ["id=0", "id=1", "id=2", "id=4", "id=5"]
        assert log.lost == 1

    asyncio.run(scenario())


def test_what_is_too_much_to_wait_is_counted_and_old_ones_go(monkeypatch: Any) -> None:
    async def scenario() -> None:
        monkeypatch.setattr(audit_module, "WAITING_MOST", 10)
        away = Away(0)
        log = AuditLog(away, days=30)
        for number in range(15):
            log.note(entry(number))
        assert log.lost == 5
        await log.close()
        assert [one.subject for one in away.kept] == [f"id={number}" for number in range(5, 15)]
        log.note(
            AuditEntry(
                **{name: getattr(entry(1), name) for name in ("tenant_id", "actor", "via", "action")},
                subject="new",
                status=200,
                address="",
            )
        )
        await log.flush()
        assert await log.sweep() == 10
        assert [one.subject for one in away.kept] == ["new"]

    asyncio.run(scenario())
