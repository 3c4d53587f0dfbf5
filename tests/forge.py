"""A forge without processes: real store, services and routes; the pods are a table."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.pods import TablePods
from volundr import settings as settings_module
from volundr.api.security import local_site
from volundr.app import Forge, forge_on, open_database
from volundr.db.database import Database
from volundr.domain.sessions.model import Status
from volundr.loader import load

PORT = 8123
NO_NETWORK = {
    "GIT_SSH_COMMAND": "false",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "url.file:///nowhere/.insteadOf",
    "GIT_CONFIG_VALUE_0": "http",
}
"""For git: what is not on this machine is nowhere."""


@dataclass(slots=True)
class Site:
    """`http` carries the token; `pods` is what the forge believes in."""

    forge: Forge
    pods: TablePods
    http: httpx.AsyncClient
    home: Path

    async def until(self, session_id: str, status: Status | str) -> dict[str, Any]:
        """The session once it has this status."""
        async with asyncio.timeout(5):
            while True:
                found = (await self.http.get(f"/api/v1/sessions/{session_id}")).json()
                if found["status"] == status:
                    return dict(found)
                await asyncio.sleep(0.005)


@asynccontextmanager
async def forge_in(
    home: Path,
    url: str = "",
    port: int = PORT,
    *,
    server: bool = False,
    outside: bool = False,
    seen: Callable[[Database], Database] = lambda db: db,
) -> AsyncIterator[Site]:
    """`server`: with accounts and roles; `http` then carries the first administrator's token. `outside`: with the plugins of
    its home folder. `seen` may put something between the forge and its database."""
    environ = {"VOLUNDR_HOME": str(home), "PATH": "/usr/bin:/bin", "HOME": str(home), **NO_NETWORK}
    if url:
        environ["VOLUNDR_DATABASE_URL"] = url
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    (home / "run").mkdir(mode=0o700, exist_ok=True)
    settings = settings_module.load({}, environ)
    db = seen(await open_database(settings))
    pods = TablePods()
    async with forge_on(db, settings, port, pods, load(home, outside=outside), local_site(port) if server else None) as forge:
        await forge.prepare()
        token = (home / ("admin-token" if server else "token")).read_text().strip()
        transport = httpx.ASGITransport(forge.app)
        async with httpx.AsyncClient(
            transport=transport, base_url=f"http://localhost:{port}", headers={"authorization": f"Bearer {token}"}
        ) as http:
            yield Site(forge, pods, http, home)


def in_forge(tmp_path: Path, scenario: Callable[[Site], Awaitable[None]]) -> None:
    async def main() -> None:
        async with forge_in(tmp_path / "home") as site:
            await scenario(site)

    asyncio.run(main())
