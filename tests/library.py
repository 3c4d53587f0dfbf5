"""Presets and prompts behind real routes, for several people of two tenants with their roles."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from volundr.api.http import build_api
from volundr.api.security import local_site
from volundr.db.database import Database
from volundr.db.migrate import migrate
from volundr.domain.identity import Credentials, IdentityPort, Principal
from volundr.domain.presets import PresetService
from volundr.domain.prompts import PromptService
from volundr.domain.roles import RoleAuthorization
from volundr.store.opening import MIGRATIONS
from volundr.store.presets import PresetStore
from volundr.store.prompts import SavedPromptStore

PORT = 8123
PEOPLE = {
    "ada": Principal(user_id="ada", tenant_id="harbor", roles=frozenset({"developer"})),
    "bob": Principal(user_id="bob", tenant_id="harbor", roles=frozenset({"developer"})),
    "vera": Principal(user_id="vera", tenant_id="harbor", roles=frozenset({"viewer"})),
    "root": Principal(user_id="root", tenant_id="harbor", roles=frozenset({"admin"})),
    "eve": Principal(user_id="eve", tenant_id="elsewhere", roles=frozenset({"admin"})),
}


class ByName(IdentityPort):
    """The token is the person's name."""

    async def identify(self, credentials: Credentials) -> Principal | None:
        return PEOPLE.get(credentials.value)


@dataclass(slots=True)
class Library:
    presets: PresetStore
    prompts: SavedPromptStore
    http: httpx.AsyncClient

    async def ask(self, who: str, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        known = {"authorization": f"Bearer {who}"} | {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.request(method, f"/api/v1/{path}", json=body, headers=known)

    async def made(self, who: str, path: str, **body: object) -> dict[str, object]:
        answer = await self.ask(who, "POST", path, body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def names(self, who: str, path: str) -> list[str]:
        answer = await self.ask(who, "GET", path)
        assert answer.status_code == 200, answer.text
        return [item["name"] for item in answer.json()["items"]]


@asynccontextmanager
async def library(db: Database) -> AsyncIterator[Library]:
    await migrate(db, MIGRATIONS)
    presets, prompts = PresetStore(db), SavedPromptStore(db)
    services = {PresetService: PresetService(presets), PromptService: PromptService(prompts)}
    api = build_api(services, local_site(PORT), ByName(), RoleAuthorization(), 1 << 20)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url=f"http://localhost:{PORT}") as http:
        yield Library(presets, prompts, http)
