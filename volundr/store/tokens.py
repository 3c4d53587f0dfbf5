"""Token uses in SQL, and their sums: by quarter of an hour for statistics, by period for budgets, by session for lists."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from volundr.db.database import Connection, Database, Row, Sql
from volundr.db.rows import RowMap, to_uuid
from volundr.domain.pricing import MICROS
from volundr.domain.sessions.model import Session, repo_of
from volundr.domain.tokens import Burn, ModelTotal, Scope, Spent, TokenTracker, TokenUse

SLOT_SECONDS = 900
"""Every time zone is off by a multiple of this."""

_COUNTS = ("input", "output", "cache_read", "cache_write", "micros", "uses", "unpriced")
_COLUMNS = " ".join(f"{name} BIGINT NOT NULL," for name in _COUNTS)
_OLD = (
    "SUM(input), SUM(output), SUM(cache_read), SUM(cache_write), COALESCE(SUM(cost_micros), 0), COUNT(*), "
    "COUNT(*) - COUNT(cost_micros)"
)
_SLOT = Sql(
    sqlite=f"CAST(strftime('%s', at) AS INTEGER) / {SLOT_SECONDS}",
    postgres=f"CAST(FLOOR(EXTRACT(EPOCH FROM at) / {SLOT_SECONDS}) AS BIGINT)",
)


def _both(template: str, **pairs: Sql) -> Sql:
    return Sql(
        sqlite=template.format(**{name: pair.sqlite for name, pair in pairs.items()}),
        postgres=template.format(**{name: pair.postgres for name, pair in pairs.items()}),
    )


def _old_periods(scope: str, subject: str, month: str, length: int) -> Sql:
    """What was used before there were periods."""
    period = Sql(
        sqlite=f"strftime('{month}', at)" if length else "'total'",
        postgres=f"SUBSTR(TO_CHAR(at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), 1, {length})" if length else "'total'",
    )
    return _both(
        f"INSERT INTO usage_periods (scope, tenant_id, subject, period, {', '.join(_COUNTS)}) "  # noqa: S608 - our own names
        f"SELECT '{scope}', tenant_id, {subject}, {{period}}, {_OLD} FROM token_uses GROUP BY 1, 2, 3, 4",
        period=period,
    )


MIGRATIONS: tuple[str | Sql, ...] = (
    """
    CREATE TABLE token_uses (
        session_id UUID NOT NULL,
        epoch TEXT NOT NULL,
        seq BIGINT NOT NULL,
        turn BIGINT NOT NULL,
        model TEXT NOT NULL,
        input BIGINT NOT NULL,
        output BIGINT NOT NULL,
        cache_read BIGINT NOT NULL,
        cache_write BIGINT NOT NULL,
        cost_usd DOUBLE PRECISION,
        at TIMESTAMPTZ NOT NULL,
        owner_id TEXT NOT NULL,
        tenant_id TEXT NOT NULL,
        PRIMARY KEY (session_id, epoch, seq, model)
    )
    """,
    "CREATE INDEX token_uses_at ON token_uses (session_id, at, seq)",
    "ALTER TABLE token_uses ADD COLUMN cost_micros BIGINT",
    "ALTER TABLE token_uses ADD COLUMN priced_by TEXT NOT NULL DEFAULT ''",
    """
    UPDATE token_uses SET cost_micros = CAST(ROUND(cost_usd * 1000000) AS BIGINT), priced_by = 'reported'
    WHERE cost_usd < 1000000000
    """,
    f"""
    CREATE TABLE usage_slots (
        tenant_id TEXT NOT NULL,
        owner_id TEXT NOT NULL,
        slot BIGINT NOT NULL,
        model TEXT NOT NULL,
        repo TEXT NOT NULL,
        {_COLUMNS}
        PRIMARY KEY (tenant_id, owner_id, slot, model, repo)
    )
    """,
    "CREATE INDEX usage_slots_of_tenant ON usage_slots (tenant_id, slot)",
    f"""
    CREATE TABLE usage_periods (
        scope TEXT NOT NULL,
        tenant_id TEXT NOT NULL,
        subject TEXT NOT NULL,
        period TEXT NOT NULL,
        {_COLUMNS}
        PRIMARY KEY (scope, tenant_id, subject, period)
    )
    """,
    f"""
    CREATE TABLE usage_sessions (
        session_id UUID PRIMARY KEY,
        tenant_id TEXT NOT NULL,
        owner_id TEXT NOT NULL,
        name TEXT NOT NULL,
        repo TEXT NOT NULL,
        {_COLUMNS}
        first_at TIMESTAMPTZ NOT NULL,
        last_at TIMESTAMPTZ NOT NULL
    )
    """,
    "CREATE INDEX usage_sessions_of_tenant ON usage_sessions (tenant_id, last_at, session_id)",
    "CREATE INDEX usage_sessions_of_owner ON usage_sessions (tenant_id, owner_id, last_at, session_id)",
    _both(
        f"INSERT INTO usage_slots (tenant_id, owner_id, slot, model, repo, {', '.join(_COUNTS)}) "  # noqa: S608
        f"SELECT tenant_id, owner_id, {{slot}}, model, '', {_OLD} FROM token_uses GROUP BY 1, 2, 3, 4",
        slot=_SLOT,
    ),
    f"INSERT INTO usage_sessions (session_id, tenant_id, owner_id, name, repo, {', '.join(_COUNTS)}, first_at, last_at) "  # noqa: S608
    f"SELECT session_id, tenant_id, owner_id, '', '', {_OLD}, MIN(at), MAX(at) FROM token_uses "
    "GROUP BY session_id, tenant_id, owner_id",
    *(
        _old_periods(scope, subject, form, length)
        for scope, subject in (("session", "CAST(session_id AS TEXT)"), ("user", "owner_id"), ("tenant", "tenant_id"))
        for form, length in (("", 0), ("%Y-%m", 7), ("%Y-%m-%d", 10))
    ),
)

ROW = RowMap(TokenUse)
TOTAL = RowMap(ModelTotal)

_VALUES = ", ".join(":" + name for name in ROW.columns)
ADD = f"""
    INSERT INTO token_uses (session_id, owner_id, tenant_id, cost_micros, {ROW.names})
    VALUES (:session, :owner, :tenant, :cost_micros, {_VALUES}) ON CONFLICT DO NOTHING RETURNING seq
