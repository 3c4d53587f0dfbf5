"""Sessions in SQL."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from volundr.db.database import Database, Query, Row, Sql, UniqueViolation
from volundr.db.listing import Listing
from volundr.db.rows import RowMap
from volundr.domain.errors import Conflict
from volundr.domain.leases import HELD
from volundr.domain.paging import Page, PageRequest
from volundr.domain.sessions.model import Activity, Session, Status, sources
from volundr.domain.sessions.ports import SessionFilter, SessionRepository
from volundr.store.changes import ChangeLog

MIGRATIONS = (
    """
    CREATE TABLE sessions (
        id UUID PRIMARY KEY,
        name TEXT NOT NULL,
        agent TEXT NOT NULL,
        model TEXT NOT NULL,
        source JSONB NOT NULL,
        status TEXT NOT NULL,
        step TEXT NOT NULL,
        error TEXT NOT NULL,
        hint TEXT NOT NULL,
        workspace TEXT NOT NULL,
        branch TEXT NOT NULL,
        activity JSONB NOT NULL,
        pod JSONB NOT NULL,
        owner_id TEXT NOT NULL,
        tenant_id TEXT NOT NULL,
        revision BIGINT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL,
        last_active TIMESTAMPTZ NOT NULL,
        archived_at TIMESTAMPTZ
    )
    """,
    "CREATE UNIQUE INDEX sessions_name ON sessions (owner_id, name) WHERE status <> 'archived'",
    "CREATE INDEX sessions_newest ON sessions (created_at, id)",
    "CREATE INDEX sessions_status ON sessions (status, created_at, id)",
    "CREATE INDEX sessions_owner ON sessions (owner_id, created_at, id)",
    "ALTER TABLE sessions ADD COLUMN options JSONB NOT NULL DEFAULT '{}'",
    "DROP INDEX sessions_owner",
    "CREATE INDEX sessions_owner ON sessions (tenant_id, owner_id, created_at, id)",
    "DROP INDEX sessions_name",
    "CREATE UNIQUE INDEX sessions_name ON sessions (tenant_id, owner_id, name) WHERE status <> 'archived'",
    "CREATE INDEX sessions_tenant ON sessions (tenant_id, created_at, id)",
    # The common list leaves out what is archived, in time nearly all: it must not pass over that on its way.
    "CREATE INDEX sessions_open_of_owner ON sessions (tenant_id, owner_id, created_at, id) WHERE status <> 'archived'",
    "CREATE INDEX sessions_open_of_tenant ON sessions (tenant_id, created_at, id) WHERE status <> 'archived'",
    "CREATE INDEX sessions_state ON sessions (tenant_id, status, owner_id)",
    "CREATE INDEX sessions_with_workspace ON sessions (tenant_id, last_active, id) WHERE workspace <> ''",
)

ROW = RowMap(Session)
_FIXED = frozenset({"id", "status", "revision", "created_at", "owner_id", "tenant_id"})

ADD = f"INSERT INTO sessions ({ROW.names}) VALUES ({', '.join(':' + name for name in ROW.columns)})"  # noqa: S608 - our own names
GET = f"SELECT {ROW.names} FROM sessions WHERE id = :id"  # noqa: S608
IN_PLACE = f"SELECT {ROW.names} FROM sessions WHERE workspace = :workspace AND id <> :id LIMIT 1"  # noqa: S608
SEARCH = Sql(
    sqlite="instr(lower(name || ' ' || branch || ' ' || source), :q) > 0",
    postgres="strpos(lower(name || ' ' || branch || ' ' || CAST(source AS TEXT)), :q) > 0",
)
REPORT = f"""
    UPDATE sessions SET activity = :activity, last_active = :now, updated_at = :now, revision = revision + 1
    WHERE id = :id AND status IN ('starting', 'provisioning', 'running') RETURNING {ROW.names}
