"""Budgets: who reaches one is paused with the reason, and goes on when it is raised or its period is over."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import OnForge
from tests.forge import Site, in_forge
from volundr.domain.budgets import Budget, Standing, period_now, told
from volundr.domain.sessions.model import Status
from volundr.domain.tickets import derive
from volundr.domain.tokens import Spent
from volundr.local.identity import keys_of

NOON = datetime(2026, 12, 31, 12, tzinfo=UTC)


def standing(spent: int = 0, tokens: int = 0, **values: Any) -> Standing:
    given = {"scope": "session", "subject": "s", "tenant_id": "default"} | values
    return Standing(budget=Budget(**given), spent=Spent(micros=spent, input=tokens, uses=1))


def test_the_limit_that_is_nearer_counts() -> None:
    assert standing(79, limit_micros=100).state == "ok"
    assert standing(80, limit_micros=100).state == "warned"
    assert standing(100, limit_micros=100).state == "reached"
    assert standing(1, 9, limit_micros=100, limit_tokens=10).state == "warned"
    assert standing(1, 10, limit_micros=100, limit_tokens=10).state == "reached"
    assert standing(0, limit_micros=0).state == "reached"


def test_periods_are_days_and_months_of_utc() -> None:
    assert period_now("total", NOON) == ("total", None)
    assert period_now("day", NOON) == ("2026-12-31", datetime(2027, 1, 1, tzinfo=UTC))
    assert period_now("month", NOON) == ("2026-12", datetime(2027, 1, 1, tzinfo=UTC))


def test_the_reason_says_how_much_and_what_to_do() -> None:
    reason, hint = told(standing(5_020_000, limit_micros=5_000_000, period="day"))
    assert reason == "The budget of this session for today is used up: $5.02 of $5.00."
    assert hint == "Raise it to go on."
    reason, _ = told(standing(0, 1200, limit_tokens=1000, limit_micros=5, scope="user", subject="ann"))
    assert reason == "The budget of 'ann' is used up: 1,200 of 1,000 tokens."


async def running(site: Site, name: str) -> str:
    made = await site.http.post(
        "/api/v1/sessions", json={"name": name, "agent": "claude", "source": {"type": "empty"}, "start": True}
    )
    assert made.status_code == 201, made.text
    session_id = str(made.json()["id"])
    await site.until(session_id, Status.RUNNING)
    return session_id


async def use(site: Site, session_id: str, seq: int, cost: float | None = 1.0, tokens: int = 1000) -> None:
    body = {"epoch": "e", "seq": seq, "model": "house", "output": tokens, "cost_usd": cost}
    assert (await site.http.post(f"/api/v1/sessions/{session_id}/usage", json=body)).status_code == 201


async def limit(site: Site, **values: Any) -> dict[str, Any]:
    made = await site.http.post("/api/v1/budgets", json=values)
    assert made.status_code == 201, made.text
    return dict(made.json())


def test_a_session_whose_budget_is_used_up_is_paused_with_the_reason_until_it_is_raised(on_forge: OnForge) -> None:
    async def scenario(site: Site) -> None:
        session_id, other = await running(site, "one"), await running(site, "two")
        budget = await limit(site, scope="session", subject=session_id, limit_usd=2.5)
        await use(site, session_id, 1)
        await use(site, session_id, 2)
        (now,) = (await site.http.get(f"/api/v1/sessions/{session_id}/budgets")).json()["items"]
        assert (now["state"], now["spent_usd"], now["limit_usd"], now["spent_tokens"]) == ("warned", 2.0, 2.5, 2000)
        assert (await site.http.get(f"/api/v1/sessions/{session_id}")).json()["status"] == "running"

        await use(site, session_id, 3)
        paused = await site.until(session_id, Status.STOPPED)
        assert paused["error"] == "The budget of this session is used up: $3.00 of $2.50."
        refused = await site.http.post(f"/api/v1/sessions/{session_id}/start")
        assert (refused.status_code, refused.json()["detail"]) == (409, paused["error"])
        assert refused.json()["hint"] == paused["hint"] == "Raise it to go on."
        assert (await site.http.get(f"/api/v1/sessions/{other}")).json()["status"] == "running"

        raised = await site.http.patch(f"/api/v1/budgets/{budget['id']}", json={"limit_usd": 10}, headers={"if-match": '"1"'})
        assert (raised.json()["state"], raised.headers["etag"]) == ("ok", '"2"')
        assert (await site.http.post(f"/api/v1/sessions/{session_id}/start")).status_code == 200
        assert (await site.until(session_id, Status.RUNNING))["error"] == ""

    on_forge(scenario)


def test_a_budget_of_a_person_or_a_tenant_pauses_all_that_is_theirs(on_forge: OnForge) -> None:
    async def scenario(site: Site) -> None:
        both = [await running(site, "one"), await running(site, "two")]
        await limit(site, scope="user", limit_tokens=1500, period="month")
        tenant = await limit(site, scope="tenant", limit_usd=100, period="day")
        await use(site, both[0], 1, cost=None)
        await use(site, both[1], 1, cost=None)
        for session_id in both:
            assert "used up: 2,000 of 1,500 tokens" in str((await site.until(session_id, Status.STOPPED))["error"])
        third = {"name": "three", "agent": "claude", "source": {"type": "empty"}, "start": False}
        assert (await site.http.post("/api/v1/sessions", json=third)).status_code == 201  # to write it down costs nothing
        shown = (await site.http.get(f"/api/v1/budgets/{tenant['id']}")).json()
        assert (shown["spent_usd"], shown["unpriced"], shown["spent_tokens"], shown["state"]) == (0.0, 2, 2000, "ok")

    on_forge(scenario)


def test_the_monthly_budget_of_a_tenant_binds_those_below_it(on_forge: OnForge) -> None:
    async def scenario(site: Site) -> None:
        session_id = await running(site, "one")
        assert (await site.http.patch("/api/v1/tenants/default", json={"budget_usd": 1.5})).status_code == 200
        await use(site, session_id, 1)
        await use(site, session_id, 2)
        paused = await site.until(session_id, Status.STOPPED)
        assert "The budget of the tenant 'default' for this month is used up: $2.00 of $1.50." in str(paused["error"])
        assert str(paused["hint"]).startswith("Raise the tenant's budget_usd to go on, or wait until ")
        (shown,) = (await site.http.get(f"/api/v1/sessions/{session_id}/budgets")).json()["items"]
        assert shown["built_in"] is True

    on_forge(scenario)


def test_a_budget_that_is_set_below_what_is_spent_pauses_at_once(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        session_id = await running(site, "one")
        await use(site, session_id, 1)
        budget = await limit(site, scope="session", subject=session_id, limit_usd=0.5)
        assert budget["state"] == "reached"
        await site.until(session_id, Status.STOPPED)

    in_forge(tmp_path, scenario)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"scope": "session", "subject": "nothing", "limit_usd": 1}, 422),
        ({"scope": "session", "subject": "00000000-0000-4000-8000-000000000000", "limit_usd": 1}, 404),
        ({"scope": "user", "subject": "nobody", "limit_usd": 1}, 404),
        ({"scope": "tenant", "subject": "another", "limit_usd": 1}, 422),
        ({"scope": "tenant"}, 422),
        ({"scope": "tenant", "limit_usd": -1}, 422),
    ],
)
def test_a_budget_that_makes_no_sense_is_refused(body: dict[str, Any], status: int, tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        assert (await site.http.post("/api/v1/budgets", json=body)).status_code == status

    in_forge(tmp_path, scenario)


def test_budgets_are_listed_changed_once_and_deleted(on_forge: OnForge) -> None:
    async def scenario(site: Site) -> None:
        made = [await limit(site, scope="tenant", period=period, limit_usd=1) for period in ("day", "month", "total")]
        again = await site.http.post("/api/v1/budgets", json={"scope": "tenant", "period": "day", "limit_usd": 2})
        assert again.status_code == 409
        first = (await site.http.get("/api/v1/budgets", params={"limit": 2, "scope": "tenant"})).json()
        rest = (await site.http.get("/api/v1/budgets", params={"cursor": first["next"], "scope": "tenant"})).json()
        assert [one["id"] for one in first["items"] + rest["items"]] == [one["id"] for one in reversed(made)]
        path = f"/api/v1/budgets/{made[0]['id']}"
        done = await asyncio.gather(
            *(site.http.patch(path, json={"limit_usd": n}, headers={"if-match": '"1"'}) for n in range(10))
        )
        assert sorted(one.status_code for one in done) == [200, *[412] * 9]
        assert (await site.http.patch(path, json={"limit_usd": None})).status_code == 422  # one without a limit is none
        for _ in range(2):
            assert (await site.http.delete(path)).status_code == 204
        assert (await site.http.get(path)).status_code == 404

    on_forge(scenario)


def test_a_sessions_budgets_go_with_it(on_forge: OnForge) -> None:
    async def scenario(site: Site) -> None:
        kept, gone = await running(site, "kept"), await running(site, "gone")
        for session_id in (kept, gone):
            for period in ("day", "total"):
                await limit(site, scope="session", subject=session_id, period=period, limit_usd=1)
        assert (await site.http.delete(f"/api/v1/sessions/{gone}")).status_code in {202, 204}
        async with asyncio.timeout(10):
            while (await site.http.get(f"/api/v1/sessions/{gone}")).status_code != 404:
                await asyncio.sleep(0.01)
        left = (await site.http.get("/api/v1/budgets")).json()["items"]
        assert {one["subject"] for one in left} == {kept}
        assert len(left) == 2

    on_forge(scenario)


def test_standings_are_asked_for_without_reading_single_uses(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        session_id = await running(site, "one")
        await limit(site, scope="session", subject=session_id, limit_usd=50)
        await use(site, session_id, 1)
        await site.forge.db.run("DELETE FROM token_uses")
        (now,) = (await site.http.get(f"/api/v1/sessions/{session_id}/budgets")).json()["items"]
        assert now["spent_usd"] == 1.0

    in_forge(tmp_path, scenario)


def test_a_session_shows_what_our_prices_know_when_its_agent_does_not_say(on_forge: OnForge) -> None:
    async def scenario(site: Site) -> None:
        session_id = await running(site, "one")
        key = derive(keys_of(site.home).session(session_id), "report")

        async def shown() -> float | None:
            path, pod = f"/api/v1/sessions/{session_id}/activity", {"authorization": f"Bearer {key}"}
            told = await site.http.put(path, json={"state": "idle"}, headers=pod)
            assert told.status_code == 204, told.text
            cost = (await site.http.get(f"/api/v1/sessions/{session_id}")).json()["activity"]["cost_usd"]
            return None if cost is None else float(cost)

        assert await shown() is None
        await use(site, session_id, 1, cost=0.25)
        assert await shown() == 0.25
        await use(site, session_id, 2, cost=None)
        assert await shown() is None  # something in it is not known: a part of it would mislead

    on_forge(scenario)
