"""/tracker: issues of the trackers you connected, and which project a repository belongs to"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, Field

from volundr.api.deps import service
from volundr.api.lists import Asked, PageOut
from volundr.api.revisions import IfMatch, tag
from volundr.api.security import allowed, permit
from volundr.api.strict import Shown, Strict, Text
from volundr.domain.errors import NotFound
from volundr.domain.identity import Principal, Resource
from volundr.domain.tracker import ProjectMapping, TrackerService

router = APIRouter(prefix="/api/v1/tracker", tags=["Issue Tracker"])

Reader = Annotated[Principal, Depends(allowed("tracker.read"))]
Writer = Annotated[Principal, Depends(allowed("tracker.write"))]
Tracker = Annotated[TrackerService, Depends(service(TrackerService))]


async def _changing(_: Writer, tracker: Tracker) -> TrackerService:
    """The service, for who may change mappings at all."""
    return tracker


Changing = Annotated[TrackerService, Depends(_changing)]
Provider = Annotated[Text, Query(max_length=255, description="Which of your trackers; needed when there are several.")]
Key = Annotated[Text, Path(min_length=1, max_length=255, examples=["WEB-12"])]


class TrackerStateOut(Shown):
    """`account` is who you are there; `problem` says why it cannot be asked."""

    provider: str
    account: str
    problem: str


class TrackerStates(BaseModel):
    items: list[TrackerStateOut]


class IssueOut(Shown):
    provider: str
    key: str
    title: str
    status: str
    url: str
    project: str
    assignee: str
    priority: str
    labels: list[str]
    description: str


class IssuePage(PageOut[IssueOut]):
    pass


class IssueQuery(BaseModel):
    """Where to look. `repo`: where this repository is mapped to; `provider` is needed when there are several trackers."""

    q: Text = Field(default="", max_length=500)
    project: Text = Field(default="", max_length=255)
    provider: Text = Field(default="", max_length=255)
    repo: Text = Field(default="", max_length=2000)


class IssueChange(Strict):
    status: Text = Field(min_length=1, max_length=100, examples=["In Progress"])


class MappingIn(Strict):
    """Issues of this repository live in that project."""

    repo: Text = Field(min_length=1, max_length=2000, examples=["https://host.example/owner/name.git"])
    provider: Text = Field(min_length=1, max_length=255, examples=["linear"])
    project: Text = Field(min_length=1, max_length=255, examples=["WEB"])


class MappingChange(Strict):
    project: Text = Field(min_length=1, max_length=255)


class MappingOut(Shown):
    id: UUID
    repo: str
    provider: str
    project: str
    created_by: str
    revision: int
    created_at: datetime


class MappingPage(PageOut[MappingOut]):
    pass


@router.get("/status")
async def tracker_status(who: Reader, tracker: Tracker) -> TrackerStates:
    """Each tracker you connected, really asked."""
    return TrackerStates.model_validate({"items": list(await tracker.states(who))}, from_attributes=True)


@router.get("/issues")
async def search_issues(
    who: Reader,
    tracker: Tracker,
    page: Asked,
    wanted: Annotated[IssueQuery, Query()],
) -> IssuePage:
    found = await tracker.search(who, wanted.q, wanted.model_dump(exclude={"q"}), page)
    return IssuePage.model_validate({"items": list(found.items), "next": found.next}, from_attributes=True)


@router.get("/issues/{key}")
async def get_issue(who: Reader, tracker: Tracker, key: Key, provider: Provider = "") -> IssueOut:
    return IssueOut.model_validate(await tracker.get(who, key, provider))


@router.patch("/issues/{key}")
async def change_issue(who: Writer, tracker: Tracker, key: Key, change: IssueChange, provider: Provider = "") -> IssueOut:
    return IssueOut.model_validate(await tracker.set_status(who, key, change.status, provider))


@router.get("/mappings")
async def list_mappings(
    who: Reader, tracker: Tracker, page: Asked, repo: Annotated[Text, Query(max_length=2000)] = ""
) -> MappingPage:
    """Those of your tenant."""
    found = await tracker.mappings.list(who.tenant_id, repo, page)
    return MappingPage.model_validate({"items": list(found.items), "next": found.next}, from_attributes=True)


@router.post("/mappings", status_code=201)
async def create_mapping(response: Response, who: Writer, tracker: Tracker, new: MappingIn) -> MappingOut:
    mapping = ProjectMapping(tenant_id=who.tenant_id, created_by=who.user_id, **new.model_dump())
    return _shown(response, await tracker.map(mapping))


@router.get("/mappings/{mapping_id}")
async def get_mapping(request: Request, response: Response, _: Reader, tracker: Tracker, mapping_id: UUID) -> MappingOut:
    return _shown(response, await _theirs(request, tracker, mapping_id, "tracker.read"))


@router.patch("/mappings/{mapping_id}")
async def change_mapping(
    request: Request, response: Response, tracker: Changing, mapping_id: UUID, change: MappingChange, seen: IfMatch
) -> MappingOut:
    await _theirs(request, tracker, mapping_id, "tracker.write")
    return _shown(response, await tracker.change(mapping_id, change.project, seen))


@router.delete("/mappings/{mapping_id}", status_code=204)
async def delete_mapping(request: Request, _: Writer, tracker: Tracker, mapping_id: UUID) -> None:
    try:
        await _theirs(request, tracker, mapping_id, "tracker.write")
    except NotFound:
        return
    await tracker.mappings.delete(mapping_id)


async def _theirs(request: Request, tracker: TrackerService, mapping_id: UUID, action: str) -> ProjectMapping:
    mapping = await tracker.mapping(mapping_id)
    await permit(request, action, Resource(kind="tracker", id=str(mapping_id), tenant_id=mapping.tenant_id))
    return mapping


def _shown(response: Response, mapping: ProjectMapping) -> MappingOut:
    tag(response, mapping.revision)
    return MappingOut.model_validate(mapping)
