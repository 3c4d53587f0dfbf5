"""Chronicles in SQL."""

from uuid import UUID

from volundr.db.database import Database
from volundr.db.rows import RowMap
from volundr.domain.chronicles import Chronicle, ChronicleRepository

MIGRATIONS = (
    """
    CREATE TABLE chronicles (
        session_id UUID PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
        epoch TEXT NOT NULL,
        seq BIGINT NOT NULL,
        summary TEXT NOT NULL,
        key_changes JSONB NOT NULL,
        unfinished_work JSONB NOT NULL,
        messages BIGINT NOT NULL,
        duration_seconds DOUBLE PRECISION NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL
    )
    """,
)

ROW = RowMap(Chronicle)
_SETS = ", ".join(f"{name} = excluded.{name}" for name in ROW.columns if name != "session_id")
TELL = f"""
    INSERT INTO chronicles ({ROW.names}) VALUES ({", ".join(":" + name for name in ROW.columns)})
    ON CONFLICT (session_id) DO UPDATE SET {_SETS}
    WHERE chronicles.epoch <> excluded.epoch OR chronicles.seq <= excluded.seq RETURNING session_id
"""  # noqa: S608 - our own names
GET = f"SELECT {ROW.names} FROM chronicles WHERE session_id = :session"  # noqa: S608


class ChronicleStore(ChronicleRepository):
    def __init__(self, db: Database) -> None:
        self._db = db

    async def tell(self, chronicle: Chronicle) -> bool:
        return bool(await self._db.run(TELL, **ROW.dump(chronicle)))

    async def get(self, session_id: UUID) -> Chronicle | None:
        row = await self._db.fetch_one(GET, session=session_id)
        return None if row is None else ROW.load(row)