"""  # noqa: S608 - our own names
SPENT = RowMap(Spent)
SUMS_OF_USES = (
    "CAST(SUM(input) AS BIGINT) AS input, CAST(SUM(output) AS BIGINT) AS output, CAST(SUM(cache_read) AS BIGINT) AS cache_read, "
    "CAST(SUM(cache_write) AS BIGINT) AS cache_write, CAST(COALESCE(SUM(cost_micros), 0) AS BIGINT) AS micros, "
    "COUNT(*) AS uses, COUNT(*) - COUNT(cost_micros) AS unpriced"
)
"""What `SPENT` reads, of `token_uses`."""
SUMS_OF_SUMS = ", ".join(f"CAST(COALESCE(SUM({name}), 0) AS BIGINT) AS {name}" for name in SPENT.columns)
"""What `SPENT` reads, of the tables of sums; also where there is none."""
TOTALS = f"SELECT {SUMS_OF_USES}, model FROM token_uses WHERE session_id = :session GROUP BY model ORDER BY model"  # noqa: S608
_SPANS = "AS span FROM token_uses WHERE session_id = :session GROUP BY span ORDER BY span DESC LIMIT :most"
BURN = Sql(
    sqlite=f"SELECT {SUMS_OF_USES}, CAST(strftime('%s', at) AS INTEGER) / :seconds * :seconds {_SPANS}",
    postgres=f"SELECT {SUMS_OF_USES}, floor(extract(epoch FROM at))::bigint / :seconds::bigint * :seconds::bigint {_SPANS}",  # noqa: S608
)
TURNS = f"SELECT {ROW.names} FROM token_uses WHERE session_id = :session ORDER BY at DESC, seq DESC, model DESC LIMIT :limit"  # noqa: S608
IN_PERIOD = f"""
    SELECT {SPENT.names} FROM usage_periods
    WHERE scope = :scope AND tenant_id = :tenant AND subject = :subject AND period = :period
