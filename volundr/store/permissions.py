"""Open questions in SQL."""

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from volundr.db.database import Database
from volundr.db.rows import RowMap
from volundr.domain.errors import Invalid
from volundr.domain.permissions import OpenQuestion, Pending, PendingQuestion, PermissionRepository

MIGRATIONS = (
    """
    CREATE TABLE open_questions (
        session_id UUID NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
        id TEXT NOT NULL,
        tool TEXT NOT NULL,
        title TEXT NOT NULL,
        reason TEXT NOT NULL,
        input JSONB NOT NULL,
        scopes JSONB NOT NULL,
        rules JSONB NOT NULL,
        raised_at TIMESTAMPTZ NOT NULL,
        PRIMARY KEY (session_id, id)
    )
    """,
    "CREATE INDEX open_questions_oldest ON open_questions (raised_at, session_id, id)",
)

ROW = RowMap(OpenQuestion)
PENDING = RowMap(PendingQuestion)
KNOWN = "SELECT id, raised_at FROM open_questions WHERE session_id = :session"
ALIVE = "SELECT id FROM sessions WHERE id = :session AND status IN ('starting', 'provisioning', 'running')"
CLEAR = "DELETE FROM open_questions WHERE session_id = :session"
ADD = f"""
    INSERT INTO open_questions (session_id, {ROW.names})
    VALUES (:session, {", ".join(":" + name for name in ROW.columns)}) ON CONFLICT DO NOTHING
"""  # noqa: S608 - our own names
_COLUMNS = ", ".join(f'q."{name}"' for name in ROW.columns)


class PermissionStore(PermissionRepository):
    def __init__(self, db: Database) -> None:
        self._db = db

    async def replace(self, session_id: UUID, questions: Sequence[OpenQuestion]) -> None:
        known = {(row["id"], _time(row["raised_at"])) for row in await self._db.fetch(KNOWN, session=session_id)}
        if known == {(question.id, question.raised_at) for question in questions}:
            return
        async with self._db.transaction() as tx:
            await tx.run(CLEAR, session=session_id)
            if questions and await tx.fetch(ALIVE, session=session_id):
                for question in questions:
                    await tx.run(ADD, session=session_id, **ROW.dump(question))

    async def pending(self, owner_id: str | None, cursor: str, limit: int) -> Pending:
        where, params = ["s.status = 'running'"], dict[str, Any]()
        if owner_id is not None:
            where.append("s.owner_id = :owner")
            params["owner"] = owner_id
        if cursor:
            where.append("(q.raised_at, q.session_id, q.id) > (:at, :session, :id)")
            params |= dict(zip(("at", "session", "id"), _read(cursor), strict=True))
        query = f"""
            SELECT {_COLUMNS}, q.session_id, s.name FROM open_questions q JOIN sessions s ON s.id = q.session_id
            WHERE {" AND ".join(where)} ORDER BY q.raised_at, q.session_id, q.id LIMIT :limit
        """  # noqa: S608
        found = [PENDING.load(row) for row in await self._db.fetch(query, **params, limit=limit + 1)]
        items = found[:limit]
        return Pending(items=items, next=_write(items[-1]) if len(found) > limit else None)


def _time(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def _write(last: PendingQuestion) -> str:
    return base64.urlsafe_b64encode(f"{last.raised_at.isoformat()} {last.session_id} {last.id}".encode()).decode()


def _read(cursor: str) -> tuple[datetime, UUID, str]:
    try:
        at, session_id, question = base64.urlsafe_b64decode(cursor).decode().split(" ", 2)
        return datetime.fromisoformat(at), UUID(session_id), question
    except ValueError as error:
        raise Invalid("This cursor is not one of ours; begin again without it.") from error
