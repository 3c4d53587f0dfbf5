"""How far each sink has read, in SQL; and what of the events may go."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from volundr.db.database import Database
from volundr.domain.events import LAG_MOST, EventCursors, SinkHealth

_FIRST = """
    INSERT INTO event_cursors (sink, number, holder, lease_until, error) VALUES (:sink, 0, '', :now, '') ON CONFLICT DO NOTHING
"""
_CLAIM = """
    UPDATE event_cursors SET holder = :holder, lease_until = :until
    WHERE sink = :sink AND (holder IN (:holder, '') OR lease_until < :now) RETURNING number
"""
_ADVANCE = """
    UPDATE event_cursors SET number = :number, delivered_at = :now, error = '', error_at = NULL, failing_since = NULL
    WHERE sink = :sink AND holder = :holder AND number <= :number RETURNING number
"""
_FAILED = """
    UPDATE event_cursors SET error = :error, error_at = :now, failing_since = coalesce(failing_since, :now)
    WHERE sink = :sink AND holder = :holder
"""
_RELEASE = "UPDATE event_cursors SET holder = '' WHERE sink = :sink AND holder = :holder"
_HEALTH = """
    SELECT number, error, error_at, failing_since, delivered_at,
        (SELECT stored_at FROM session_events e WHERE e.number > c.number ORDER BY e.number LIMIT 1) AS waiting_since
    FROM event_cursors c WHERE sink = :sink
"""
_LAG = "SELECT count(*) AS many FROM (SELECT 1 FROM session_events WHERE number > :number LIMIT :most) AS waiting"
_FLOOR = "SELECT number FROM event_cursors WHERE sink = :sink"
_OLDEST = """
    SELECT max(number) AS number FROM
        (SELECT number, stored_at FROM session_events WHERE number <= :floor ORDER BY number LIMIT :limit) AS oldest
    WHERE stored_at < :before
"""
_DELETE = "DELETE FROM session_events WHERE number <= :number"
# From one session's events to the next one's by the index, whatever lies between.
_NEXT_SESSIONS = """
    WITH RECURSIVE steps (id, n) AS (
        SELECT session_id, 1 FROM
            (SELECT session_id FROM session_events WHERE session_id > :last ORDER BY session_id LIMIT 1) AS nearest
        UNION ALL
        SELECT (SELECT e.session_id FROM session_events e WHERE e.session_id > steps.id ORDER BY e.session_id LIMIT 1), n + 1
        FROM steps WHERE steps.id IS NOT NULL AND steps.n < :most
    )
    SELECT id, EXISTS (SELECT 1 FROM sessions s WHERE s.id = steps.id) AS known FROM steps WHERE id IS NOT NULL ORDER BY id
"""
_FORGET = "DELETE FROM session_events WHERE session_id = :session AND number <= :floor"
BATCH = 5000
SESSIONS_AT_ONCE = 1000
_ALL = 2**62
_NO_SESSION = UUID(int=0)


class CursorStore(EventCursors):
    def __init__(self, db: Database) -> None:
        self._db = db

    async def claim(self, sink: str, holder: str, seconds: float) -> int | None:
        now = datetime.now(UTC)
        times = {"now": now, "until": now + timedelta(seconds=seconds)}
        rows = await self._db.run(_CLAIM, sink=sink, holder=holder, **times)
        if not rows and await self._db.fetch_one(_FLOOR, sink=sink) is None:
            await self._db.run(_FIRST, sink=sink, now=now)
            rows = await self._db.run(_CLAIM, sink=sink, holder=holder, **times)
        return int(rows[0]["number"]) if rows else None

    async def advance(self, sink: str, holder: str, number: int) -> bool:
        return bool(await self._db.run(_ADVANCE, sink=sink, holder=holder, number=number, now=datetime.now(UTC)))

    async def failed(self, sink: str, holder: str, error: str) -> None:
        await self._db.run(_FAILED, sink=sink, holder=holder, error=error[:1000], now=datetime.now(UTC))

    async def release(self, sink: str, holder: str) -> None:
        await self._db.run(_RELEASE, sink=sink, holder=holder)

    async def health(self, sinks: Sequence[str]) -> Sequence[SinkHealth]:
        return [await self._health(sink) for sink in sinks]

    async def _health(self, sink: str) -> SinkHealth:
        row = await self._db.fetch_one(_HEALTH, sink=sink)
        number = 0 if row is None else row["number"]
        waiting = await self._db.fetch(_LAG, number=number, most=LAG_MOST)
        lag = int(waiting[0]["many"])
        if row is None:
            return SinkHealth(name=sink, healthy=True, cursor=0, lag_events=lag, lag_seconds=0.0)
        since = _time(row["waiting_since"])
        return SinkHealth(
            name=sink,
            healthy=not row["error"],
            cursor=number,
            lag_events=lag,
            lag_seconds=0.0 if since is None else max(0.0, (datetime.now(UTC) - since).total_seconds()),
            error=row["error"],
            error_at=_time(row["error_at"]),
            failing_since=_time(row["failing_since"]),
            delivered_at=_time(row["delivered_at"]),
        )


class EventSweep:
    """Removes events that are too old, or whose session is gone; never one that a sink of `sinks` still waits for."""

    def __init__(self, db: Database, sinks: Sequence[str]) -> None:
        self._db = db
        self._sinks = sinks

    async def _floor(self) -> int:
        found = [await self._db.fetch_one(_FLOOR, sink=sink) for sink in self._sinks]
        return min((0 if row is None else int(row["number"]) for row in found), default=_ALL)

    async def old(self, before: datetime) -> int:
        """Remove what was stored before; returns up to which number."""
        floor, upto = await self._floor(), 0
        while True:
            rows = await self._db.fetch(_OLDEST, floor=floor, before=before, limit=BATCH)
            if (number := rows[0]["number"]) is None:
                return upto
            await self._db.run(_DELETE, number=number)
            upto = int(number)

    async def orphans(self) -> int:
        """Remove what belongs to no session any more; returns of how many sessions."""
        floor, last, gone = await self._floor(), _NO_SESSION, 0
        while rows := await self._db.fetch(_NEXT_SESSIONS, last=last, most=SESSIONS_AT_ONCE):
            last = rows[-1]["id"]
            for row in rows:
                if not row["known"]:
                    await self._db.run(_FORGET, session=row["id"], floor=floor)
                    gone += 1
        return gone

    async def of(self, session_id: UUID) -> None:
        """This session is gone."""
        await self._db.run(_FORGET, session=session_id, floor=await self._floor())


def _time(value: datetime | str | None) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
