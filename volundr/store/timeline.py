"""Timelines in SQL."""

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from volundr.db.database import Database
from volundr.db.rows import RowMap
from volundr.domain.errors import Invalid
from volundr.domain.timeline import Kind, Moment, Moments, TimelineRepository

MIGRATIONS = (
    """
    CREATE TABLE timeline (
        session_id UUID NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
        epoch TEXT NOT NULL,
        seq BIGINT NOT NULL,
        at TIMESTAMPTZ NOT NULL,
        kind TEXT NOT NULL,
        title TEXT NOT NULL,
        detail TEXT NOT NULL,
        PRIMARY KEY (session_id, epoch, seq)
    )
    """,
    "CREATE INDEX timeline_at ON timeline (session_id, at, seq, epoch)",
    # From here on a timeline lives as long as its chronicle, not as long as its session.
    "DROP INDEX timeline_at",
    "ALTER TABLE timeline RENAME TO timeline_of_sessions",
    """
    CREATE TABLE timeline (
        session_id UUID NOT NULL REFERENCES chronicles (origin) ON DELETE CASCADE,
        epoch TEXT NOT NULL,
        seq BIGINT NOT NULL,
        at TIMESTAMPTZ NOT NULL,
        kind TEXT NOT NULL,
        title TEXT NOT NULL,
        detail TEXT NOT NULL,
        files JSONB NOT NULL,
        commit_hash TEXT NOT NULL,
        PRIMARY KEY (session_id, epoch, seq)
    )
    """,
    """
    INSERT INTO timeline (session_id, epoch, seq, at, kind, title, detail, files, commit_hash)
    SELECT session_id, epoch, seq, at, kind, title, detail, '[]', '' FROM timeline_of_sessions
    WHERE session_id IN (SELECT origin FROM chronicles)
    """,
    "DROP TABLE timeline_of_sessions",
    "CREATE INDEX timeline_at ON timeline (session_id, at, seq, epoch)",
    "CREATE INDEX timeline_kind ON timeline (session_id, kind, at, seq, epoch)",
)

ROW = RowMap(Moment)
ADD = f"""
    INSERT INTO timeline (session_id, {ROW.names}) VALUES (:session, {", ".join(":" + name for name in ROW.columns)})
    ON CONFLICT DO NOTHING RETURNING seq
"""  # noqa: S608 - our own names
_LARGEST = 2**53


class TimelineStore(TimelineRepository):
    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, session_id: UUID, moments: Sequence[Moment]) -> int:
        async with self._db.transaction() as tx:
            return sum([len(await tx.run(ADD, session=session_id, **ROW.dump(moment))) for moment in moments])

    async def list(self, session_id: UUID, kinds: Sequence[Kind], cursor: str, limit: int) -> Moments:
        where, params = _of(session_id, kinds)
        if cursor:
            at, seq, epoch = _read(cursor)
            where += " AND (at, seq, epoch) > (:at, :seq, :epoch)"
            params |= {"at": at, "seq": seq, "epoch": epoch}
        query = f"SELECT {ROW.names} FROM timeline WHERE {where} ORDER BY at, seq, epoch LIMIT :limit"  # noqa: S608
        found = [ROW.load(row) for row in await self._db.fetch(query, **params, limit=limit + 1)]
        items = found[:limit]
        return Moments(items=items, next=_write(items[-1]) if len(found) > limit else None)

    async def newest(self, session_id: UUID, kinds: Sequence[Kind], limit: int) -> Sequence[Moment]:
        where, params = _of(session_id, kinds)
        query = f"SELECT {ROW.names} FROM timeline WHERE {where} ORDER BY at DESC, seq DESC, epoch DESC LIMIT :limit"  # noqa: S608
        return [ROW.load(row) for row in await self._db.fetch(query, **params, limit=limit)][::-1]


def _of(session_id: UUID, kinds: Sequence[Kind]) -> tuple[str, dict[str, Any]]:
    params: dict[str, Any] = {"session": session_id}
    if not kinds:
        return "session_id = :session", params
    names = {f"k{number}": kind for number, kind in enumerate(kinds)}
    return f"session_id = :session AND kind IN ({', '.join(':' + name for name in names)})", params | names


def _write(last: Moment) -> str:
    return base64.urlsafe_b64encode(f"{last.at.isoformat()} {last.seq} {last.epoch}".encode()).decode()


def _read(cursor: str) -> tuple[datetime, int, str]:
    try:
        at, seq, epoch = base64.urlsafe_b64decode(cursor).decode().split(" ")
        when, place = datetime.fromisoformat(at), int(seq)
        if when.tzinfo is None or not 0 <= place <= _LARGEST:
            raise ValueError(cursor)
    except (ValueError, OverflowError) as error:
        raise Invalid("This cursor is not one of ours; begin again without it.") from error
    return when, place, epoch
