"""Presets: what a person wants their sessions to be like, kept under a name."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from volundr.domain.errors import Changed, Conflict, NotFound
from volundr.domain.identity import Resource
from volundr.domain.paging import Page, PageRequest
from volundr.domain.profiles import Manner

type Scope = Literal["visible", "mine", "shared", "everybody"]
"""`visible`: one's own and what others of the tenant share. `everybody`: all of the tenant, for its administrators."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """Who looks at things that people own and may share, and at which."""

    tenant_id: str
    user_id: str
    scope: Scope = "visible"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset(Manner):
    """`shared`: everybody in the tenant may see and use it, its owner alone changes it.

    `is_default`: it fills in what is open in its owner's sessions that name no preset; one for each agent ("": any agent).
    """

    id: UUID = field(default_factory=uuid4)
    tenant_id: str
    owner_id: str
    name: str
    description: str = ""
    shared: bool = False
    is_default: bool = False
    template: str = ""
    profile: str = ""
    initial_prompt: str = ""
    integrations: tuple[str, ...] = ()
    revision: int = 1
    created_at: datetime = field(default_factory=_now)
    updated_at: datetime = field(default_factory=_now)


class PresetRepository(ABC):
    """Keeps presets. Every change is one guarded statement that raises `revision` by one."""

    @abstractmethod
    async def add(self, preset: Preset) -> None:
        """Raises Conflict when its owner has one of this name."""

    @abstractmethod
    async def get(self, preset_id: UUID) -> Preset | None: ...

    @abstractmethod
    async def list(self, sight: Sight, agent: str, page: PageRequest) -> Page[Preset]:
        """By name. `agent` "" means of all agents. Raises Invalid for a cursor or a sort that is not ours."""

    @abstractmethod
    async def update(self, preset_id: UUID, changes: Mapping[str, Any], revision: int | None) -> Preset | None:
        """None when there is none or its revision is another. Raises Conflict for a name or a default that is taken."""

    @abstractmethod
    async def delete(self, preset_id: UUID) -> None: ...

    @abstractmethod
    async def set_default(self, preset: Preset, revision: int | None = None) -> Preset | None:
        """Make it the default of its owner for its agent instead of the one that was; None when it is gone or another by now.

        All or nothing: of two calls at once the last one wins, and there are never two.
        """

    @abstractmethod
    async def default(self, tenant_id: str, owner_id: str, agent: str) -> Preset | None:
        """The owner's for this agent, else for any; without an agent the one for any, else that they chose last."""


class PresetService:
    """Whoever calls has checked that the caller may."""

    def __init__(self, presets: PresetRepository) -> None:
        self._presets = presets

    async def create(self, preset: Preset) -> Preset:
        """Keep it, and make it the default if it says so."""
        await self._presets.add(preset)
        if preset.is_default:
            return await self.make_default(preset)
        return preset

    async def get(self, preset_id: UUID) -> Preset:
        found = await self._presets.get(preset_id)
        if found is None:
            raise NotFound("There is no such preset.")
        return found

    async def list(self, sight: Sight, agent: str, page: PageRequest) -> Page[Preset]:
        return await self._presets.list(sight, agent, page)

    async def change(self, preset_id: UUID, changes: Mapping[str, Any], revision: int | None) -> Preset:
        """Raises Changed when it has another revision by now."""
        changed = await self._presets.update(preset_id, changes, revision)
        if changed is None:
            await self.get(preset_id)
            raise Changed("preset")
        return changed

    async def make_default(self, preset: Preset, revision: int | None = None) -> Preset:
        """Raises Changed when it has another revision, or is for another agent, by now."""
        found = await self._presets.set_default(preset, revision)
        if found is None:
            await self.get(preset.id)
            raise Changed("preset")
        return found

    async def delete(self, preset_id: UUID) -> None:
        await self._presets.delete(preset_id)

    async def default(self, tenant_id: str, owner_id: str, agent: str) -> Preset | None:
        return await self._presets.default(tenant_id, owner_id, agent)

    async def usable(self, preset_id: str, tenant_id: str, owner_id: str) -> Preset:
        """One that this person may use. Raises NotFound for any other: whether it exists is not their business."""
        try:
            found = await self._presets.get(UUID(preset_id))
        except ValueError:
            found = None
        if found is None or found.tenant_id != tenant_id or not (found.shared or found.owner_id == owner_id):
            raise NotFound(f"There is no preset {preset_id!r}.", hint="A preset is named by its id.")
        return found


def of_preset(preset: Preset) -> Resource:
    """What an action on this preset is done to."""
    return Resource(kind="preset", id=str(preset.id), owner_id=preset.owner_id, tenant_id=preset.tenant_id)


def taken(noun: str, name: str) -> Conflict:
    return Conflict(f"You have a {noun} called {name!r} already.", hint="Choose another name.")
