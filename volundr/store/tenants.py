"""Tenants in SQL."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from volundr.db.database import Database, Sql, UniqueViolation
from volundr.db.listing import Listing
from volundr.db.rows import RowMap
from volundr.domain.errors import Conflict, NotFound
from volundr.domain.paging import Page, PageRequest
from volundr.domain.tenants import DEFAULT, Tenant, TenantRepository

MIGRATIONS = (
    """
    CREATE TABLE tenants (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        parent_id TEXT NOT NULL,
        path TEXT NOT NULL,
        tier TEXT NOT NULL,
        max_sessions BIGINT,
        max_storage_gb BIGINT,
        budget_usd DOUBLE PRECISION,
        revision BIGINT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX tenants_path ON tenants (path)",
    "CREATE INDEX tenants_parent ON tenants (parent_id)",
    """
    CREATE TABLE session_places (
        session_id UUID PRIMARY KEY,
        tenant_id TEXT NOT NULL,
        until TIMESTAMPTZ NOT NULL
    )
    """,
    "CREATE INDEX session_places_tenant ON session_places (tenant_id, until)",
)

ROW = RowMap(Tenant)
LISTING = Listing(ROW, "tenants", sorts=("path", "name", "created_at"), default="path")
PLACE_SECONDS = 30.0
"""A start that was let through shows as such within this time, or gave up."""

_VALUES = ", ".join(":" + name for name in ROW.columns)
ADD = (
    f"INSERT INTO tenants ({ROW.names}) SELECT {_VALUES} WHERE EXISTS (SELECT 1 FROM tenants WHERE id = :parent_id) RETURNING id"  # noqa: S608 - our own names
)
ENSURE = f"INSERT INTO tenants ({ROW.names}) VALUES ({_VALUES}) ON CONFLICT DO NOTHING"  # noqa: S608
GET = f"SELECT {ROW.names} FROM tenants WHERE id = :id"  # noqa: S608
LOCK = Sql(
    sqlite="SELECT id FROM tenants WHERE id = :id",  # the transaction is the lock
    postgres="SELECT id FROM tenants WHERE id = :id FOR UPDATE",
)
INSIDE = """
    SELECT (SELECT COUNT(*) FROM tenants WHERE parent_id = :id) AS tenants,
        (SELECT COUNT(*) FROM sessions WHERE tenant_id = :id) AS sessions,
        (SELECT COUNT(*) FROM users WHERE tenant_id = :id) AS users
"""
DELETE = """
    DELETE FROM tenants WHERE id = :id
        AND NOT EXISTS (SELECT 1 FROM tenants t WHERE t.parent_id = :id)
        AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.tenant_id = :id)
        AND NOT EXISTS (SELECT 1 FROM users u WHERE u.tenant_id = :id)
    RETURNING id
"""
UP = """
    SELECT COUNT(*) AS many FROM (
        SELECT s.id FROM sessions s JOIN tenants t ON t.id = s.tenant_id
        WHERE s.status IN ('starting', 'provisioning', 'running', 'stopping') AND (t.path = :path OR t.path LIKE :below)
            AND s.id <> :session
        UNION
        SELECT p.session_id FROM session_places p JOIN tenants t ON t.id = p.tenant_id
        WHERE p.until > :now AND (t.path = :path OR t.path LIKE :below) AND p.session_id <> :session
    ) AS up
"""
RESERVE = """
    INSERT INTO session_places (session_id, tenant_id, until) VALUES (:session, :tenant, :until)
    ON CONFLICT (session_id) DO UPDATE SET until = :until
"""
FORGET = "DELETE FROM session_places WHERE until < :now"


class TenantStore(TenantRepository):
    def __init__(self, db: Database) -> None:
        self._db = db

    async def ensure_default(self) -> None:
        await self._db.run(ENSURE, **ROW.dump(Tenant(id=DEFAULT, name="Default", path=DEFAULT)))

    async def add(self, tenant: Tenant) -> None:
        try:
            added = await self._db.run(ADD, **ROW.dump(tenant))
        except UniqueViolation as error:
            raise Conflict(f"There is a tenant {tenant.id!r} already.", hint="Ids are unique over all tenants.") from error
        if not added:
            raise NotFound("The tenant above it is gone.")

    async def get(self, tenant_id: str) -> Tenant | None:
        row = await self._db.fetch_one(GET, id=tenant_id)
        return None if row is None else ROW.load(row)

    async def list(self, above: str, page: PageRequest) -> Page[Tenant]:
        where = ["(path = :path OR path LIKE :below)"]  # ids have neither % nor _
        return await LISTING.page(self._db, page, where, {"path": above, "below": f"{above}/%"})

    async def update(self, tenant_id: str, changes: Mapping[str, Any], revision: int | None) -> Tenant | None:
        if wrong := changes.keys() - {"name", "tier", "max_sessions", "max_storage_gb", "budget_usd"}:
            raise ValueError(f"not for update: {sorted(wrong)}")
        sets = "".join(f"{name} = :{name}, " for name in changes)
        guard = "" if revision is None else " AND revision = :expected"
        query = f"UPDATE tenants SET {sets}revision = revision + 1 WHERE id = :id{guard} RETURNING {ROW.names}"  # noqa: S608
        known = {} if revision is None else {"expected": revision}
        rows = await self._db.run(query, id=tenant_id, **changes, **known)
        return ROW.load(rows[0]) if rows else None

    async def delete(self, tenant_id: str) -> str:
        if await self._db.run(DELETE, id=tenant_id):
            return ""
        row = await self._db.fetch_one(INSIDE, id=tenant_id)
        assert row is not None
        found = [f"{row[what]} {what}" for what in ("tenants", "sessions", "users") if row[what]]
        return ", ".join(found)

    async def reserve(self, session_id: UUID, lineage: Sequence[str]) -> Tenant | None:
        now = datetime.now(UTC)
        async with self._db.transaction() as tx:
            for tenant_id in lineage:  # from the top: whoever else does this takes the locks in the same order
                await tx.fetch(LOCK, id=tenant_id)
                row = await tx.fetch_one(GET, id=tenant_id)
                tenant = None if row is None else ROW.load(row)
                if tenant is None or tenant.max_sessions is None:
                    continue
                up = await tx.fetch_one(UP, path=tenant.path, below=f"{tenant.path}/%", session=session_id, now=now)
                assert up is not None
                if up["many"] >= tenant.max_sessions:
                    return tenant
            await tx.run(FORGET, now=now)
            until = now + timedelta(seconds=PLACE_SECONDS)
            await tx.run(RESERVE, session=session_id, tenant=lineage[-1], until=until)
        return None
