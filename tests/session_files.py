"""A session of a scripted agent with a workspace of its own, and a client that asks Skuld's routes for it over HTTP."""

import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi import APIRouter
from fastapi.routing import APIRoute

from tests.repositories import GIT_ENV
from tests.skuld_kit import skuld
from volundr.broker.files.roots import Access
from volundr.broker.routes import SESSION_ROUTERS, changes, files, git, logs, search
from volundr.domain.tickets import issue

ROUTERS = (files.router, search.router, changes.router, git.router, logs.router)


@dataclass
class Asker:
    """`await ask("GET", "files", path="a")`: each request has a fresh ticket."""

    http: httpx.AsyncClient
    session: str
    workspace: Path

    async def __call__(
        self, method: str, route: str, body: Any = None, headers: Mapping[str, str] | None = None, /, **query: Any
    ) -> httpx.Response:
        content = body if isinstance(body, bytes) or not isinstance(body, dict | str | None) else None
        return await self.http.request(
            method,
            f"/s/{self.session}/{route}",
            params=query,
            json=body if isinstance(body, dict) else None,
            content=content,
            headers={**self.ticket(), **(headers or {})},
        )

    def ticket(self) -> dict[str, str]:
        return {"authorization": f"Bearer {issue('s3', self.session, 'ann', time.time())}"}

    async def get(self, route: str, /, **query: Any) -> Any:
        answer = await self("GET", route, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@asynccontextmanager
async def session(tmp_path: Path, home_allowed: bool = True, env: Mapping[str, str] | None = None) -> AsyncIterator[Asker]:
    """A running session; its workspace is `tmp_path/work`, its home `tmp_path/home`."""
    work, home = tmp_path / "work", tmp_path / "home"
    work.mkdir(exist_ok=True)
    home.mkdir(exist_ok=True)
    skuld_home = tmp_path / "skuld"
    skuld_home.mkdir()
    async with skuld(skuld_home) as rig:
        app: Any = rig.skuld.app
        mounted = {route.path for router in SESSION_ROUTERS for route in router.routes if isinstance(route, APIRoute)}
        for router in ROUTERS:
            if _first(router) not in mounted:
                app.include_router(router)
        app.state.file_access = Access(home_allowed=home_allowed)
        name = await rig.new(workspace=str(work), env={**GIT_ENV, "HOME": str(home), "PATH": os.environ["PATH"], **(env or {})})
        transport = httpx.AsyncHTTPTransport(uds=str(rig.path))
        async with httpx.AsyncClient(transport=transport, base_url="http://skuld", timeout=60) as http:
            yield Asker(http, name, work)


def _first(router: APIRouter) -> str:
    route = router.routes[0]
    assert isinstance(route, APIRoute)
    return route.path
