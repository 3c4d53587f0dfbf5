"""Session events in SQL."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from volundr.db.database import Connection, Database, Query, Sql
from volundr.db.listing import Listing
from volundr.db.rows import RowMap
from volundr.domain.events import EventFilter, EventType, SessionEvent, SessionEventRepository, TokenBucket
from volundr.domain.paging import Page, PageRequest

MIGRATIONS = (
    # The row of the counter is what writers wait for: numbers become visible in their order.
    "CREATE TABLE event_counter (name TEXT PRIMARY KEY, last BIGINT NOT NULL)",
    """
    CREATE TABLE session_events (
        number BIGINT PRIMARY KEY,
        id UUID NOT NULL,
        session_id UUID NOT NULL,
        tenant_id TEXT NOT NULL,
        owner_id TEXT NOT NULL,
        epoch TEXT NOT NULL,
        sequence BIGINT NOT NULL,
        type TEXT NOT NULL,
        at TIMESTAMPTZ NOT NULL,
        data JSONB NOT NULL,
        tokens_in BIGINT,
        tokens_out BIGINT,
        cost DOUBLE PRECISION,
        duration_ms BIGINT,
        model TEXT NOT NULL,
        stored_at TIMESTAMPTZ NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX session_events_id ON session_events (session_id, id)",
    "CREATE INDEX session_events_sequence ON session_events (session_id, sequence, number)",
    "CREATE INDEX session_events_at ON session_events (session_id, at, number)",
    "CREATE INDEX session_events_type ON session_events (session_id, type, number)",
    """
    CREATE TABLE event_cursors (
        sink TEXT PRIMARY KEY,
        number BIGINT NOT NULL,
        holder TEXT NOT NULL,
        lease_until TIMESTAMPTZ NOT NULL,
        error TEXT NOT NULL,
        error_at TIMESTAMPTZ,
        failing_since TIMESTAMPTZ,
        delivered_at TIMESTAMPTZ
    )
    """,
)

ROW = RowMap(SessionEvent)
_KINDS = {
    "number": "bigint",
    "id": "uuid",
    "session_id": "uuid",
    "sequence": "bigint",
    "at": "timestamptz",
    "data": "jsonb",
    "tokens_in": "bigint",
    "tokens_out": "bigint",
    "cost": "double precision",
    "duration_ms": "bigint",
    "stored_at": "timestamptz",
}
_RECORD = ", ".join(f"{name} {_KINDS.get(name, 'text')}" for name in ROW.columns)
_FIELDS = ", ".join(f"json_extract(value, '$.{name}')" for name in ROW.columns)
_INTO = f"INSERT INTO session_events ({ROW.names})"
ADD = Sql(
    sqlite=f"{_INTO} SELECT {_FIELDS} FROM json_each(:rows) WHERE true ON CONFLICT DO NOTHING",  # noqa: S608 - our own names
    postgres=f"{_INTO} SELECT {ROW.names} FROM jsonb_to_recordset(:rows::jsonb) AS x({_RECORD}) ORDER BY number "  # noqa: S608
    "ON CONFLICT DO NOTHING",
)
TAKE = """
    INSERT INTO event_counter AS c (name, last) VALUES ('events', :many)
    ON CONFLICT (name) DO UPDATE SET last = c.last + excluded.last RETURNING last
"""
_TURNS = f"'{EventType.SESSION_START}', '{EventType.SESSION_STOP}'"
_NEWEST_TURN = f"""
    SELECT type FROM session_events WHERE session_id = :session AND type IN ({_TURNS}) ORDER BY number DESC LIMIT 1
"""  # noqa: S608
_EACH = "SELECT s.id AS session, (SELECT e.type FROM session_events e WHERE e.session_id = s.id AND e.type IN"
_NEWEST = f"{_EACH} ({_TURNS}) ORDER BY e.number DESC LIMIT 1) AS type FROM"
_TURNS_OF = Sql(
    sqlite=f"{_NEWEST} (SELECT value AS id FROM json_each(:ids)) AS s",  # noqa: S608 - our own names
    postgres=f"{_NEWEST} (SELECT value::uuid AS id FROM jsonb_array_elements_text(:ids::jsonb)) AS s",  # noqa: S608
)
_LAST = "SELECT sequence FROM session_events WHERE session_id = :session ORDER BY sequence DESC, number DESC LIMIT 1"
COUNTS = "SELECT type, count(*) AS many FROM session_events WHERE session_id = :session GROUP BY type"
FOLLOWING = f"SELECT {ROW.names} FROM session_events WHERE number > :number ORDER BY number LIMIT :limit"  # noqa: S608
FIND = Sql(
    sqlite=f"SELECT {ROW.names} FROM session_events WHERE session_id = :session "  # noqa: S608
    "AND id IN (SELECT value FROM json_each(:ids)) ORDER BY number",
    postgres=f"SELECT {ROW.names} FROM session_events WHERE session_id = :session "  # noqa: S608
    "AND id IN (SELECT value::uuid FROM jsonb_array_elements_text(:ids::jsonb)) ORDER BY number",
)


