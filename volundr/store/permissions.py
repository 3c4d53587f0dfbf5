"""Open questions in SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from volundr.db.database import Database
from volundr.db.listing import Listing
from volundr.db.rows import RowMap
from volundr.domain.identity import Whose
from volundr.domain.paging import Page, PageRequest
from volundr.domain.permissions import OpenQuestion, PendingQuestion, PermissionRepository

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
# CROSS JOIN: for SQLite the order to go in. Questions are few, sessions many.
LISTING = Listing(
    PENDING,
    "(SELECT q.*, s.name AS session_name, s.status, s.tenant_id, s.owner_id FROM open_questions q "
    "CROSS JOIN sessions s WHERE s.id = q.session_id) AS pending",
    sorts=("raised_at",),
    default="raised_at",
)


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

    async def pending(self, whose: Whose, page: PageRequest) -> Page[PendingQuestion]:
        where, params = ["status = 'running'", "tenant_id = :tenant"], {"tenant": whose.tenant_id}
        if whose.owner_id is not None:
            where.append("owner_id = :owner")
            params["owner"] = whose.owner_id
        return await LISTING.page(self._db, page, where, params)


def _time(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)
