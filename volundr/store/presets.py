"""Presets in SQL, and what presets and prompts have in common there: owners, sharing, revisions."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from volundr.db.database import Connection, Database, Query, UniqueViolation
from volundr.db.listing import Listing
from volundr.db.rows import RowMap
from volundr.domain.errors import Conflict
from volundr.domain.paging import Page, PageRequest
from volundr.domain.presets import Preset, PresetRepository, Sight, taken

MIGRATIONS = (
    """
    CREATE TABLE presets (
        id UUID PRIMARY KEY,
        tenant_id TEXT NOT NULL,
        owner_id TEXT NOT NULL,
        name TEXT NOT NULL,
        description TEXT NOT NULL,
        shared BOOLEAN NOT NULL,
        is_default BOOLEAN NOT NULL,
        agent TEXT NOT NULL,
        model TEXT NOT NULL,
        mode TEXT NOT NULL,
        thinking TEXT NOT NULL,
        system_prompt TEXT NOT NULL,
        resources JSONB NOT NULL,
        env JSONB NOT NULL,
        mcp_servers JSONB NOT NULL,
        credentials JSONB NOT NULL,
        template TEXT NOT NULL,
        profile TEXT NOT NULL,
        initial_prompt TEXT NOT NULL,
        integrations JSONB NOT NULL,
        revision BIGINT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX presets_name ON presets (tenant_id, owner_id, name)",
    "CREATE UNIQUE INDEX presets_default ON presets (tenant_id, owner_id, agent) WHERE is_default",
    "CREATE INDEX presets_by_name ON presets (tenant_id, name, id)",
    "CREATE INDEX presets_by_age ON presets (tenant_id, updated_at, id)",
    "CREATE INDEX presets_newest ON presets (tenant_id, created_at, id)",
)

ROW = RowMap(Preset)
LISTING = Listing(ROW, "presets", sorts=("name", "created_at", "updated_at"), default="name")
ADD = f"INSERT INTO presets ({ROW.names}) VALUES ({', '.join(':' + name for name in ROW.columns)})"  # noqa: S608 - our own names
GET = f"SELECT {ROW.names} FROM presets WHERE id = :id"  # noqa: S608
DELETE = "DELETE FROM presets WHERE id = :id"
CLEAR = """
    UPDATE presets SET is_default = FALSE, updated_at = :now, revision = revision + 1
    WHERE tenant_id = :tenant AND owner_id = :owner AND agent = :agent AND is_default AND id <> :id
"""
CHOOSE = f"""
    UPDATE presets SET is_default = TRUE, updated_at = :now, revision = revision + 1
    WHERE id = :id AND agent = :agent AND (revision = :expected OR :expected = 0) RETURNING {ROW.names}
"""  # noqa: S608
DEFAULT = f"""
    SELECT {ROW.names} FROM presets WHERE tenant_id = :tenant AND owner_id = :owner AND is_default
    AND (agent = '' OR agent = :agent) ORDER BY agent DESC LIMIT 1
"""  # noqa: S608
ANY_DEFAULT = f"""
    SELECT {ROW.names} FROM presets WHERE tenant_id = :tenant AND owner_id = :owner AND is_default
    ORDER BY CASE WHEN agent = '' THEN 0 ELSE 1 END, updated_at DESC LIMIT 1
"""  # noqa: S608
FIXED = frozenset({"id", "tenant_id", "owner_id", "revision", "created_at", "updated_at"})
ATTEMPTS = 5


def seen(sight: Sight) -> tuple[list[Query], dict[str, Any]]:
    """The conditions for what somebody may see of things that people own and may share."""
    params = {"tenant": sight.tenant_id, "user": sight.user_id}
    match sight.scope:
        case "everybody":
            return ["tenant_id = :tenant"], {"tenant": sight.tenant_id}
        case "mine":
            return ["tenant_id = :tenant", "owner_id = :user"], params
        case "shared":
            return ["tenant_id = :tenant", "owner_id <> :user", "shared"], params
        case "visible":
            return ["tenant_id = :tenant", "(owner_id = :user OR shared)"], params


async def change[M](
    db: Connection, row: RowMap[M], table: str, thing: UUID, changes: Mapping[str, Any], revision: int | None
) -> M | None:
    """One guarded UPDATE; None when there is no such row or its revision is another."""
    if not FIXED.isdisjoint(changes):
        raise ValueError(f"not for update: {sorted(FIXED.intersection(changes))}")
    sets = "".join(f"{name} = :{name}, " for name in changes) + "updated_at = :now, revision = revision + 1"
    guard = "" if revision is None else " AND revision = :expected"
    known = {} if revision is None else {"expected": revision}
    query = f"UPDATE {table} SET {sets} WHERE id = :id{guard} RETURNING {row.names}"  # noqa: S608
    rows = await db.run(query, id=thing, now=datetime.now(UTC), **row.dump_some(changes), **known)
    return row.load(rows[0]) if rows else None


class _Another(Exception):
    """The preset is not as it was: what was begun is undone."""


class PresetStore(PresetRepository):
    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, preset: Preset) -> None:
        """Never as the default at once: that is `set_default`'s, which knows how to replace the one that was."""
        try:
            await self._db.run(ADD, **{**ROW.dump(preset), "is_default": False})
        except UniqueViolation as error:
            raise taken("preset", preset.name) from error

    async def get(self, preset_id: UUID) -> Preset | None:
        row = await self._db.fetch_one(GET, id=preset_id)
        return None if row is None else ROW.load(row)

    async def list(self, sight: Sight, agent: str, page: PageRequest) -> Page[Preset]:
        where, params = seen(sight)
        if agent:
            where.append("agent = :agent")
            params["agent"] = agent
        return await LISTING.page(self._db, page, where, params)

    async def update(self, preset_id: UUID, changes: Mapping[str, Any], revision: int | None) -> Preset | None:
        try:
            return await change(self._db, ROW, "presets", preset_id, changes, revision)
        except UniqueViolation as error:
            if "name" in changes:
                raise taken("preset", str(changes["name"])) from error
            raise Conflict(
                "Another preset is your default for this agent.", hint="Make this one the default once it is changed."
            ) from error

    async def delete(self, preset_id: UUID) -> None:
        await self._db.run(DELETE, id=preset_id)

    async def set_default(self, preset: Preset, revision: int | None = None) -> Preset | None:
        """Two that choose at once meet at the index of defaults; who comes second tries again and so comes last."""
        place = {"id": preset.id, "agent": preset.agent}
        for _ in range(ATTEMPTS):
            now = datetime.now(UTC)
            try:
                async with self._db.transaction() as tx:
                    await tx.run(CLEAR, now=now, tenant=preset.tenant_id, owner=preset.owner_id, **place)
                    rows = await tx.run(CHOOSE, now=now, expected=revision or 0, **place)
                    if not rows:
                        raise _Another
            except UniqueViolation:
                continue
            except _Another:
                return None
            return ROW.load(rows[0])
        raise Conflict("Others choose a default at this moment.", hint="Try it again.")

    async def default(self, tenant_id: str, owner_id: str, agent: str) -> Preset | None:
        owner = {"tenant": tenant_id, "owner": owner_id}
        row = await (self._db.fetch_one(DEFAULT, agent=agent, **owner) if agent else self._db.fetch_one(ANY_DEFAULT, **owner))
        return None if row is None else ROW.load(row)
