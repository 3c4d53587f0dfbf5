"""The credentials a session was given by name."""

from volundr.domain.credentials import CredentialService, owners_of
from volundr.domain.mounts import together
from volundr.domain.sessions.model import Session
from volundr.domain.sessions.ports import SessionContributor
from volundr.domain.sessions.spec import MountedFile, SessionContribution


class CredentialContributor(SessionContributor):
    """Read anew at each start: what was changed or taken away counts from then on."""

    name = "credentials"

    def __init__(self, credentials: CredentialService) -> None:
        self._credentials = credentials

    async def contribute(self, session: Session) -> SessionContribution:
        owners = owners_of(session.owner_id, session.tenant_id)
        env, files = together([await self._credentials.mount(owners, name) for name in session.options.credentials])
        mounted = tuple(MountedFile(path=file.path, content=file.content) for file in files)
        return SessionContribution(by=self.name, env=env, files=mounted)
