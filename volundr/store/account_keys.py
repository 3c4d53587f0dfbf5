"""Access tokens, login codes and login cookies in SQL, as hashes."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from volundr.db.database import Database, Row, UniqueViolation
from volundr.db.listing import Listing
from volundr.db.rows import RowMap
from volundr.domain.errors import Conflict
from volundr.domain.paging import Page, PageRequest
from volundr.domain.roles import Role
from volundr.domain.tenants import contains
from volundr.domain.users import AccessToken, AccountKeys, Known, UserStatus

MIGRATIONS = (
    """
    CREATE TABLE access_tokens (
        id UUID PRIMARY KEY,
        user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        hash TEXT NOT NULL,
        hint TEXT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        expires_at TIMESTAMPTZ,
        used_at TIMESTAMPTZ
    )
    """,
    "CREATE UNIQUE INDEX access_tokens_hash ON access_tokens (hash)",
    "CREATE UNIQUE INDEX access_tokens_name ON access_tokens (user_id, name)",
    """
    CREATE TABLE login_codes (
        hash TEXT PRIMARY KEY,
        user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        expires_at TIMESTAMPTZ NOT NULL
    )
    """,
    """
    CREATE TABLE login_cookies (
        hash TEXT PRIMARY KEY,
        user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        expires_at TIMESTAMPTZ NOT NULL
    )
    """,
    "CREATE INDEX login_cookies_age ON login_cookies (expires_at)",
)

ROW = RowMap(AccessToken)
LISTING = Listing(ROW, "access_tokens", sorts=("created_at", "name"), default="-created_at")
ADD = f"INSERT INTO access_tokens ({ROW.names}) VALUES ({', '.join(':' + name for name in ROW.columns)})"  # noqa: S608 - our own names
DELETE = "DELETE FROM access_tokens WHERE user_id = :user AND id = :id"
USED = "UPDATE access_tokens SET used_at = :now WHERE hash = :hash"
USED_SECONDS = 60.0
"""How exact `used_at` is: not every request is worth a write."""

_WHO = """
    SELECT u.id AS user_id, u.name, u.status, w.id AS tenant_id, w.path AS wanted, m.role, t.path, {used} AS used_at
    FROM {table} k JOIN users u ON u.id = k.user_id
    LEFT JOIN tenants w ON w.id = CASE WHEN :tenant = '' THEN u.tenant_id ELSE :tenant END
    LEFT JOIN memberships m ON m.user_id = u.id
    LEFT JOIN tenants t ON t.id = m.tenant_id
    WHERE k.hash = :hash AND {alive}
"""
BY_TOKEN = _WHO.format(table="access_tokens", used="k.used_at", alive="(k.expires_at IS NULL OR k.expires_at > :now)")
BY_COOKIE = _WHO.format(table="login_cookies", used="NULL", alive="k.expires_at > :now")
ADD_CODE = "INSERT INTO login_codes (hash, user_id, expires_at) VALUES (:hash, :user, :until)"
TAKE_CODE = "DELETE FROM login_codes WHERE hash = :hash AND expires_at > :now RETURNING user_id"
FORGET_CODES = "DELETE FROM login_codes WHERE expires_at < :now"
ADD_COOKIE = "INSERT INTO login_cookies (hash, user_id, expires_at) VALUES (:hash, :user, :until)"
FORGET_COOKIES = "DELETE FROM login_cookies WHERE expires_at < :now"
FORGET_COOKIE = "DELETE FROM login_cookies WHERE hash = :hash"


class AccountKeyStore(AccountKeys):
    def __init__(self, db: Database) -> None:
        self._db = db

    async def add_token(self, token: AccessToken) -> None:
        try:
            await self._db.run(ADD, **ROW.dump(token))
        except UniqueViolation as error:
            raise Conflict(f"You have an access token named {token.name!r} already.", hint="Choose another name.") from error

    async def tokens(self, user_id: str, page: PageRequest) -> Page[AccessToken]:
        return await LISTING.page(self._db, page, ["user_id = :user"], {"user": user_id})

    async def delete_token(self, user_id: str, token_id: UUID) -> None:
        await self._db.run(DELETE, user=user_id, id=token_id)

    async def by_token(self, hashed: str, tenant_id: str) -> Known | None:
        now = datetime.now(UTC)
        rows = await self._db.fetch(BY_TOKEN, hash=hashed, tenant=tenant_id, now=now)
        if rows and _stale(rows[0]["used_at"], now):
            await self._db.run(USED, hash=hashed, now=now)
        return _known(rows)

    async def by_cookie(self, hashed: str, tenant_id: str) -> Known | None:
        return _known(await self._db.fetch(BY_COOKIE, hash=hashed, tenant=tenant_id, now=datetime.now(UTC)))

    async def add_code(self, hashed: str, user_id: str, lasts: timedelta) -> None:
        now = datetime.now(UTC)
        await self._db.run(FORGET_CODES, now=now)
        await self._db.run(ADD_CODE, hash=hashed, user=user_id, until=now + lasts)

    async def redeem(self, code: str, cookie: str, lasts: timedelta) -> bool:
        now = datetime.now(UTC)
        async with self._db.transaction() as tx:
            taken = await tx.run(TAKE_CODE, hash=code, now=now)
            if taken:
                await tx.run(FORGET_COOKIES, now=now)
                await tx.run(ADD_COOKIE, hash=cookie, user=taken[0]["user_id"], until=now + lasts)
        return bool(taken)

    async def forget_cookie(self, hashed: str) -> None:
        await self._db.run(FORGET_COOKIE, hash=hashed)


def _stale(used_at: Any, now: datetime) -> bool:
    if used_at is None:
        return True
    at = used_at if isinstance(used_at, datetime) else datetime.fromisoformat(used_at)
    return (now - at).total_seconds() > USED_SECONDS


def _known(rows: Sequence[Row]) -> Known | None:
    """One row a membership; those in tenants above the wanted one (or in it) count."""
    if not rows:
        return None
    first, wanted = rows[0], rows[0]["wanted"]
    roles = {Role(row["role"]) for row in rows if wanted and row["path"] and contains(row["path"], wanted)}
    return Known(
        user_id=first["user_id"],
        name=first["name"],
        status=UserStatus(first["status"]),
        tenant_id=first["tenant_id"] or "",
        roles=frozenset(roles),
    )
