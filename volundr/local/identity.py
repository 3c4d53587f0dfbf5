"""Who is who on one machine: the token file, one-time login codes, login cookies, and the keys of running sessions.

Cookies are random and kept as hashes in a file, not signed texts: logging out ends one at once and for good, a restart of the
forge ends none, and the file is worthless to whoever reads it.
"""

import asyncio
import hmac
import html
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from time import time
from uuid import UUID

from volundr.domain.errors import Forbidden
from volundr.domain.gateway import SessionKeys
from volundr.domain.identity import Credentials, IdentityPort, Principal
from volundr.domain.logins import Logins
from volundr.domain.tickets import derive
from volundr.local.secrets import private_folder, read_private, secret_file, write_private

CODE_SECONDS = 600.0
COOKIE_SECONDS = 30 * 24 * 3600
MAX_CODES = 20
MAX_LOGINS = 100
MAX_FAILURES = 10
FAILURE_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys(SessionKeys):
    """The secrets of a home folder. `session_secret` and the manage key are derived, so nothing else has to be kept."""

    master: str = field(repr=False)
    token: str = field(repr=False)

    @property
    def manage(self) -> str:
        return derive(self.master, "skuld")

    def session(self, session_id: UUID | str) -> str:
        return derive(self.master, f"session:{session_id}")


def keys_of(home: Path) -> Keys:
    """The keys of this home folder, made at the first call. Raises Forbidden with the chmod to run when they are not private."""
    private_folder(home)
    return Keys(master=secret_file(home / "secret"), token=secret_file(home / "token"))


class FileLogins(Logins):
    """Login codes (in memory, for one use each) and the cookies they were turned into (hashes in `path`)."""

    def __init__(self, path: Path, now: Callable[[], float] = time) -> None:
        self._path = path
        self._now = now
        self._codes: dict[str, float] = {}
        self._failures: list[float] = []
        self._writing = asyncio.Lock()
        self._cookies = self._load()

    def _load(self) -> dict[str, float]:
        try:
            found = json.loads(read_private(self._path) or "{}")
            return {str(key): float(over) for key, over in found.items()}
        except (ValueError, AttributeError, TypeError):
            return {}  # a damaged file costs a login, nothing else

    def code(self) -> str:
        """Good for ten minutes."""
        self._codes = {kept: over for kept, over in self._codes.items() if over > self._now()}
        while len(self._codes) >= MAX_CODES:
            del self._codes[next(iter(self._codes))]
        code = secrets.token_urlsafe(24)
        self._codes[_hash(code)] = self._now() + CODE_SECONDS
        return code

    async def code_for(self, user_id: str) -> str:  # noqa: ARG002 - there is one person
        return self.code()

    async def redeem(self, code: str) -> tuple[str, int]:
        now = self._now()
        self._failures = [when for when in self._failures if when > now - FAILURE_SECONDS]
        if len(self._failures) >= MAX_FAILURES:
            raise Forbidden("Too many wrong login codes.", hint="Wait a minute, then run `volundr up` for a new link.")
        if self._codes.pop(_hash(code), 0.0) <= now:
            self._failures.append(now)
            raise Forbidden("This login link was used before or is over.", hint="Run `volundr up` again for a new one.")
        cookie = secrets.token_urlsafe(32)
        alive = {kept: over for kept, over in self._cookies.items() if over > now}
        newest = sorted(alive, key=lambda kept: alive[kept])[-(MAX_LOGINS - 1) :]
        self._cookies = {kept: alive[kept] for kept in newest} | {_hash(cookie): now + COOKIE_SECONDS}
        await self._save()
        return cookie, COOKIE_SECONDS

    async def revoke(self, cookie: str) -> None:
        if self._cookies.pop(_hash(cookie), None) is not None:
            await self._save()

    def knows(self, cookie: str) -> bool:
        return self._cookies.get(_hash(cookie), 0.0) > self._now()

    async def _save(self) -> None:
        async with self._writing:
            await asyncio.to_thread(write_private, self._path, json.dumps(self._cookies))


def write_open_page(path: Path, url: str) -> None:
    """A page that leads a browser to the login link. Browsers are started with its path, so that no code stands in an argv."""
    private_folder(path.parent)
    link = html.escape(url, quote=True)
    write_private(
        path,
        '<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><title>Volundr</title>'
        f'<meta http-equiv="refresh" content="0; url={link}"><p><a href="{link}">Open Volundr</a></p>\n',
    )


class LocalIdentity(IdentityPort):
    """One person owns this machine's forge. Pods prove themselves with the report key of their session."""

    def __init__(self, keys: Keys, logins: FileLogins) -> None:
        self._keys = keys
        self._logins = logins
        self._person = Principal(user_id="local", tenant_id="default", name="You", roles=frozenset({"admin"}), kind="user")

    async def identify(self, credentials: Credentials) -> Principal | None:
        value = credentials.value
        if credentials.tenant_id not in {"", self._person.tenant_id}:
            return None
        if credentials.kind == "cookie":
            return self._person if self._logins.knows(value) else None
        if _same(value, self._keys.token):
            return self._person
        session = credentials.session_id
        if session and _same(value, derive(self._keys.session(session), "report")):
            return Principal(
                user_id=f"session:{session}", tenant_id="default", name="", roles=frozenset(), kind="pod", session_id=session
            )
        return None


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