"""  # noqa: S608
OF_SESSIONS = f"SELECT {SPENT.names}, session_id FROM usage_sessions"  # noqa: S608


def _raise(table: str, *keys: str, more: Sequence[str] = (), also: str = "") -> str:
    names = (*keys, *_COUNTS, *more)
    added = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in _COUNTS)
    return f"""
        INSERT INTO {table} ({", ".join(names)}) VALUES ({", ".join(":" + name for name in names)})
        ON CONFLICT ({", ".join(keys)}) DO UPDATE SET {added}{also}
    """  # noqa: S608


RAISE_SLOT = _raise("usage_slots", "tenant_id", "owner_id", "slot", "model", "repo")
RAISE_PERIOD = _raise("usage_periods", "scope", "tenant_id", "subject", "period")
RAISE_SESSION = _raise(
    "usage_sessions",
    "session_id",
    more=("tenant_id", "owner_id", "name", "repo", "first_at", "last_at"),
    also="""
        , name = excluded.name, repo = excluded.repo
        , first_at = CASE WHEN excluded.first_at < usage_sessions.first_at
            THEN excluded.first_at ELSE usage_sessions.first_at END
        , last_at = CASE WHEN excluded.last_at > usage_sessions.last_at
            THEN excluded.last_at ELSE usage_sessions.last_at END
    """,
)


def slot_of(at: datetime) -> int:
    return int(at.timestamp() // SLOT_SECONDS)


def periods_of(at: datetime) -> tuple[str, str, str]:
    """The periods of budgets that a moment is in: `total`, its month and its day."""
    day = at.astimezone(UTC).date().isoformat()
    return "total", day[:7], day


class TokenStore(TokenTracker):
    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, session: Session, uses: Sequence[TokenUse]) -> int:
        whose = {"session": session.id, "owner": session.owner_id, "tenant": session.tenant_id}
        async with self._db.transaction() as tx:
            ordered = sorted(uses, key=lambda one: (one.epoch, one.seq, one.model))  # one order for all: no deadlocks
            new = [use for use in ordered if await tx.run(ADD, **whose, cost_micros=_micros(use), **ROW.dump(use))]
            if new:
                await _raise_sums(tx, session, new)
        return len(new)

    async def totals(self, session_id: UUID) -> Sequence[ModelTotal]:
        return [TOTAL.load(row) for row in await self._db.fetch(TOTALS, session=session_id)]

    async def turns(self, session_id: UUID, limit: int) -> Sequence[TokenUse]:
        return [ROW.load(row) for row in await self._db.fetch(TURNS, session=session_id, limit=limit)][::-1]

    async def burn(self, session_id: UUID, seconds: int, most: int) -> Sequence[Burn]:
        rows = await self._db.fetch(BURN, session=session_id, seconds=seconds, most=most)
        return [Burn(start=datetime.fromtimestamp(row["span"], UTC), spent=spent_in(row)) for row in rows][::-1]

    async def of_sessions(self, session_ids: Sequence[UUID]) -> Mapping[UUID, Spent]:
        if not session_ids:
            return {}
        names = {f"id{number}": session_id for number, session_id in enumerate(session_ids)}
        wanted = ", ".join(":" + name for name in names)
        query = f"{OF_SESSIONS} WHERE session_id IN ({wanted})"
        rows = await self._db.fetch(query, **names)
        return {to_uuid(row["session_id"]): spent_in(row) for row in rows}

    async def spent(self, scope: Scope, tenant_id: str, subject: str, period: str) -> Spent:
        row = await self._db.fetch_one(IN_PERIOD, scope=scope, tenant=tenant_id, subject=subject, period=period)
        return Spent() if row is None else spent_in(row)


def spent_in(row: Row) -> Spent:
    """From a row that has more besides."""
    return Spent(**{name: row[name] for name in SPENT.columns})


def _micros(use: TokenUse) -> int | None:
    return None if use.cost_usd is None else round(use.cost_usd * MICROS)


def _counts(uses: Sequence[TokenUse]) -> dict[str, int]:
    costs = [_micros(use) for use in uses]
    return {
        "input": sum(use.input for use in uses),
        "output": sum(use.output for use in uses),
        "cache_read": sum(use.cache_read for use in uses),
        "cache_write": sum(use.cache_write for use in uses),
        "micros": sum(cost or 0 for cost in costs),
        "uses": len(uses),
        "unpriced": costs.count(None),
    }


async def _raise_sums(tx: Connection, session: Session, uses: Sequence[TokenUse]) -> None:
    """First what is this session's alone, the tenant's rows last: those are held for the shortest time."""
    repo, whose = repo_of(session.source), {"tenant_id": session.tenant_id, "owner_id": session.owner_id}
    times = [use.at for use in uses]
    named = {"session_id": session.id, "name": session.name, "repo": repo, "first_at": min(times), "last_at": max(times)}
    await tx.run(RAISE_SESSION, **whose, **named, **_counts(uses))
    for (slot, model), some in _grouped(uses):
        await tx.run(RAISE_SLOT, **whose, slot=slot, model=model, repo=repo, **_counts(some))
    for scope, subject in (("session", str(session.id)), ("user", session.owner_id), ("tenant", session.tenant_id)):
        for period, some in sorted(_by_period(uses).items()):
            key: dict[str, Any] = {"scope": scope, "tenant_id": session.tenant_id, "subject": subject, "period": period}
            await tx.run(RAISE_PERIOD, **key, **_counts(some))


def _grouped(uses: Sequence[TokenUse]) -> Iterator[tuple[tuple[int, str], list[TokenUse]]]:
    found: dict[tuple[int, str], list[TokenUse]] = defaultdict(list)
    for use in uses:
        found[slot_of(use.at), use.model].append(use)
    for key in sorted(found):
        yield key, found[key]


def _by_period(uses: Sequence[TokenUse]) -> Mapping[str, list[TokenUse]]:
    found: dict[str, list[TokenUse]] = defaultdict(list)
    for use in uses:
        for period in periods_of(use.at):
            found[period].append(use)
    return found
