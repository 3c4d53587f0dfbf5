"""What a session's chosen connections give it: variables with keys."""

from uuid import UUID

from volundr.domain.errors import Conflict, Invalid
from volundr.domain.integrations import UserIntegrationService
from volundr.domain.sessions.model import Session
from volundr.domain.sessions.ports import SessionContributor
from volundr.domain.sessions.spec import SessionContribution


class IntegrationContributor(SessionContributor):
    """Connections of the session's own person, by id. Read anew at each start: a changed key is taken up."""

    name = "integrations"

    def __init__(self, integrations: UserIntegrationService) -> None:
        self._integrations = integrations

    async def contribute(self, session: Session) -> SessionContribution:
        env: dict[str, str] = {}
        for chosen in session.options.integrations:
            for variable, value in (await self._one(chosen, session)).items():
                if env.setdefault(variable, value) != value:
                    raise Conflict(f"Two of the session's connections set {variable}.", hint="Choose one of them.")
        return SessionContribution(by=self.name, env=env)

    async def _one(self, chosen: str, session: Session) -> dict[str, str]:
        try:
            connection_id = UUID(chosen)
        except ValueError as error:
            raise Invalid(f"{chosen!r} is not the id of a connection.") from error
        return dict(await self._integrations.env(connection_id, session.owner_id, session.tenant_id))
