"""Credentials: where they are kept, and what sessions get of them."""

from volundr.domain.credentials import CredentialService, CredentialStorePort
from volundr.domain.sessions.contributors.credentials import CredentialContributor
from volundr.local.credentials import FileCredentials, MemoryCredentials
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
    service = credentials_of(ground)
    return Part(services={CredentialService: service}, contributors=(CredentialContributor(service),))
