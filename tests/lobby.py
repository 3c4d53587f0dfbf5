"""A small app behind the real checks, for what happens before a route is reached."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI

from volundr.api import errors, login, security
from volundr.api.security import Site, allowed, local_site, principal
from volundr.domain.identity import Principal
from volundr.domain.logins import Logins
from volundr.domain.roles import AllowAll
from volundr.local.identity import (
    FileLogins,
    Keys,
    LocalIdentity,
    keys_of,
)

PORT = 8123
SITE = local_site(PORT, ["forge.example"])
"""With a name behind which somebody else does the TLS."""
OURS = f"http://localhost:{PORT}"
SESSION = UUID("6f1c1c8e-0b5e-4a86-9d0a-3d3c6a1f0001")
OTHER = UUID("6f1c1c8e-0b5e-4a86-9d0a-3d3c6a1f0002")


class Door:
    def __init__(self, home: Path, now: Callable[[], float]) -> None:
        self.keys = keys_of(home)
        self.logins = FileLogins(home / "run" / "logins.json", now)
        self.app = build(self.keys, self.logins, SITE)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=OURS)

    @property
    def bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.keys.token}"}

    async def log_in(self) -> str:
        answer = await self.http.post("/api/v1/login", json={"code": self.logins.code()})
        assert answer.status_code == 204, answer.text
        return self.http.cookies["volundr"]


def build(keys: Keys, logins: FileLogins, site: Site) -> FastAPI:
    app, router = FastAPI(), APIRouter()

    @router.get("/api/v1/me")
    async def me(who: Annotated[Principal, Depends(principal)]) -> dict[str, str]:
        return {"user": who.user_id}

    @router.post("/api/v1/sessions/{session_id}/stop")
    async def stop(session_id: str, who: Annotated[Principal, Depends(allowed("session.write"))]) -> dict[str, str]:
        return {"user": who.user_id}

    @router.put("/api/v1/sessions/{session_id}/activity")
    async def report(session_id: str, who: Annotated[Principal, Depends(allowed("session.report"))]) -> dict[str, str]:
        return {"user": who.user_id}

    @router.get("/open")
    async def everybody() -> dict[str, str]:
        return {}

    app.state.services = {Logins: logins}
    errors.install(app)
    security.install(app, site=site, identity=LocalIdentity(keys, logins), authorization=AllowAll())
    app.include_router(router)
    app.include_router(login.router)
    return app


@asynccontextmanager
async def opened(home: Path, now: Callable[[], float]) -> AsyncIterator[Door]:
    door = Door(home, now)
    async with door.http:
        yield door


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    (home / "run").mkdir(parents=True)
    home.chmod(0o700)
    return home


def at_the_door(home: Path, scenario: Callable[[Door], Awaitable[None]], now: Callable[[], float] | None = None) -> None:
    async def main() -> None:
        async with opened(home, now or Clock()) as door:
            await scenario(door)

    asyncio.run(main())
