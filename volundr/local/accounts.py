"""Who is who on a server: accounts in the database, shown by access tokens or login cookies."""

import asyncio
import hmac
import secrets
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from time import time

from volundr.domain.errors import Forbidden
from volundr.domain.gateway import SessionKeys
from volundr.domain.identity import Credentials, IdentityPort, Principal
from volundr.domain.logins import Logins
from volundr.domain.paging import PageRequest
from volundr.domain.roles import Role
from volundr.domain.tenants import DEFAULT
from volundr.domain.tickets import derive
from volundr.domain.users import AccessToken, AccountKeys, User, UserRepository
from volundr.local.identity import FAILURE_SECONDS, MAX_FAILURES
from volundr.local.secrets import secret_file

PREFIX = "vol_"
CODE = timedelta(minutes=30)
COOKIE = timedelta(days=14)
ADMIN = "admin"


class AccountsIdentity(IdentityPort):
    """People by their keys in the database, pods by the report key of their session (as on a laptop)."""

    def __init__(self, accounts: AccountKeys, keys: SessionKeys) -> None:
        self._accounts = accounts
        self._keys = keys

    async def identify(self, credentials: Credentials) -> Principal | None:
        value = credentials.value
        if credentials.kind == "cookie":
            known = await self._accounts.by_cookie(hashed(value), credentials.tenant_id)
        elif value.startswith(PREFIX):
            known = await self._accounts.by_token(hashed(value), credentials.tenant_id)
        else:
            return self._pod(credentials)
        return None if known is None else known.principal()

    def _pod(self, credentials: Credentials) -> Principal | None:
        session = credentials.session_id
        expected = derive(self._keys.session(session), "report") if session else ""
        if not session or not hmac.compare_digest(credentials.value.encode(), expected.encode()):
            return None
        return Principal(user_id=f"session:{session}", tenant_id="", kind="pod", session_id=session)


class AccountLogins(Logins):
    """Login codes and cookies in the database, the same for all workers. Guessing is slowed down by each of them."""

    def __init__(self, accounts: AccountKeys, now: Callable[[], float] = time) -> None:
        self._accounts = accounts
        self._now = now
        self._failures: list[float] = []

    async def code_for(self, user_id: str) -> str:
        code = secrets.token_urlsafe(24)
        await self._accounts.add_code(hashed(code), user_id, CODE)
        return code

    async def redeem(self, code: str) -> tuple[str, int]:
        now = self._now()
        self._failures = [when for when in self._failures if when > now - FAILURE_SECONDS]
        if len(self._failures) >= MAX_FAILURES:
            raise Forbidden("Too many wrong login codes.", hint="Wait a minute, then ask for a new link.")
        cookie = secrets.token_urlsafe(32)
        if not await self._accounts.redeem(hashed(code), hashed(cookie), COOKIE):
            self._failures.append(now)
            raise Forbidden("This login link was used before or is over.", hint="Ask an administrator for a new one.")
        return cookie, int(COOKIE.total_seconds())

    async def revoke(self, cookie: str) -> None:
        await self._accounts.forget_cookie(hashed(cookie))


def new_token(user_id: str, name: str, lasts: timedelta | None = None) -> tuple[str, AccessToken]:
    """The secret, to be shown once, and what is kept of it."""
    secret = PREFIX + secrets.token_urlsafe(32)
    token = AccessToken(user_id=user_id, name=name, hash=hashed(secret), hint=secret[-4:])
    if lasts is None:
        return secret, token
    return secret, AccessToken(
        user_id=user_id,
        name=name,
        hash=token.hash,
        hint=token.hint,
        created_at=token.created_at,
        expires_at=token.created_at + lasts,
    )


async def first_admin(users: UserRepository, accounts: AccountKeys, path: Path) -> None:
    """A server without people gets an administrator, whose token is in this file. Any number of workers may do this at once."""
    if (await users.list(DEFAULT, "", PageRequest(limit=1))).items:
        return
    made = User(id=ADMIN, name="Administrator")
    kept = await users.provision(made, Role.ADMIN)
    if kept.created_at == made.created_at:  # all others, also on other machines, found it made
        secret = await asyncio.to_thread(secret_file, path, PREFIX)
        await accounts.add_token(AccessToken(user_id=ADMIN, name="first", hash=hashed(secret), hint=secret[-4:]))


def hashed(text: str) -> str:
    return sha256(text.encode()).hexdigest()
