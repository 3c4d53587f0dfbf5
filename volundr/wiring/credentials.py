"""Credentials and secrets: where they are kept, what sessions get of them, and the tool servers that need them."""

from collections.abc import Mapping

from volundr.domain.credentials import CredentialService, CredentialStorePort, owners_of
from volundr.domain.mcp import McpContributor, McpGate, MCPServerProvider, McpService
from volundr.domain.secrets import FileInjection, SecretContributor, SecretManager, StoredSecrets, StoreRepository
from volundr.domain.sessions.model import Session
from volundr.local.credentials import FileCredentials, MemoryCredentials
from volundr.local.mcp import SettingsMcpServers
from volundr.local.sealing import sealing_keys
from volundr.store.credentials import CredentialStore
from volundr.store.sealed import Seal
from volundr.wiring.entry import Plain
from volundr.wiring.ground import Ground, Part


def credentials_of(ground: Ground) -> CredentialService:
    """Over the store that the settings choose."""
    settings, adapters = ground.settings, ground.adapters
    if "file" not in adapters.names(CredentialStorePort):
        seal = Seal(sealing_keys(settings.home, keyring=not ground.server))
        adapters.offer(CredentialStorePort, "database", Plain, lambda _: CredentialStore(ground.db, seal))
        adapters.offer(CredentialStorePort, "file", Plain, lambda _: FileCredentials(settings.home / "credentials.json", seal))
        memory = MemoryCredentials()
        adapters.offer(CredentialStorePort, "memory", Plain, lambda _: memory)
    chosen = settings.credentials.use or ("database" if ground.server else "file")
    return CredentialService(adapters.one(CredentialStorePort, {**settings.credentials.sections, "use": chosen}))


def part(ground: Ground) -> Part:
    credentials = credentials_of(ground)
    secrets, given = StoredSecrets(credentials), StoreRepository(credentials)
    injection = FileInjection(given)

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
