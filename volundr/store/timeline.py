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
)

COLUMNS = ("epoch", "seq", "at", "kind", "title", "detail")
_NAMES = ", ".join(COLUMNS)
ADD = f"""
    INSERT INTO timeline (session_id, {_NAMES}) VALUES (:session, {", ".join(":" + name for name in COLUMNS)})
    ON CONFLICT DO NOTHING RETURNING seq
"""  # noqa: S608 - our own names
ROW = RowMap(Moment)


class TimelineStore(TimelineRepository):
    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, session_id: UUID, moments: Sequence[Moment]) -> int:
        async with self._db.transaction() as tx:
            return sum([len(await tx.run(ADD, session=session_id, **ROW.dump(moment))) for moment in moments])

    async def list(self, session_id: UUID, kinds: Sequence[Kind], cursor: str, limit: int) -> Moments:
        where, params = ["session_id = :session"], dict[str, Any](session=session_id)
        if kinds:
            names = {f"k{number}": kind for number, kind in enumerate(kinds)}
            where.append(f"kind IN ({', '.join(':' + name for name in names)})")
            params |= names
        if cursor:
            at, seq, epoch = _read(cursor)
            where.append("(at, seq, epoch) > (:at, :seq, :epoch)")
            params |= {"at": at, "seq": seq, "epoch": epoch}
        query = f"SELECT {ROW.names} FROM timeline WHERE {' AND '.join(where)} ORDER BY at, seq, epoch LIMIT :limit"  # noqa: S608
        found = [ROW.load(row) for row in await self._db.fetch(query, **params, limit=limit + 1)]
        items = found[:limit]
        return Moments(items=items, next=_write(items[-1]) if len(found) > limit else None)


def _write(last: Moment) -> str:
    return base64.urlsafe_b64encode(f"{last.at.isoformat()} {last.seq} {last.epoch}".encode()).decode()


def _read(cursor: str) -> tuple[datetime, int, str]:
    try:
        at, seq, epoch = base64.urlsafe_b64decode(cursor).decode().split(" ")
        return datetime.fromisoformat(at), int(seq), epoch
    except ValueError as error:
        raise Invalid("This cursor is not one of ours; begin again without it.") from error
