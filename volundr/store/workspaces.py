"""Which workspaces there are, in SQL: those of sessions, and those that were left over."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from volundr.db.database import Database, Query, Sql
from volundr.db.listing import Listing
from volundr.db.rows import RowMap, to_uuid
from volundr.domain.paging import Page, PageRequest
from volundr.domain.storage import StoredWorkspace, WorkspaceFilter, WorkspaceRepository

MIGRATIONS: tuple[Query, ...] = (
    """
    CREATE TABLE workspaces (
        id UUID PRIMARY KEY,
        size BIGINT NOT NULL,
        measured_at TIMESTAMPTZ NOT NULL,
        orphaned BOOLEAN NOT NULL,
        tenant_id TEXT NOT NULL,
        owner_id TEXT NOT NULL,
        name TEXT NOT NULL,
        path TEXT NOT NULL,
        branch TEXT NOT NULL,
        source JSONB NOT NULL,
        last_used TIMESTAMPTZ NOT NULL
    )
    """,
    "CREATE INDEX workspaces_orphaned ON workspaces (tenant_id, last_used) WHERE orphaned",
)

ROW = RowMap(StoredWorkspace)
_MADE = Sql(
    sqlite="s.workspace <> '' AND COALESCE(json_extract(s.source, '$.mode'), '') <> 'in_place'",
    postgres="s.workspace <> '' AND COALESCE(s.source ->> 'mode', '') <> 'in_place'",
)
_STATUS = "CASE WHEN s.status IN ('starting', 'provisioning', 'running', 'stopping') THEN 'used' ELSE 'resting' END"


def _all(made: str) -> str:
    """Sessions that have a folder made for them, and folders without one."""
    return f"""(
        SELECT s.id, s.tenant_id, s.owner_id, s.name, {_STATUS} AS status, s.workspace AS path, s.branch, s.source,
            COALESCE(w.size, -1) AS size, w.measured_at, s.last_active AS last_used
        FROM sessions s LEFT JOIN workspaces w ON w.id = s.id WHERE {made}
        UNION ALL
        SELECT w.id, w.tenant_id, w.owner_id, w.name, 'orphaned', w.path, w.branch, w.source, w.size, w.measured_at, w.last_used
        FROM workspaces w WHERE w.orphaned AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.id = w.id)
    ) AS stored"""  # noqa: S608 - our own names


_TABLES = {"sqlite": _all(_MADE.sqlite), "postgres": _all(_MADE.postgres)}
_STALE = "(measured_at IS NULL OR measured_at < last_used OR measured_at < :before)"
_COLUMNS = ", ".join(name for name in ROW.columns if name != "status")
_VALUES = ", ".join(":" + name for name in ROW.columns if name != "status")
_SETS = ", ".join(f"{name} = excluded.{name}" for name in ROW.columns if name not in {"id", "status"})
MEASURED = f"""
    INSERT INTO workspaces ({_COLUMNS}, orphaned) VALUES ({_VALUES}, :orphaned)
    ON CONFLICT (id) DO UPDATE SET {_SETS}, orphaned = excluded.orphaned
"""  # noqa: S608
FORGET = """
    DELETE FROM workspaces
    WHERE id = :id OR (NOT orphaned AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.id = workspaces.id))
"""
_SEARCH = Sql(
    sqlite="instr(lower(name || ' ' || branch || ' ' || path), :q) > 0",
    postgres="strpos(lower(name || ' ' || branch || ' ' || path), :q) > 0",
)
_GONE = Sql(
    sqlite="SELECT value AS id FROM json_each(:ids) WHERE value NOT IN (SELECT id FROM sessions)",
    postgres="SELECT CAST(value AS UUID) AS id FROM jsonb_array_elements_text(CAST(:ids AS JSONB)) "
    "WHERE NOT EXISTS (SELECT 1 FROM sessions s WHERE s.id = CAST(value AS UUID))",
)


class WorkspaceStore(WorkspaceRepository):
    def __init__(self, db: Database) -> None:
        self._db = db
        self._table = _TABLES[db.kind]
        self._listing = Listing(ROW, self._table, sorts=("last_used", "size", "name"), default="-last_used")

    async def list(self, chosen: WorkspaceFilter, page: PageRequest) -> Page[StoredWorkspace]:
        where: list[Query] = []
        params: dict[str, Any] = {}
        if chosen.whose is not None:
            where.append("tenant_id = :tenant")
            params["tenant"] = chosen.whose.tenant_id
            if chosen.whose.owner_id is not None:
                where.append("owner_id = :owner")
                params["owner"] = chosen.whose.owner_id
        if chosen.status is not None:
            where.append("status = :status")
            params["status"] = chosen.status
        if chosen.q:
            where.append(_SEARCH)
            params["q"] = chosen.q.lower()
        return await self._listing.page(self._db, page, where, params)

    async def get(self, workspace_id: UUID) -> StoredWorkspace | None:
        row = await self._db.fetch_one(f"SELECT {ROW.names} FROM {self._table} WHERE id = :id", id=workspace_id)  # noqa: S608
        return None if row is None else ROW.load(row)

    async def stale(self, before: datetime, limit: int) -> Sequence[StoredWorkspace]:
        query = (
            f"SELECT {ROW.names} FROM {self._table} WHERE {_STALE} "  # noqa: S608 - our own names
            "ORDER BY CASE WHEN measured_at IS NULL THEN 0 ELSE 1 END, measured_at, id LIMIT :limit"
        )
        return [ROW.load(row) for row in await self._db.fetch(query, before=before, limit=limit)]

    async def measured(self, workspace: StoredWorkspace, size: int) -> None:
        values = {name: value for name, value in ROW.dump(workspace).items() if name != "status"}
        values |= {"size": size, "measured_at": datetime.now(UTC), "orphaned": workspace.status == "orphaned"}
        await self._db.run(MEASURED, **values)

    async def forget(self, workspace_id: UUID) -> None:
        await self._db.run(FORGET, id=workspace_id)

    async def taken(self, tenant_path: str) -> int:
        query = (
            f"SELECT CAST(COALESCE(SUM(stored.size), 0) AS BIGINT) AS taken FROM {self._table} "  # noqa: S608 - our own names
            "JOIN tenants t ON t.id = stored.tenant_id WHERE stored.size > 0 AND (t.path = :path OR t.path LIKE :below)"
        )
        row = await self._db.fetch_one(query, path=tenant_path, below=f"{tenant_path}/%")
        assert row is not None  # a sum of nothing is a row too
        return int(row["taken"])

    async def without_session(self, ids: Sequence[UUID]) -> Sequence[UUID]:
        return [to_uuid(row["id"]) for row in await self._db.fetch(_GONE, ids=[str(one) for one in ids])] if ids else []

    async def orphans(self) -> Sequence[UUID]:
        return [to_uuid(row["id"]) for row in await self._db.fetch("SELECT id FROM workspaces WHERE orphaned")]
