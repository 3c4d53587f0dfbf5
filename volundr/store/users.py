"""People and their memberships in SQL."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from volundr.db.database import Database, Query, Sql
from volundr.db.listing import Listing
from volundr.db.rows import RowMap
from volundr.domain.paging import Page, PageRequest
from volundr.domain.roles import Role
from volundr.domain.users import Membership, User, UserRepository

MIGRATIONS = (
    """
    CREATE TABLE users (
        id TEXT PRIMARY KEY,
        email TEXT NOT NULL,
        name TEXT NOT NULL,
        status TEXT NOT NULL,
        tenant_id TEXT NOT NULL,
        revision BIGINT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL
    )
    """,
    "CREATE INDEX users_tenant ON users (tenant_id, id)",
    """
    CREATE TABLE memberships (
        user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
        role TEXT NOT NULL,
        granted_by TEXT NOT NULL,
        granted_at TIMESTAMPTZ NOT NULL,
        PRIMARY KEY (user_id, tenant_id)
    )
    """,
    "CREATE INDEX memberships_tenant ON memberships (tenant_id, granted_at, user_id)",
)

ROW = RowMap(User)
MEMBER = RowMap(Membership)
LISTING = Listing(ROW, "users", sorts=("id", "name", "created_at"), default="id")
MEMBERS = Listing(MEMBER, "memberships", sorts=("granted_at",), default="granted_at", key="user_id")
_VALUES = ", ".join(":" + name for name in ROW.columns)
ADD = f"INSERT INTO users ({ROW.names}) VALUES ({_VALUES}) ON CONFLICT DO NOTHING RETURNING id"  # noqa: S608 - our own names
GET = f"SELECT {ROW.names} FROM users WHERE id = :id"  # noqa: S608
GRANT = f"""
    INSERT INTO memberships ({MEMBER.names}) VALUES ({", ".join(":" + name for name in MEMBER.columns)})
    ON CONFLICT (user_id, tenant_id) DO UPDATE SET role = :role, granted_by = :granted_by, granted_at = :granted_at
"""  # noqa: S608
REVOKE = "DELETE FROM memberships WHERE tenant_id = :tenant AND user_id = :user RETURNING user_id"
OF_USER = f"SELECT {MEMBER.names} FROM memberships WHERE user_id = :user ORDER BY granted_at, tenant_id LIMIT 200"  # noqa: S608
_IN = """
    (EXISTS (SELECT 1 FROM tenants t WHERE t.id = users.tenant_id AND (t.path = :path OR t.path LIKE :below))
    OR EXISTS (SELECT 1 FROM memberships m JOIN tenants t ON t.id = m.tenant_id
        WHERE m.user_id = users.id AND (t.path = :path OR t.path LIKE :below)))
"""
REACHES = f"SELECT id FROM users WHERE id = :id AND {_IN}"  # noqa: S608
SEARCH = Sql(
    sqlite="instr(lower(id || ' ' || name || ' ' || email), :q) > 0",
    postgres="strpos(lower(id || ' ' || name || ' ' || email), :q) > 0",
)


class UserStore(UserRepository):
    def __init__(self, db: Database) -> None:
        self._db = db

    async def provision(self, user: User, role: Role) -> User:
        async with self._db.transaction() as tx:
            if await tx.run(ADD, **ROW.dump(user)):
                first = Membership(user_id=user.id, tenant_id=user.tenant_id, role=role, granted_at=user.created_at)
                await tx.run(GRANT, **MEMBER.dump(first))
            row = await tx.fetch_one(GET, id=user.id)
        assert row is not None
        return ROW.load(row)

    async def get(self, user_id: str) -> User | None:
        row = await self._db.fetch_one(GET, id=user_id)
        return None if row is None else ROW.load(row)

    async def list(self, above: str, q: str, page: PageRequest) -> Page[User]:
        where: list[Query] = [_IN]
        params = {"path": above, "below": f"{above}/%"}
        if q:
            where.append(SEARCH)
            params["q"] = q.lower()
        return await LISTING.page(self._db, page, where, params)

    async def reaches(self, above: str, user_id: str) -> bool:
        return bool(await self._db.fetch(REACHES, id=user_id, path=above, below=f"{above}/%"))

    async def update(self, user_id: str, changes: Mapping[str, Any], revision: int | None) -> User | None:
        if wrong := changes.keys() - {"email", "name", "status", "tenant_id"}:
            raise ValueError(f"not for update: {sorted(wrong)}")
        sets = "".join(f"{name} = :{name}, " for name in changes)
        guard = "" if revision is None else " AND revision = :expected"
        query = (
            f"UPDATE users SET {sets}updated_at = :now, revision = revision + 1 WHERE id = :id{guard} "  # noqa: S608
            f"RETURNING {ROW.names}"
        )
        known = {} if revision is None else {"expected": revision}
        rows = await self._db.run(query, id=user_id, now=datetime.now(UTC), **ROW.dump_some(changes), **known)
        return ROW.load(rows[0]) if rows else None

    async def grant(self, membership: Membership) -> Membership:
        await self._db.run(GRANT, **MEMBER.dump(membership))
        return membership

    async def revoke(self, tenant_id: str, user_id: str) -> bool:
        return bool(await self._db.run(REVOKE, tenant=tenant_id, user=user_id))

    async def memberships(self, user_id: str) -> Sequence[Membership]:
        return [MEMBER.load(row) for row in await self._db.fetch(OF_USER, user=user_id)]

    async def members(self, tenant_id: str, page: PageRequest) -> Page[Membership]:
        return await MEMBERS.page(self._db, page, ["tenant_id = :tenant"], {"tenant": tenant_id})
