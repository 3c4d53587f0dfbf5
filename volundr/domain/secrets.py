"""Secrets of a tenant's sessions, and how secrets come into a session's pod."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from volundr.domain.credentials import Credential, CredentialService, Owner, owners_of
from volundr.domain.errors import NotFound
from volundr.domain.mounts import CredentialType, Mount, together
from volundr.domain.paging import Page, PageRequest
from volundr.domain.sessions.model import Session
from volundr.domain.sessions.ports import SessionContributor
from volundr.domain.sessions.spec import MountedFile, SessionContribution


class SecretManager(ABC):
    """The named secrets of a tenant: sets of values that its administrators keep, for tool servers and pods. No method but
    `values` gives a value, and that one is for what a session's pod is given."""

    @abstractmethod
    async def list(self, tenant_id: str, page: PageRequest) -> Page[Credential]:
        """By name."""

    @abstractmethod
    async def get(self, tenant_id: str, name: str) -> Credential:
        """Raises NotFound."""

    @abstractmethod
    async def put(self, tenant_id: str, name: str, values: Mapping[str, str], note: str, revision: int | None) -> Credential:
        """In place of what was there. Raises Changed when `revision` is given and it has another by now (0: none)."""

    @abstractmethod
    async def delete(self, tenant_id: str, name: str) -> None: ...

    @abstractmethod
    async def values(self, tenant_id: str, name: str) -> Mapping[str, str]:
        """Raises NotFound."""


class SecretRepository(ABC):
    """What sessions are given of the secrets there are, from their start to their end."""

    @abstractmethod
    async def provision(self, session: Session) -> Sequence[Mount]:
        """All that this session was given by name, as it is now. Repeatable. Raises NotFound for a name there is not."""

    @abstractmethod
    async def release(self, session: Session) -> None:
        """The session is gone: whatever was made for it alone is taken back. Repeatable."""


class SecretInjectionPort(ABC):
    """How secrets get into a pod. Where something else puts them there (a CSI driver, an agent's sidecar), what this adds to
    the pod names them, and no value passes through Volundr."""

    @abstractmethod
    async def additions(self, session: Session) -> SessionContribution:
        """What the pod of this session needs. Raises NotFound for a name there is not."""

    @abstractmethod
    async def withdraw(self, session: Session) -> None:
        """The session is gone."""


class SecretContributor(SessionContributor):
    """Asked anew at each start: what was changed or taken away counts from then on."""

    name = "credentials"

    def __init__(self, injection: SecretInjectionPort) -> None:
        self._injection = injection

    async def contribute(self, session: Session) -> SessionContribution:
        return await self._injection.additions(session)

    async def withdraw(self, session: Session) -> None:
        await self._injection.withdraw(session)


class StoredSecrets(SecretManager):
    """In the credential store, under a name of the tenant that is no person's and not the tenant's own either."""

    def __init__(self, credentials: CredentialService) -> None:
        self._credentials = credentials

    async def list(self, tenant_id: str, page: PageRequest) -> Page[Credential]:
        return await self._credentials.list(_of(tenant_id), None, page)

    async def get(self, tenant_id: str, name: str) -> Credential:
        try:
            return await self._credentials.get(_of(tenant_id), name)
        except NotFound as error:
            raise NotFound(f"There is no secret named {name!r}.") from error

    async def put(self, tenant_id: str, name: str, values: Mapping[str, str], note: str, revision: int | None) -> Credential:
        fresh = Credential(name=name, type=CredentialType.GENERIC, keys=(), note=note)
        return await self._credentials.put(_of(tenant_id), fresh, values, revision)

    async def delete(self, tenant_id: str, name: str) -> None:
        await self._credentials.delete(_of(tenant_id), name)

    async def values(self, tenant_id: str, name: str) -> Mapping[str, str]:
        return (await self._credentials.values([_of(tenant_id)], name))[1]


class StoreRepository(SecretRepository):
    """Read from the credential store at each start; nothing is made for a session alone, so nothing has to be taken back."""

    def __init__(self, credentials: CredentialService) -> None:
        self._credentials = credentials

    async def provision(self, session: Session) -> Sequence[Mount]:
        owners = owners_of(session.owner_id, session.tenant_id)
        return [await self._credentials.mount(owners, name) for name in session.options.credentials]

    async def release(self, session: Session) -> None:
        """There is nothing: the session's files went with its pod."""


class FileInjection(SecretInjectionPort):
    """Through the session's own broker: variables of the agent alone, and files of mode 0600 in a folder outside the
    workspace, both gone when the session stops."""

    def __init__(self, secrets: SecretRepository) -> None:
        self._secrets = secrets

    async def additions(self, session: Session) -> SessionContribution:
        env, files = together(await self._secrets.provision(session))
        mounted = tuple(MountedFile(path=file.path, content=file.content) for file in files)
        return SessionContribution(by="credentials", env=env, files=mounted)

    async def withdraw(self, session: Session) -> None:
        await self._secrets.release(session)


def _of(tenant_id: str) -> Owner:
    return Owner(scope="tenant", id=f"secrets:{tenant_id}")  # no tenant's id has a colon
