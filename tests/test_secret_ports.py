"""The ports of secrets: what comes with Volundr keeps their contracts, and the settings choose another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from tests.forge import Site, forge_in
from tests.test_credentials import seal
from tests.test_tenancy import on_server, somebody
from volundr import settings
from volundr.contracts.secrets import VALUE, SecretInjectionContract, SecretManagerContract, SecretRepositoryContract
from volundr.domain.credentials import Credential, CredentialService, Owner
from volundr.domain.errors import Invalid
from volundr.domain.mounts import CredentialType
from volundr.domain.secrets import (
    FileInjection,
    SecretInjectionPort,
    SecretManager,
    SecretRepository,
    StoredSecrets,
    StoreRepository,
)
from volundr.local.credentials import FileCredentials
from volundr.roles import chosen

PLUGIN = """
from dataclasses import dataclass

from volundr.sdk import McpConfig, McpServer, MCPServerProvider, SecretInjectionPort, SessionContribution, hookimpl


@dataclass(frozen=True, kw_only=True)
class DriverSettings:
    folder: str = "/run/secrets"


class Driver(SecretInjectionPort):
    def __init__(self, settings):
        self._folder = settings.folder

    async def additions(self, session):
        env = {f"{name.upper()}_FILE": f"{self._folder}/{name}" for name in session.options.credentials}
        return SessionContribution(by="credentials", env=env)

    async def withdraw(self, session):
        return


class Shelf(MCPServerProvider):
    def __init__(self, settings):
        self._one = McpConfig(server=McpServer(name="shelf", url="https://shelf.example"))

    async def list(self):
        return [self._one]

    async def get(self, name):
        return self._one if name == "shelf" else None


@hookimpl
def volundr_adapters(adapters):
    adapters.offer(SecretInjectionPort, "driver", DriverSettings, Driver)
    adapters.offer(MCPServerProvider, "shelf", DriverSettings, Shelf)
"""


def service(folder: Path) -> CredentialService:
    return CredentialService(FileCredentials(folder / "credentials.json", seal(folder)))


async def filled(folder: Path) -> CredentialService:
    """With what the contracts of the repository and the injection speak of."""
    credentials, ada, harbor = service(folder), Owner(scope="user", id="ada"), Owner(scope="tenant", id="harbor")
    for owner, name, value in ((ada, "mine", VALUE), (ada, "both", VALUE), (harbor, "shared", VALUE), (harbor, "both", "theirs")):
        fresh = Credential(name=name, type=CredentialType.API_KEY, keys=())
        await credentials.put(owner, fresh, {"api_key": value}, None)
    return credentials


class TestStoredSecrets(SecretManagerContract):
    @asynccontextmanager
    async def opened(self, folder: Path) -> AsyncIterator[SecretManager]:
        yield StoredSecrets(service(folder))


class TestStoreRepository(SecretRepositoryContract):
    @asynccontextmanager
    async def opened(self, folder: Path) -> AsyncIterator[SecretRepository]:
        yield StoreRepository(await filled(folder))


class TestFileInjection(SecretInjectionContract):
    @asynccontextmanager
    async def opened(self, folder: Path) -> AsyncIterator[SecretInjectionPort]:
        yield FileInjection(StoreRepository(await filled(folder)))


def test_a_plugin_puts_secrets_into_pods_and_brings_tool_servers(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "plugins").mkdir(parents=True)
    home.chmod(0o700)
    (home / "plugins/driver.py").write_text(PLUGIN)
    (home / "config.toml").write_text('[secrets]\ninjection = "driver"\n[secrets.driver]\nfolder = "/csi"\n')

    async def scenario(site: Site) -> None:
        options = {"credentials": ["box"], "mcp_servers": ["shelf"]}
        made = await site.http.post("/api/v1/sessions", json={"name": "s", "agent": "demo", "options": options})
        await site.until(made.json()["id"], "running")
        spec = site.pods.specs[UUID(made.json()["id"])]
        assert (spec.env["BOX_FILE"], [one.name for one in spec.mcp_servers]) == ("/csi/box", ["shelf"])

    async def main() -> None:
        async with forge_in(home, outside=True) as site:
            await scenario(site)

    asyncio.run(main())
    rows = {name: (use, offered) for name, use, offered in chosen(settings.load({}, {"VOLUNDR_HOME": str(home)}))}
    assert rows["SecretInjectionPort"] == (["driver"], ["driver", "files"])
    assert rows["CredentialStorePort"] == (["file"], ["database", "file", "memory"])
    assert rows["SecretManager"] == rows["SecretRepository"] == (["store"], ["store"])


def test_an_adapter_there_is_not_is_named_with_those_there_are(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o700)
    (tmp_path / "home/config.toml").write_text('[secrets]\nmanager = "vault"\n')

    async def main() -> None:
        async with forge_in(tmp_path / "home"):
            raise AssertionError("it must not come up")

    with pytest.raises(Invalid, match=r"No SecretManager is called 'vault'. There is: store."):
        asyncio.run(main())


def test_a_tenants_secrets_reach_its_own_sessions_alone_and_only_its_administrators_see_them(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o700)
    server = '[mcp_servers.search]\nurl = "https://s"\nheaders = { K = "${secret:search.token}" }\n'
    (tmp_path / "home/config.toml").write_text(server)

    async def scenario(site: Site) -> None:
        for name in ("acme", "sea"):
            assert (await site.http.post("/api/v1/tenants", json={"id": name, "name": name})).status_code == 201
        boss, other = await somebody(site, "boss", "admin", "acme"), await somebody(site, "other", "admin", "sea")
        worker = await somebody(site, "worker", "developer", "acme")
        assert (await boss.put("/api/v1/secrets/search", json={"values": {"token": VALUE}})).status_code == 200
        assert (await other.get("/api/v1/secrets/search")).status_code == 404
        assert (await other.get("/api/v1/secrets")).json()["items"] == []
        for method in ("GET", "PUT", "DELETE"):
            body = {"values": {"token": "x"}} if method == "PUT" else None
            assert (await worker.request(method, "/api/v1/secrets/search", json=body)).status_code == 403, method
        options = {"mcp_servers": ["search"]}
        wanted = {"name": "s", "agent": "demo", "options": options}
        hers, theirs = [(await who.post("/api/v1/sessions", json=wanted)).json()["id"] for who in (worker, other)]
        await replace(site, http=worker).until(hers, "running")
        (given,) = site.pods.specs[UUID(hers)].mcp_servers
        assert given.headers == {"K": VALUE}
        failed = await replace(site, http=other).until(theirs, "failed")
        assert "needs the secret 'search'" in str(failed["error"])

    on_server(tmp_path, scenario)
