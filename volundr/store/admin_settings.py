"""Settings of the whole forge in SQL: one row."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from volundr.db.database import Database
from volundr.db.rows import RowMap
from volundr.domain.admin_settings import AdminSettings, AdminSettingsRepository

MIGRATIONS = (
    """
    CREATE TABLE admin_settings (
        id BIGINT PRIMARY KEY,
        default_agent TEXT NOT NULL,
        default_model TEXT NOT NULL,
        accepts_sessions BOOLEAN NOT NULL,
        announcement TEXT NOT NULL,
        revision BIGINT NOT NULL,
        updated_by TEXT NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL
    )
    """,
)

ROW = RowMap(AdminSettings)
_VALUES = ", ".join(":" + name for name in ROW.columns)
GET = f"SELECT {ROW.names} FROM admin_settings WHERE id = 1"  # noqa: S608 - our own names
FIRST = f"INSERT INTO admin_settings (id, {ROW.names}) VALUES (1, {_VALUES}) ON CONFLICT DO NOTHING"  # noqa: S608
FIELDS = frozenset({"default_agent", "default_model", "accepts_sessions", "announcement"})


class AdminSettingsStore(AdminSettingsRepository):
    def __init__(self, db: Database) -> None:
        self._db = db

    async def get(self) -> AdminSettings:
        row = await self._db.fetch_one(GET)
        return AdminSettings() if row is None else ROW.load(row)

    async def change(self, changes: Mapping[str, Any], by: str, revision: int | None) -> AdminSettings | None:
        if wrong := changes.keys() - FIELDS:
            raise ValueError(f"not for update: {sorted(wrong)}")
        await self._db.run(FIRST, **ROW.dump(AdminSettings()))
        sets = "".join(f"{name} = :{name}, " for name in changes)
        guard = "" if revision is None else " AND revision = :expected"
        known = {} if revision is None else {"expected": revision}
        query = (
            f"UPDATE admin_settings SET {sets}updated_by = :by, updated_at = :now, revision = revision + 1 "  # noqa: S608
            f"WHERE id = 1{guard} RETURNING {ROW.names}"
        )
        rows = await self._db.run(query, by=by, now=datetime.now(UTC), **changes, **known)
        return ROW.load(rows[0]) if rows else None
