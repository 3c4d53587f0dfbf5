"""Settings of the whole forge that administrators change while it runs. They hold for every worker at once."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from volundr.domain.errors import Changed, Conflict, Forbidden, Invalid
from volundr.domain.identity import Principal
from volundr.domain.sessions.model import Session
from volundr.domain.sessions.ports import SessionGate
from volundr.domain.tenants import DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminSettings:
    """`default_agent` and `default_model` are for sessions that name none. While it does not accept sessions, none is created
    or started. `announcement` is shown to everybody."""

    default_agent: str = ""
    default_model: str = ""
    accepts_sessions: bool = True
    announcement: str = ""
    revision: int = 0
    updated_by: str = ""
    updated_at: datetime = field(default_factory=lambda: datetime.fromtimestamp(0, UTC))


class AdminSettingsRepository(ABC):
    """Keeps them. Nothing was ever set: what `AdminSettings()` says, revision 0."""

    @abstractmethod
    async def get(self) -> AdminSettings: ...

    @abstractmethod
    async def change(self, changes: Mapping[str, Any], by: str, revision: int | None) -> AdminSettings | None:
        """Sets these fields alone; None when the revision is another."""


class AdminSettingsService:
    """Reads and changes them: administrators of the default tenant, which all others are below."""

    def __init__(self, kept: AdminSettingsRepository, agents: Collection[str]) -> None:
        self._kept = kept
        self._agents = agents

    async def get(self) -> AdminSettings:
        return await self._kept.get()

    async def change(self, who: Principal, changes: Mapping[str, Any], revision: int | None) -> AdminSettings:
        if who.tenant_id != DEFAULT:
            raise Forbidden("These are settings of the whole forge.", hint="An administrator of the default tenant sets them.")
        agent = changes.get("default_agent")
        if agent and agent not in self._agents:
            raise Invalid(f"There is no agent named {agent!r}.", hint=f"There is: {', '.join(self._agents)}.")
        changed = await self._kept.change(changes, who.user_id, revision)
        if changed is None:
            raise Changed("settings")
        return changed


class AdminGate(SessionGate):
    """Fills in the forge's agent and model, and refuses while no sessions are accepted."""

    def __init__(self, settings: AdminSettingsRepository) -> None:
        self._settings = settings

    async def admit(self, session: Session, verb: Literal["create", "start"]) -> Session:
        now = await self._settings.get()
        if not now.accepts_sessions:
            raise Conflict("This forge accepts no sessions now.", hint=now.announcement or "Ask its administrator.")
        if verb == "start" or session.options.definition:
            return session
        agent = session.agent or now.default_agent
        model = session.model or (now.default_model if agent == now.default_agent else "")
        return replace(session, agent=agent, model=model)