class EventStore(SessionEventRepository):
    def __init__(self, db: Database) -> None:
        self._db = db
        self._listing = Listing(ROW, "session_events", sorts=("sequence", "at", "number"), default="sequence", key="number")

    async def add(self, events: Sequence[SessionEvent]) -> None:
        async with self._db.transaction() as tx:
            await _insert(tx, events)

    async def find(self, session_id: UUID, ids: Sequence[UUID]) -> Sequence[SessionEvent]:
        wanted = json.dumps([str(one) for one in ids])
        return [ROW.load(row) for row in await self._db.fetch(FIND, session=session_id, ids=wanted)]

    async def list(self, session_id: UUID, chosen: EventFilter, page: PageRequest) -> Page[SessionEvent]:
        where, params = _where(session_id, chosen)
        return await self._listing.page(self._db, page, where, params)

    async def counts(self, session_id: UUID) -> Mapping[EventType, int]:
        return {EventType(row["type"]): row["many"] for row in await self._db.fetch(COUNTS, session=session_id)}

    async def tokens(self, session_id: UUID, seconds: int, chosen: EventFilter, most: int) -> Sequence[TokenBucket]:
        where, params = _where(session_id, chosen)
        rows = await self._db.fetch(tokens_query(where), **params, seconds=seconds, most=most)
        return [_bucket(row) for row in reversed(rows)]

    async def following(self, number: int, limit: int) -> Sequence[SessionEvent]:
        return [ROW.load(row) for row in await self._db.fetch(FOLLOWING, number=number, limit=limit)]

    async def settle(self, events: Sequence[SessionEvent]) -> int:
        if not events:
            return 0
        rows = await self._db.fetch(_TURNS_OF, ids=json.dumps([str(event.session_id) for event in events]))
        known = {str(row["session"]): row["type"] or EventType.SESSION_STOP for row in rows}
        news = [event for event in events if known[str(event.session_id)] != event.type]
        return sum([await self._settle(event) for event in news])

    async def _settle(self, event: SessionEvent) -> bool:
        async with self._db.transaction() as tx:
            number = (await tx.run(TAKE, many=1))[0]["last"]  # from here on nobody else writes
            newest = await tx.fetch_one(_NEWEST_TURN, session=event.session_id)
            known = EventType.SESSION_STOP if newest is None else EventType(newest["type"])
            if known == event.type:
                return False
            last = await tx.fetch_one(_LAST, session=event.session_id)
            sequence = 0 if last is None else last["sequence"]
            await tx.run(ADD, rows=json.dumps([_row(event, number, datetime.now(UTC)) | {"sequence": sequence}]))
        return True


async def _insert(tx: Connection, events: Sequence[SessionEvent]) -> None:
    last = (await tx.run(TAKE, many=len(events)))[0]["last"]
    now, first = datetime.now(UTC), last - len(events) + 1
    await tx.run(ADD, rows=json.dumps([_row(event, first + place, now) for place, event in enumerate(events)]))


def _row(event: SessionEvent, number: int, now: datetime) -> dict[str, Any]:
    return {
        "number": number,
        "id": str(event.id),
        "session_id": str(event.session_id),
        "tenant_id": event.tenant_id,
        "owner_id": event.owner_id,
        "epoch": event.epoch,
        "sequence": event.sequence,
        "type": event.type.value,
        "at": _time(event.at),
        "data": dict(event.data),
        "tokens_in": event.tokens_in,
        "tokens_out": event.tokens_out,
        "cost": event.cost,
        "duration_ms": event.duration_ms,
        "model": event.model,
        "stored_at": _time(now),
    }


def _time(at: datetime) -> str:
    """As the databases keep and compare it."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _where(session_id: UUID, chosen: EventFilter) -> tuple[list[Query], dict[str, Any]]:
    where: list[Query] = ["session_id = :session"]
    params: dict[str, Any] = {"session": session_id}
    if chosen.types:
        names = {f"type_{place}": one.value for place, one in enumerate(chosen.types)}
        where.append(f"type IN ({', '.join(':' + name for name in names)})")
        params |= names
    if chosen.after is not None:
        where.append("at > :after")
        params["after"] = chosen.after
    if chosen.before is not None:
        where.append("at < :before")
        params["before"] = chosen.before
    return where, params


def tokens_query(where: Sequence[Query]) -> Sql:
    """Sums of spans, newest first."""
    end = (
        "AS span, sum(tokens_in) AS tokens_in, sum(tokens_out) AS tokens_out, sum(cost) AS cost, count(*) AS many "
        f"FROM session_events WHERE {' AND '.join(str(one) for one in where)} AND type = '{EventType.TOKEN_USAGE}' "
        "GROUP BY 1 ORDER BY 1 DESC LIMIT :most"
    )
    return Sql(
        sqlite=f"SELECT CAST(strftime('%s', at) AS INTEGER) / :seconds * :seconds {end}",
        postgres=f"SELECT floor(extract(epoch FROM at))::bigint / :seconds::bigint * :seconds::bigint {end}",  # noqa: S608
    )


def _bucket(row: Any) -> TokenBucket:
    return TokenBucket(
        start=datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(row["span"])),
        tokens_in=int(row["tokens_in"] or 0),
        tokens_out=int(row["tokens_out"] or 0),
        cost=row["cost"],
        events=row["many"],
    )
