"""Leases in SQL. Times are the database's own: replicas' clocks may differ."""

from uuid import UUID, uuid4

from volundr.db.database import Database
from volundr.domain.leases import Lease, Leases

MIGRATIONS = (
    """
    CREATE TABLE leases (
        session_id UUID PRIMARY KEY,
        holder UUID NOT NULL,
        fence BIGINT NOT NULL,
        until DOUBLE PRECISION NOT NULL
    )
    """,
)

_NOW = "EXTRACT(EPOCH FROM clock_timestamp())"
TAKE = f"""
    INSERT INTO leases (session_id, holder, fence, until) VALUES (:session, :holder, 1, {_NOW} + :seconds)
    ON CONFLICT (session_id) DO UPDATE SET holder = :holder, fence = leases.fence + 1, until = {_NOW} + :seconds
    WHERE leases.until < {_NOW} OR leases.holder = :holder OR :force
    RETURNING fence
"""  # noqa: S608 - our own text
RENEW = f"""
    UPDATE leases SET until = {_NOW} + :seconds
    WHERE session_id = :session AND holder = :holder AND fence = :fence RETURNING fence
"""  # noqa: S608
RELEASE = "UPDATE leases SET until = 0 WHERE session_id = :session AND holder = :holder AND fence = :fence"


class LeaseStore(Leases):
    """Of one worker; Postgres only, for SQLite has one forge."""

    def __init__(self, db: Database, seconds: float) -> None:
        self._db = db
        self._seconds = seconds
        self._holder = uuid4()

    async def take(self, session_id: UUID, *, force: bool) -> Lease | None:
        rows = await self._db.run(TAKE, session=session_id, holder=self._holder, seconds=self._seconds, force=force)
        return Lease(session_id=session_id, fence=rows[0]["fence"], seconds=self._seconds) if rows else None

    async def renew(self, lease: Lease) -> bool:
        known = {"session": lease.session_id, "holder": self._holder, "fence": lease.fence}
        return bool(await self._db.run(RENEW, seconds=self._seconds, **known))

    async def release(self, lease: Lease) -> None:
        await self._db.run(RELEASE, session=lease.session_id, holder=self._holder, fence=lease.fence)
