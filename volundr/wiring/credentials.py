"""Credentials and secrets: where they are kept, what sessions get of them, and the tool servers that need them."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from volundr.domain.credentials import CredentialService, CredentialStorePort, owners_of
from volundr.domain.mcp import McpContributor, McpGate, MCPServerProvider, McpService
from volundr.domain.secrets import (
    FileInjection,
    SecretContributor,
    SecretInjectionPort,
    SecretManager,
    SecretRepository,
    StoredSecrets,
    StoreRepository,
)
from volundr.domain.sessions.model import Session
from volundr.local.credentials import FileCredentials, MemoryCredentials
from volundr.local.mcp import SettingsMcpServers
from volundr.local.sealing import sealing_keys
from volundr.registry import Adapters
from volundr.settings import Settings
from volundr.store.credentials import CredentialStore
from volundr.store.sealed import Seal
from volundr.wiring.entry import Plain
from volundr.wiring.ground import Ground, Part


def offer(adapters: Adapters, ground: Callable[[], Ground]) -> None:
    """What there is without a plugin. Nothing is made before it is chosen."""
    memory = MemoryCredentials()

    @cache
    def seal() -> Seal:
        return Seal(sealing_keys(ground().settings.home, keyring=not ground().server))

    @cache
    def credentials() -> CredentialService:
        return credentials_of(ground())

    def file() -> Path:
        return ground().settings.home / "credentials.json"

    adapters.offer(CredentialStorePort, "database", Plain, lambda _: CredentialStore(ground().db, seal()))
    adapters.offer(CredentialStorePort, "file", Plain, lambda _: FileCredentials(file(), seal()))
    adapters.offer(CredentialStorePort, "memory", Plain, lambda _: memory)
    adapters.offer(SecretManager, "store", Plain, lambda _: StoredSecrets(credentials()))
    adapters.offer(SecretRepository, "store", Plain, lambda _: StoreRepository(credentials()))
    adapters.offer(SecretInjectionPort, "files", Plain, lambda _: FileInjection(_made(ground(), SecretRepository)))


def chosen(settings: Settings, *, server: bool) -> Mapping[type, str]:
    """The name of each of these ports' adapter."""
    return {
        CredentialStorePort: settings.credentials.use or ("database" if server else "file"),
        SecretManager: settings.secrets.manager,
        SecretRepository: settings.secrets.repository,
        SecretInjectionPort: settings.secrets.injection,
    }


def credentials_of(ground: Ground) -> CredentialService:
    """Over the store that the settings choose."""
    if "file" not in ground.adapters.names(CredentialStorePort):
        offer(ground.adapters, lambda: ground)
    return CredentialService(_made(ground, CredentialStorePort))


def part(ground: Ground) -> Part:
    credentials = credentials_of(ground)
    secrets, injection = _made(ground, SecretManager), _made(ground, SecretInjectionPort)

    async def resolve(session: Session, kind: str, name: str) -> Mapping[str, str]:
        if kind == "secret":
            return await secrets.values(session.tenant_id, name)
        return (await credentials.values(owners_of(session.owner_id, session.tenant_id), name))[1]

    configured = SettingsMcpServers(ground.settings.mcp_servers)
    servers = McpService([configured, *ground.adapters.all(MCPServerProvider).values()], resolve)
    return Part(
        services={CredentialService: credentials, SecretManager: secrets, McpService: servers},
        contributors=(SecretContributor(injection), McpContributor(servers)),
        gates=(McpGate(servers),),
    )


def _made[P](ground: Ground, port: type[P]) -> P:
    settings, name = ground.settings, chosen(ground.settings, server=ground.server)[port]
    sections = settings.credentials.sections if port is CredentialStorePort else settings.secrets.sections
    return ground.adapters.one(port, {**sections, "use": name})
