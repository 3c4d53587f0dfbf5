"""Prices, and sums that are raised as uses come: on both databases, exact whoever writes at once."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run
from volundr.db.database import Database
from volundr.db.migrate import migrate
from volundr.domain.errors import Invalid
from volundr.domain.pricing import Price, micros
from volundr.domain.sessions.model import EmptySource, GitSource, LocalSource, Session, repo_of
from volundr.domain.tokens import Spent, TokenService, TokenUse
from volundr.local.pricing import TABLE, PriceTable
from volundr.store.opening import MIGRATIONS
from volundr.store.tokens import TokenStore

AT = datetime(2026, 5, 31, 23, 50, tzinfo=UTC)


def use(
    seq: int = 1, *, model: str = "claude-sonnet-4-5", at: datetime = AT, cost: float | None = None, **counts: Any
) -> TokenUse:
    return TokenUse(epoch="e", seq=seq, turn=seq, model=model, cost_usd=cost, at=at, **counts)


def price(model: str, own: dict[str, dict[str, object]] | None = None) -> tuple[Price, str] | None:
    return asyncio.run(PriceTable(own).price(model))


def test_each_kind_of_token_has_its_own_price() -> None:
    each = Price(input=3.0, output=15.0, cache_read=0.3, cache_write=3.75)
    assert micros(each, use(input=1_000_000, output=100, cache_read=10, cache_write=4)) == 3_000_000 + 1500 + 3 + 15
    assert micros(Price(input=1.0, output=2.0), use(input=5, cache_read=1)) is None
    assert micros(Price(input=1.0, output=2.0), use(input=5, output=1)) == 7


@pytest.mark.parametrize(
    "model",
    ["claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "anthropic/claude-sonnet-4-5", "claude-sonnet-4-5-latest"],
)
def test_a_dated_name_has_the_price_of_its_model(model: str) -> None:
    assert price(model) == (TABLE["claude-sonnet-4-5"].price, "table")


@pytest.mark.parametrize("model", ["sonnet", "claude-sonnet-4-5[1m]", "claude-sonnet-9", "GPT-5", "", "gpt-5-turbo", "x/gpt-5"])
def test_a_name_that_is_not_known_for_certain_has_no_price(model: str) -> None:
    assert price(model) is None


def test_a_documented_alias_has_the_price_of_its_model() -> None:
    assert price("claude-opus-4-0") == price("claude-opus-4-20250514") == (TABLE["claude-opus-4"].price, "table")


def test_own_prices_win_and_wrong_ones_are_refused() -> None:
    own: dict[str, dict[str, object]] = {"gpt-5": {"input": 1, "output": 2}, "house": {"input": 0, "output": 0}}
    assert price("gpt-5-2025-08-07", own) == (Price(input=1.0, output=2.0), "settings")
    assert price("house", own) == (Price(input=0.0, output=0.0), "settings")
    shown = {model.id: model for model in asyncio.run(PriceTable(own).models())}
    assert (shown["gpt-5"].source, shown["house"].provider) == ("settings", "own")
    for wrong in ({"input": 1}, {"input": -1, "output": 1}, {"input": "1", "output": 1}, {"in": 1}, {"input": True, "output": 1}):
        with pytest.raises(Invalid, match="prices"):
            PriceTable({"x": wrong})


def test_what_a_session_works_on_is_named_without_its_password() -> None:
    assert repo_of(GitSource(url="https://me:secret@host:8/a.git")) == "https://host:8/a"
    assert repo_of(GitSource(url="git@host:a.git/")) == "git@host:a"
    assert (repo_of(LocalSource(path="/a/")), repo_of(LocalSource(path="/"))) == ("/a", "/")
    assert repo_of(EmptySource()) == ""


def test_a_reported_cost_wins_over_the_table_and_says_so(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        await migrate(db, MIGRATIONS)
        tokens, session = TokenService(TokenStore(db), PriceTable()), Session(name="a", agent="x")
        uses = [use(1, input=1000), use(2, input=1000, cost=0.5), use(3, model="nobody", input=7)]
        kept = await tokens.record(session, uses)
        assert [(one.cost_usd, one.priced_by) for one in kept] == [(0.003, "table"), (0.5, "reported"), (None, "")]
        usage = await tokens.usage(session.id)
        assert [one.priced_by for one in usage.turns] == ["table", "reported", ""]
        sonnet, nobody = usage.models
        assert (sonnet.cost_usd, sonnet.unpriced, nobody.cost_usd, nobody.unpriced) == (0.503, 0, None, 1)
        assert await tokens.of_sessions([session.id]) == {session.id: Spent(input=2007, micros=503_000, uses=3, unpriced=1)}
        assert await tokens.of_sessions([]) == {}

    on_database(scenario)


def test_sums_of_all_periods_are_exact_whoever_adds_at_once(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        await migrate(db, MIGRATIONS)
        tokens, sessions = TokenStore(db), [Session(name=f"s{n}", agent="x") for n in range(4)]
        later = datetime(2026, 6, 1, 0, 5, tzinfo=UTC)
        uses = [use(n, at=AT if n % 2 else later, cost=0.1, input=n) for n in range(1, 11)]
        await asyncio.gather(*(tokens.add(one, uses[n:] + uses[:n]) for one in sessions for n in (0, 3, 6)))
        whole = Spent(micros=1_000_000, input=55, uses=10)
        assert await tokens.spent("session", "default", str(sessions[0].id), "total") == whole
        assert await tokens.spent("user", "default", "local", "total") == Spent(micros=4_000_000, input=220, uses=40)
        assert await tokens.spent("tenant", "default", "default", "2026-05") == Spent(micros=2_000_000, input=100, uses=20)
        assert await tokens.spent("tenant", "default", "default", "2026-06-01") == Spent(micros=2_000_000, input=120, uses=20)
        assert await tokens.spent("tenant", "other", "other", "total") == Spent()

    on_database(scenario)


def test_what_was_used_before_there_were_sums_is_in_them(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        await migrate(db, {"tokens": MIGRATIONS["tokens"][:2]})
        session = Session(name="a", agent="x")
        old = """INSERT INTO token_uses VALUES (:id, 'e', :seq, 1, 'm', 1, 2, 3, 4, :cost, :at, 'local', 'default')"""
        await db.run(old, id=session.id, seq=1, cost=0.25, at=AT)
        await db.run(old, id=session.id, seq=2, cost=None, at=AT)
        await migrate(db, MIGRATIONS)
        tokens = TokenStore(db)
        was = Spent(input=2, output=4, cache_read=6, cache_write=8, micros=250_000, uses=2, unpriced=1)
        for scope, subject in (("session", str(session.id)), ("user", "local"), ("tenant", "default")):
            for period in ("total", "2026-05", "2026-05-31"):
                assert await tokens.spent(scope, "default", subject, period) == was, (scope, period)  # type: ignore[arg-type]
        assert await tokens.of_sessions([session.id]) == {session.id: was}
        assert await tokens.add(session, [use(2, model="m")]) == 0
        await tokens.add(session, [use(3, input=1, cost=1.0)])
        after = replace(was, input=3, micros=1_250_000, uses=3)
        assert await tokens.spent("session", "default", str(session.id), "2026-05-31") == after
        (row,) = await db.fetch("SELECT SUM(uses) AS uses FROM usage_slots WHERE slot = :slot", slot=int(AT.timestamp()) // 900)
        assert row["uses"] == 3

    on_database(scenario)
