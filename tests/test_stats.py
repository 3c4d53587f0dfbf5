"""Usage that is posted, statistics from sums, and the list of models, through HTTP on both databases."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.books import Desk, desk
from tests.conftest import Run
from tests.forge import Site, in_forge
from volundr.db.database import Database
from volundr.domain.errors import Invalid
from volundr.domain.identity import Whose
from volundr.domain.paging import PageRequest
from volundr.domain.sessions.model import Session
from volundr.domain.stats import DAYS_MOST, window_of
from volundr.store.stats import StatsStore

NIGHT = "2026-05-31T22:30:00+00:00"


async def post(site: Desk, session: Session, seq: int, **more: object) -> int:
    body = {"epoch": "hand", "seq": seq, "model": "m", "input": seq, "cost_usd": 0.1, "at": NIGHT} | more
    answer = await site.http.post(f"/api/v1/sessions/{session.id}/usage", json=body)
    return answer.status_code


def test_forty_posts_at_once_and_each_of_them_twice_add_up(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            session = await site.session()
            codes = await asyncio.gather(*(post(site, session, seq) for seq in [*range(1, 41)] * 2))
            assert set(codes) == {201}
            (total,) = (await site.get(f"sessions/{session.id}/usage"))["models"]
            assert (total["input"], total["cost_usd"], total["uses"]) == (820, 4.0, 40)
            (day,) = (await site.get("stats/usage", **{"from": "2026-05-31", "to": "2026-05-31"}))["items"]
            assert (day["key"], day["tokens"], day["cost_usd"], day["uses"]) == ("2026-05-31", 820, 4.0, 40)

    on_database(scenario)


def test_a_broker_and_its_people_may_post_and_nobody_else(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            one, other = await site.session("one"), await site.session("two")
            path, body = f"/api/v1/sessions/{one.id}/usage", {"epoch": "e", "seq": 1, "model": "claude-haiku-4-5", "input": 500}
            assert (await site.http.post(path, json=body, headers=site.pod(other))).status_code == 401
            kept = await site.http.post(path, json=body, headers=site.pod(one))
            assert (kept.status_code, kept.json()["cost_usd"], kept.json()["priced_by"]) == (201, 0.0005, "table")
            for wrong in ({"seq": 0}, {"input": 10**13}, {"at": "0001-01-01T00:00:00+14:00"}, {"cost_usd": 1e300}, {"epoch": ""}):
                assert (await site.http.post(path, json=body | wrong)).status_code == 422, wrong

    on_database(scenario)


def test_a_day_is_a_day_of_who_asks(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            await post(site, await site.session(), 1)
            for offset, day in ((0, "2026-05-31"), (90, "2026-06-01"), (75, "2026-05-31"), (-480, "2026-05-31")):
                found = await site.get("stats/usage", to="2026-06-02", utc_offset=offset)
                assert [item["key"] for item in found["items"]] == [day], offset
            empty = await site.get("stats/usage", **{"from": "2026-06-01", "to": "2026-06-02", "utc_offset": 75})
            assert empty["items"] == []

    on_database(scenario)


def test_usage_is_told_by_model_person_repository_and_session_in_pages(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            mine, theirs = await site.session("mine"), await site.session("theirs", owner="ada")
            await post(site, mine, 1, model="b")
            await post(site, mine, 2, model="a", cost_usd=None)
            await post(site, theirs, 3, model="c", at="2026-05-30T10:00:00+00:00")
            asked = {"to": "2026-06-02", "owner": "all"}
            first = await site.get("stats/usage", by="model", limit=2, **asked)
            assert [(one["key"], one["cost_usd"], one["unpriced"]) for one in first["items"]] == [("a", None, 1), ("b", 0.1, 0)]
            rest = await site.get("stats/usage", by="model", limit=2, cursor=first["next"], **asked)
            assert ([one["key"] for one in rest["items"]], rest["next"]) == (["c"], None)
            assert [one["key"] for one in (await site.get("stats/usage", by="user", **asked))["items"]] == ["ada", "local"]
            assert [one["uses"] for one in (await site.get("stats/usage", by="repo", **asked))["items"]] == [3]
            sessions = await site.get("stats/usage", by="session", limit=1, **asked)
            assert [(one["label"], one["uses"], one["unpriced"]) for one in sessions["items"]] == [("mine", 2, 1)]
            more = await site.get("stats/usage", by="session", limit=1, cursor=sessions["next"], **asked)
            assert [(one["key"], one["label"]) for one in more["items"]] == [(str(theirs.id), "theirs")]
            own = await site.get("stats/usage", by="model", to="2026-06-02")
            assert [one["key"] for one in own["items"]] == ["a", "b"]
            days = await site.get("stats/usage", by="day", limit=1, **asked)
            later = await site.get("stats/usage", by="day", limit=1, cursor=days["next"], **asked)
            assert [one["key"] for one in days["items"] + later["items"]] == ["2026-05-30", "2026-05-31"]

    on_database(scenario)


@pytest.mark.parametrize(
    "wrong",
    [
        "by=colour",
        "from=2026-02-02&to=2026-02-01",
        "from=2020-01-01&to=2026-01-01",
        "utc_offset=7",
        "utc_offset=900",
        "to=0001-01-01",
        "to=9999-12-31",
        "cursor=nonsense",
        "cursor=WyJtb2RlbCIsICJhIl0=",
        "cursor=WyJkYXkiLCAxZTk5XQ==",
        "cursor=MQ==",
        "by=session&cursor=xx",
        "sort=cost",
        "by=session&sort=cost",
        "limit=201",
    ],
)
def test_what_makes_no_sense_is_refused(wrong: str, on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            assert (await site.http.get(f"/api/v1/stats/usage?{wrong}")).status_code == 422

    on_database(scenario)


def test_the_dashboard_adds_up_today_and_the_last_days(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            empty = await site.get("stats")
            assert (empty["today"]["cost_usd"], empty["total_sessions"]) == (0.0, 0)
            session, now = await site.session(), datetime.now(UTC)
            for seq, days in enumerate((0, 3, 20, 90), start=1):
                await post(site, session, seq, at=(now - timedelta(days=days)).isoformat())
            await post(site, session, 9, at=now.isoformat(), cost_usd=None)
            shown = await site.get("stats")
            assert (shown["sessions"], shown["active_sessions"]) == ({"running": 1}, 1)
            assert [shown[name]["uses"] for name in ("today", "last_7_days", "last_30_days")] == [2, 3, 4]
            assert (shown["today"]["unpriced"], shown["last_30_days"]["cost_usd"]) == (1, 0.3)

    on_database(scenario)


def test_a_window_is_whole_days_and_bounded() -> None:
    window = window_of(date(2026, 1, 1), date(2026, 1, 1), 60)
    assert (window.begin, window.end - window.begin) == (datetime(2025, 12, 31, 23, tzinfo=UTC), timedelta(days=1))
    assert window_of(date(2026, 1, 1), date(2026, 1, 1) + timedelta(days=DAYS_MOST - 1), 0)
    with pytest.raises(Invalid, match="366"):
        window_of(date(2026, 1, 1), date(2026, 1, 1) + timedelta(days=DAYS_MOST), 0)


def test_statistics_read_no_table_as_a_whole(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            await post(site, await site.session(), 1)
            plans = await _plans(db)
            assert not [line for plan in plans for line in plan if "SCAN" in line or "Seq Scan" in line], plans

    on_database(scenario)


async def _plans(db: Database) -> list[list[str]]:
    """What the database would do for each question of the statistics, with Postgres told that no table is small."""
    told: list[list[str]] = []
    window = window_of(date(2026, 5, 1), date(2026, 5, 31), 0)

    class Asking(StatsStore):
        """Explains instead of answering."""

    class Explained:
        async def fetch(self, query: str, **params: object) -> list[object]:
            async with db.transaction() as tx:
                if db.kind == "postgres":
                    await tx.run("SET LOCAL enable_seqscan = off")
                prefix = "EXPLAIN " if db.kind == "postgres" else "EXPLAIN QUERY PLAN "
                told.append([str(list(row)) for row in await tx.fetch(prefix + query, **params)])
            return await db.fetch(query, **params)  # type: ignore[return-value]

        async def fetch_one(self, query: str, **params: object) -> object:
            return (await self.fetch(query, **params))[0]

    stats = Asking(Explained())  # type: ignore[arg-type]
    for whose in (Whose(tenant_id="default"), Whose(tenant_id="default", owner_id="local")):
        await stats.total(whose, window)
        for by in ("day", "model", "user", "repo", "session"):
            await stats.usage(whose, by, window, PageRequest())
    return told


def test_models_are_listed_with_their_prices_and_who_offers_them(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "config.toml").write_text('[prices."house/model-1"]\ninput = 1\noutput = 2.5\n')

    async def scenario(site: Site) -> None:
        page = (await site.http.get("/api/v1/models", params={"limit": 2})).json()
        assert [one["id"] for one in page["items"]] == ["claude-3-5-haiku", "claude-3-7-sonnet"]
        assert page["items"][0]["price"] == {"input": 0.8, "output": 4.0, "cache_read": 0.08, "cache_write": 1.0}
        (own,) = (await site.http.get("/api/v1/models", params={"provider": "own"})).json()["items"]
        assert (own["id"], own["source"], own["offered_by"]) == ("house/model-1", "settings", [])
        ids: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = (await site.http.get("/api/v1/models", params={"limit": 7, "cursor": cursor, "sort": "-id"})).json()
            ids += [one["id"] for one in page["items"]]
            cursor = page["next"]
        assert len(ids) == len(set(ids)) > 20
        assert ids == sorted(ids, reverse=True)
        assert (await site.http.get("/api/v1/models", params={"sort": "name"})).status_code == 422
        assert (await site.http.get("/api/v1/stats")).status_code == 200

    in_forge(tmp_path, scenario)
