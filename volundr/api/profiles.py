"""/profiles"""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import Field

from volundr.api.deps import service
from volundr.api.lists import Asked, PageOut
from volundr.api.security import allowed
from volundr.api.strict import Shown, Text
from volundr.domain.identity import Principal
from volundr.domain.paging import Page
from volundr.domain.profiles import ForgeProfileService, Problem, ProfileUse

router = APIRouter(prefix="/api/v1/profiles", tags=["Profiles"])

Reader = Annotated[Principal, Depends(allowed("profile.read"))]
Profiles = Annotated[ForgeProfileService, Depends(service(ForgeProfileService))]
Name = Annotated[Text, Path(min_length=1, max_length=64)]


class ProblemOut(Shown):
    """What is wrong with a file. What the file said before it was broken still counts."""

    file: str
    line: int = Field(description="From 1; 0 for the file as a whole.")
    column: int
    text: str


class MannerOut(Shown):
    """How a session is run, as far as somebody said."""

    agent: str
    model: str
    mode: str
    thinking: str
    system_prompt: str
    resources: dict[str, str]
    env: dict[str, str]
    mcp_servers: list[str]
    credentials: list[str]


class ProfileOut(MannerOut):
    name: str
    description: str
    is_default: bool
    file: str
    active_sessions: int = Field(description="Sessions of your tenant that are up and were made with it.")


class ProfilePage(PageOut[ProfileOut]):
    problems: list[ProblemOut]


@router.get("")
async def list_profiles(who: Reader, profiles: Profiles, page: Asked) -> ProfilePage:
    """By name. They are kept as files in the forge's home folder."""
    found: Page[ProfileUse] = await profiles.page(who.tenant_id, page)
    return ProfilePage(items=[_shown(one) for one in found.items], next=found.next, problems=shown(await profiles.problems()))


@router.get("/{name}")
async def get_profile(who: Reader, profiles: Profiles, name: Name) -> ProfileOut:
    return _shown(await profiles.use(who.tenant_id, name))


def _shown(use: ProfileUse) -> ProfileOut:
    profile = use.profile
    values = {name: getattr(profile, name) for name in ProfileOut.model_fields if name != "active_sessions"}
    return ProfileOut(**values, active_sessions=use.active_sessions)


def shown(problems: Sequence[Problem]) -> list[ProblemOut]:
    return [ProblemOut.model_validate(problem) for problem in problems]
