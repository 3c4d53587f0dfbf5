"""Issue trackers: what there is to do, and which repository belongs to which project."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from volundr.domain.errors import Changed, Conflict, Invalid, NotFound, VolundrError
from volundr.domain.identity import Principal
from volundr.domain.paging import Page, PageRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """As its tracker has it. `key` is what people say (`WEB-12`); `status` is one of the tracker's own words."""

    provider: str
    key: str
    title: str
    status: str
    url: str = ""
    project: str = ""
    assignee: str = ""
    priority: str = ""
    labels: Sequence[str] = ()
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerState:
    """Whether a tracker can be asked, and why not. `account` is who we are there."""

    provider: str
    account: str = ""
    problem: str = ""


class IssueTrackerProvider(ABC):
    """One account on one tracker. Raises Unavailable when it does not answer, Invalid for what it refuses."""

    name: str

    @abstractmethod
    async def check(self) -> str:
        """The account's name there, after really asking."""

    @abstractmethod
    async def search(self, q: str, project: str, page: PageRequest) -> Page[Issue]:
        """Newest changes first; an empty `q` means all, an empty `project` every one."""

    @abstractmethod
    async def get(self, key: str) -> Issue | None: ...

    @abstractmethod
    async def set_status(self, key: str, status: str) -> Issue:
        """Raises Invalid, naming the words there are, for a status the tracker does not have; NotFound for an issue."""


class Trackers(ABC):
    """Whose account asks which tracker."""

    @abstractmethod
    async def trackers(self, principal: Principal) -> Sequence[IssueTrackerProvider]:
        """The accounts this person connected. Made for this call: they hold secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectMapping:
    """Issues of `repo` live in `project` of the tracker `provider`, for everybody in the tenant."""

    id: UUID = field(default_factory=uuid4)
    tenant_id: str
    repo: str
    provider: str
    project: str
    created_by: str
    revision: int = 1
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))


class ProjectMappingRepository(ABC):
    """Keeps mappings, one for each repository and tracker of a tenant."""

    @abstractmethod
    async def add(self, mapping: ProjectMapping) -> None:
        """Raises Conflict when this repository has one for this tracker."""

    @abstractmethod
    async def list(self, tenant_id: str, repo: str, page: PageRequest) -> Page[ProjectMapping]:
        """An empty `repo` means all."""

    @abstractmethod
    async def get(self, mapping_id: UUID) -> ProjectMapping | None: ...

    @abstractmethod
    async def update(self, mapping_id: UUID, changes: Mapping[str, Any], revision: int | None) -> ProjectMapping | None:
        """None when it is gone or has another revision."""

    @abstractmethod
    async def delete(self, mapping_id: UUID) -> None: ...


class TrackerService:
    """Asks a person's trackers, and keeps the tenant's mappings."""

    def __init__(self, trackers: Trackers, mappings: ProjectMappingRepository) -> None:
        self._trackers = trackers
        self.mappings = mappings

    async def states(self, principal: Principal) -> Sequence[TrackerState]:
        """Every connected tracker, really asked."""
        return [await _state(tracker) for tracker in await self._trackers.trackers(principal)]

    async def search(self, principal: Principal, q: str, where: Mapping[str, str], page: PageRequest) -> Page[Issue]:
        """In one tracker: the one named (`provider`), the one that `repo` is mapped to, or the only one there is."""
        trackers = await self._trackers.trackers(principal)
        wanted, project = where.get("provider", ""), where.get("project", "")
        if repo := where.get("repo", ""):
            mapped = (await self.mappings.list(principal.tenant_id, repo, PageRequest(limit=50))).items
            fitting = [one for one in mapped if one.provider in {wanted or one.provider} and _named(trackers, one.provider)]
            if fitting:
                wanted, project = fitting[0].provider, project or fitting[0].project
        return await self._one(trackers, wanted).search(q, project, page)

    async def get(self, principal: Principal, key: str, provider: str) -> Issue:
        found = await self._one(await self._trackers.trackers(principal), provider).get(key)
        if found is None:
            raise NotFound(f"There is no issue {key}.")
        return found

    async def set_status(self, principal: Principal, key: str, status: str, provider: str) -> Issue:
        return await self._one(await self._trackers.trackers(principal), provider).set_status(key, status)

    async def map(self, mapping: ProjectMapping) -> ProjectMapping:
        await self.mappings.add(mapping)
        return mapping

    async def mapping(self, mapping_id: UUID) -> ProjectMapping:
        found = await self.mappings.get(mapping_id)
        if found is None:
            raise NotFound("There is no such mapping.")
        return found

    async def change(self, mapping_id: UUID, project: str, revision: int | None) -> ProjectMapping:
        changed = await self.mappings.update(mapping_id, {"project": project}, revision)
        if changed is None:
            await self.mapping(mapping_id)
            raise Changed("mapping")
        return changed

    def _one(self, trackers: Sequence[IssueTrackerProvider], name: str) -> IssueTrackerProvider:
        if not trackers:
            raise Conflict("No issue tracker is connected.", hint="Connect one under Integrations.")
        if not name and len(trackers) == 1:
            return trackers[0]
        found = _named(trackers, name)
        if found is None:
            names = ", ".join(sorted(tracker.name for tracker in trackers))
            raise Invalid(f"Which tracker? {name!r} is none of yours.", hint=f"Say `provider`: {names}.")
        return found


def _named(trackers: Sequence[IssueTrackerProvider], name: str) -> IssueTrackerProvider | None:
    return next((tracker for tracker in trackers if tracker.name == name), None)


async def _state(tracker: IssueTrackerProvider) -> TrackerState:
    try:
        return TrackerState(provider=tracker.name, account=await tracker.check())
    except VolundrError as error:
        return TrackerState(provider=tracker.name, problem=str(error))


def taken(repo: str, provider: str) -> Conflict:
    return Conflict(f"{repo} is mapped to a project of {provider} already.", hint="Change that mapping instead.")
