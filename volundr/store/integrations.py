"""Connections in SQL."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from volundr.db.database import Database, Query, UniqueViolation
from volundr.db.listing import Listing
from volundr.db.rows import RowMap
from volundr.domain.errors import Conflict
from volundr.domain.identity import Whose
from volundr.domain.integrations import IntegrationConnection, IntegrationRepository
from volundr.domain.paging import Page, PageRequest

MIGRATIONS = (
    """
    CREATE TABLE integrations (
        id UUID PRIMARY KEY,
        owner_id TEXT NOT NULL,
        tenant_id TEXT NOT NULL,
        slug TEXT NOT NULL,
        name TEXT NOT NULL,
        credential TEXT NOT NULL,
        config JSONB NOT NULL,
        enabled BOOLEAN NOT NULL,
        revision BIGINT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX integrations_name ON integrations (tenant_id, owner_id, name)",
    "CREATE INDEX integrations_age ON integrations (tenant_id, owner_id, created_at, id)",
)

ROW = RowMap(IntegrationConnection)
LISTING = Listing(ROW, "integrations", sorts=("created_at", "name"), default="created_at")
ADD = f"INSERT INTO integrations ({ROW.names}) VALUES ({', '.join(':' + name for name in ROW.columns)})"  # noqa: S608 - our own names
GET = f"SELECT {ROW.names} FROM integrations WHERE id = :id"  # noqa: S608
ENABLED = f"""
    SELECT {ROW.names} FROM integrations WHERE tenant_id = :tenant AND owner_id = :owner AND enabled
    ORDER BY created_at, id LIMIT 100
"""  # noqa: S608
DELETE = "DELETE FROM integrations WHERE id = :id"
_CHANGEABLE = frozenset({"name", "credential", "config", "enabled"})


class IntegrationStore(IntegrationRepository):
    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, connection: IntegrationConnection) -> None:
        try:
            await self._db.run(ADD, **ROW.dump(connection))
        except UniqueViolation as error:
            raise _taken(connection.name) from error

    async def get(self, connection_id: UUID) -> IntegrationConnection | None:
        row = await self._db.fetch_one(GET, id=connection_id)
        return None if row is None else ROW.load(row)

    async def list(self, whose: Whose, slug: str, page: PageRequest) -> Page[IntegrationConnection]:
        where: list[Query] = ["tenant_id = :tenant"]
        params: dict[str, Any] = {"tenant": whose.tenant_id}
        if whose.owner_id is not None:
            where.append("owner_id = :owner")
            params["owner"] = whose.owner_id
        if slug:
            where.append("slug = :slug")
            params["slug"] = slug
        return await LISTING.page(self._db, page, where, params)

    async def enabled(self, tenant_id: str, owner_id: str) -> Sequence[IntegrationConnection]:
        return [ROW.load(row) for row in await self._db.fetch(ENABLED, tenant=tenant_id, owner=owner_id)]

    async def update(self, connection_id: UUID, changes: Mapping[str, Any], revision: int | None) -> IntegrationConnection | None:
        if wrong := changes.keys() - _CHANGEABLE:
            raise ValueError(f"not for update: {sorted(wrong)}")
        sets = "".join(f"{name} = :{name}, " for name in changes)
        guard = "" if revision is None else " AND revision = :expected"
        query = (
            f"UPDATE integrations SET {sets}updated_at = :now, revision = revision + 1 "  # noqa: S608
            f"WHERE id = :id{guard} RETURNING {ROW.names}"
        )
        params = ROW.dump_some(changes) | {"id": connection_id, "now": datetime.now(UTC)}
        if revision is not None:
            params["expected"] = revision
        try:
            rows = await self._db.run(query, **params)
        except UniqueViolation as error:
            raise _taken(str(changes.get("name", ""))) from error
        return ROW.load(rows[0]) if rows else None

    async def delete(self, connection_id: UUID) -> None:
        await self._db.run(DELETE, id=connection_id)


def _taken(name: str) -> Conflict:
    return Conflict(f"You have a connection named {name!r} already.", hint="Choose another name.")