"""  # noqa: S608


LISTING = Listing(ROW, "sessions", sorts=("created_at", "updated_at", "last_active", "name"), default="-created_at")


def _chosen(chosen: SessionFilter) -> tuple[list[Query], dict[str, Any]]:
    """Conditions are left out, not made true by a NULL, so that each form has its index."""
    names = {f"s{number}": status.value for number, status in enumerate(chosen.status)}
    where: list[Query] = [f"status IN ({', '.join(':' + name for name in names)})"] if names else ["status <> 'archived'"]
    params: dict[str, Any] = dict(names)
    if chosen.whose is not None:
        where.append("tenant_id = :tenant")
        params["tenant"] = chosen.whose.tenant_id
        if chosen.whose.owner_id is not None:
            where.append("owner_id = :owner")
            params["owner"] = chosen.whose.owner_id
    if chosen.agent:
        where.append("agent = :agent")
        params["agent"] = chosen.agent
    if chosen.q:
        where.append(SEARCH)
        params["q"] = chosen.q.lower()
    return where, params


def _update(guard: str, changes: Collection[str]) -> str:
    sets = "".join(f"{name} = :{name}, " for name in changes)
    sets += "updated_at = :now, revision = revision + 1"
    return f"UPDATE sessions SET {sets} WHERE id = :id{guard} RETURNING {ROW.names}"  # noqa: S608


class SessionStore(SessionRepository):
    def __init__(self, db: Database, changes: ChangeLog | None = None) -> None:
        """`changes`: where every change is told, in its own transaction; None where somebody else tells it."""
        self._db = db
        self._changes = changes

    async def add(self, session: Session) -> None:
        try:
            await self._changing(f"{ADD} RETURNING {ROW.names}", ROW.dump(session))
        except UniqueViolation as error:
            raise _taken(session.name) from error

    async def get(self, session_id: UUID) -> Session | None:
        return _one(await self._db.fetch(GET, id=session_id))

    async def list(self, chosen: SessionFilter, page: PageRequest) -> Page[Session]:
        return await LISTING.page(self._db, page, *_chosen(chosen))

    async def move(
        self, session_id: UUID, target: Status, changes: Mapping[str, Any], revision: int | None = None
    ) -> Session | None:
        allowed = {f"from{number}": status.value for number, status in enumerate(sorted(sources(target)))}
        if not allowed:
            return None  # no way leads there at all; `IN ()` is not SQL
        guard = f" AND status IN ({', '.join(':' + name for name in allowed)})"
        return await self._change(session_id, guard, {**changes, "status": target}, allowed, revision)

    async def update(self, session_id: UUID, changes: Mapping[str, Any], revision: int | None = None) -> Session | None:
        if not _FIXED.isdisjoint(changes):
            raise ValueError(f"not for update: {sorted(_FIXED.intersection(changes))}")
        return await self._change(session_id, "", changes, {}, revision)

    async def report(self, session_id: UUID, activity: Activity) -> Session | None:
        values = ROW.dump_some({"activity": activity})
        return await self._changing(REPORT, {"id": session_id, "now": datetime.now(UTC), **values})

    async def shares(self, session: Session) -> Session | None:
        return _one(await self._db.fetch(IN_PLACE, workspace=session.workspace, id=session.id)) if session.workspace else None

    async def delete(self, session_id: UUID) -> bool:
        guard, fence = _fenced()
        query, params = f"DELETE FROM sessions WHERE id = :id{guard} RETURNING {ROW.names}", {"id": session_id, **fence}  # noqa: S608
        if self._changes is None:
            return bool(await self._db.run(query, **params))
        async with self._db.transaction() as tx:
            rows = await tx.run(query, **params)
            if rows:
                await self._changes.deleted(tx, ROW.load(rows[0]))
        return bool(rows)

    async def _change(
        self, session_id: UUID, guard: str, changes: Mapping[str, Any], more: Mapping[str, Any], revision: int | None
    ) -> Session | None:
        fenced, fence = _fenced()
        guard += fenced
        params = ROW.dump_some(changes) | {"id": session_id, "now": datetime.now(UTC), **more, **fence}
        if revision is not None:
            guard, params["expected"] = f"{guard} AND revision = :expected", revision
        try:
            return await self._changing(_update(guard, changes), params)
        except UniqueViolation as error:
            raise _taken(str(changes.get("name", "of this session"))) from error

    async def _changing(self, query: str, params: Mapping[str, Any]) -> Session | None:
        """The session that this statement returns, told in the same transaction."""
        if self._changes is None:
            return _one(await self._db.run(query, **params))
        async with self._db.transaction() as tx:
            changed = _one(await tx.run(query, **params))
            if changed is not None:
                await self._changes.session(tx, changed)
        return changed


def _fenced() -> tuple[str, dict[str, Any]]:
    """What work under a lease adds to its conditions: nothing is written by who was overtaken."""
    lease = HELD.get()
    if lease is None:
        return "", {}
    held = " AND EXISTS (SELECT 1 FROM leases WHERE leases.session_id = sessions.id AND leases.fence = :fence)"
    return held, {"fence": lease.fence}


def _one(rows: list[Row]) -> Session | None:
    return ROW.load(rows[0]) if rows else None


def _taken(name: str) -> Conflict:
    return Conflict(
        f"You have a session named {name!r} already.", hint="Choose another name, or archive or delete the other one."
    )
