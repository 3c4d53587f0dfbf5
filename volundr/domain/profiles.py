"""Forge profiles: named ways to run a session that an administrator keeps, and what all such ways have in common."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from volundr.domain.errors import NotFound
from volundr.domain.paging import Page, PageRequest, page_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with a file that somebody keeps: as text `templates/web.yaml:12:5: …`. Lines count from 1; 0: the whole."""

    file: str
    text: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        place = f":{self.line}:{self.column}" if self.line else ""
        return f"{self.file}{place}: {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a session is run, as far as somebody said: by a profile, a template or a preset. Empty is left to others.

    `mode` is the agent's permission mode. `credentials` and `mcp_servers` are names, looked up when the session starts.
    """

    agent: str = ""
    model: str = ""
    mode: str = ""
    thinking: str = ""
    system_prompt: str = ""
    resources: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    mcp_servers: tuple[str, ...] = ()
    credentials: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile(Manner):
    """`is_default`: it fills in what is still open in every session. `file` is where it was read from."""

    name: str
    description: str = ""
    is_default: bool = False
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileUse:
    """A profile and how many sessions of a tenant that are up were made with it."""

    profile: Profile
    active_sessions: int = 0


class ProfileProvider(ABC):
    """Reads profiles from where an administrator keeps them. Cheap to ask: called for every list and every new session.

    What cannot be read is told as a problem; what it said before it broke stays.
    """

    @abstractmethod
    async def profiles(self) -> Sequence[Profile]:
        """In the order of their names, each name once; at most one is the default."""

    @abstractmethod
    async def problems(self) -> Sequence[Problem]: ...


class ProfileCounter(ABC):
    """Counts sessions by the profile they were made with."""

    @abstractmethod
    async def active(self, tenant_id: str) -> Mapping[str, int]:
        """Profile → sessions of this tenant that are up. Profiles without any are left out."""


class ForgeProfileService:
    """Profiles of all providers; where two have the same name, that of the first provider counts."""

    def __init__(self, providers: Sequence[ProfileProvider], counter: ProfileCounter) -> None:
        self._providers = providers
        self._counter = counter

    async def all(self) -> Sequence[Profile]:
        found: dict[str, Profile] = {}
        for provider in self._providers:
            for profile in await provider.profiles():
                found.setdefault(profile.name, profile)
        return [found[name] for name in sorted(found)]

    async def page(self, tenant_id: str, request: PageRequest) -> Page[ProfileUse]:
        """By name. Raises Invalid for another sort."""
        found = page_of(await self.all(), request, lambda one: one.name)
        counts = await self._counter.active(tenant_id)
        return Page(
            items=[ProfileUse(profile=one, active_sessions=counts.get(one.name, 0)) for one in found.items], next=found.next
        )

    async def get(self, name: str) -> Profile:
        """Raises NotFound, with what is wrong in the files if something is."""
        for profile in await self.all():
            if profile.name == name:
                return profile
        raise missing("profile", name, await self.problems())

    async def use(self, tenant_id: str, name: str) -> ProfileUse:
        profile = await self.get(name)
        return ProfileUse(profile=profile, active_sessions=(await self._counter.active(tenant_id)).get(name, 0))

    async def default(self) -> Profile | None:
        return next((one for one in await self.all() if one.is_default), None)

    async def problems(self) -> Sequence[Problem]:
        return [problem for provider in self._providers for problem in await provider.problems()]


def missing(noun: str, name: str, problems: Sequence[Problem]) -> NotFound:
    hint = f"These files cannot be read: {'; '.join(str(one) for one in problems[:3])}" if problems else ""
    return NotFound(f"There is no {noun} called {name!r}.", hint=hint)
