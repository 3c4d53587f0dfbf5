"""/prompts"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AfterValidator, BaseModel, Field

from volundr.api.deps import service
from volundr.api.lists import Asked, PageOut
from volundr.api.presets import changes, reach, sight
from volundr.api.revisions import IfMatch, tag
from volundr.api.security import allowed
from volundr.api.strict import Shown, Strict, Text
from volundr.domain.errors import NotFound
from volundr.domain.identity import Principal
from volundr.domain.prompts import PromptFilter, PromptService, SavedPrompt, of_prompt

router = APIRouter(prefix="/api/v1/prompts", tags=["Prompts"])

Reader = Annotated[Principal, Depends(allowed("prompt.read"))]
Writer = Annotated[Principal, Depends(allowed("prompt.write"))]
Prompts = Annotated[PromptService, Depends(service(PromptService))]

MOST_WORDS = 20


def _distinct(tags: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tags))


Title = Annotated[Text, Field(min_length=1, max_length=255)]
Content = Annotated[Text, Field(min_length=1, max_length=100_000)]
Project = Annotated[Text, Field(max_length=2000)]
Tag = Annotated[Text, Field(min_length=1, max_length=64)]
Tags = Annotated[tuple[Tag, ...], Field(max_length=50), AfterValidator(_distinct)]


class PromptIn(Strict):
    name: Title = Field(examples=["Review"])
    content: Content = Field(examples=["Review the last commit. Say what could break."])
    project: Project = Field(default="", description="The repository it is for; empty: for all.")
    tags: Tags = Field(default=(), examples=[["review"]])
    shared: bool = Field(default=False, description="Others of your tenant may see and use it.")


class PromptChange(Strict):
    """A field that is left out stays as it is."""

    name: Title | None = Field(default=None, examples=["Review"])
    content: Content | None = None
    project: Project | None = None
    tags: Tags | None = None
    shared: bool | None = None


class PromptOut(Shown):
    id: UUID
    owner_id: str
    name: str
    content: str
    project: str
    tags: list[str]
    shared: bool
    revision: int
    created_at: datetime
    updated_at: datetime


class PromptPage(PageOut[PromptOut]):
    pass


class PromptQuery(BaseModel):
    """`scope`: `visible` is yours and what others share, `tenant` what others share, `project` what is visible and for
    `project` alone, `everybody` all of the tenant, for its administrators. A prompt must have all the tags."""

    scope: Literal["visible", "mine", "tenant", "project", "everybody"] = "visible"
    project: Text | None = Field(default=None, max_length=2000)
    tag: list[Tag] = Field(default_factory=list, max_length=20)


class PromptSearch(PromptQuery):
    q: Text = Field(default="", max_length=500, description="Words that must all occur, in name, content or tags.")


def prompt_for(action: str) -> Callable[[Request, PromptService, UUID, Principal], Awaitable[SavedPrompt]]:
    """A dependency that hands the route the prompt of its `{prompt_id}`, if its caller may do this to it."""

    async def reached(
        request: Request, prompts: Prompts, prompt_id: UUID, _: Annotated[Principal, Depends(allowed(action))]
    ) -> SavedPrompt:
        prompt = await prompts.get(prompt_id)
        await reach(request, action, prompt, of_prompt(prompt))
        return prompt

    return reached


Readable = Annotated[SavedPrompt, Depends(prompt_for("prompt.read"))]
Writable = Annotated[SavedPrompt, Depends(prompt_for("prompt.write"))]


async def _filter(request: Request, who: Principal, asked: PromptQuery, words: str = "") -> PromptFilter:
    match asked.scope:
        case "tenant":
            scope, project = await sight(request, who, "shared"), asked.project
        case "project":
            scope, project = await sight(request, who, "visible"), asked.project or ""
        case other:
            scope, project = await sight(request, who, other), asked.project
    return PromptFilter(sight=scope, project=project, tags=tuple(asked.tag), words=tuple(words.split()[:MOST_WORDS]))


@router.get("")
async def list_prompts(
    request: Request, who: Reader, prompts: Prompts, page: Asked, asked: Annotated[PromptQuery, Query()]
) -> PromptPage:
    """By name."""
    found = await prompts.search(await _filter(request, who, asked), page)
    return PromptPage.model_validate({"items": list(found.items), "next": found.next}, from_attributes=True)


@router.get("/search")
async def search_prompts(
    request: Request, who: Reader, prompts: Prompts, page: Asked, asked: Annotated[PromptSearch, Query()]
) -> PromptPage:
    """By name, those in which all words occur. Case does not matter; `%` and `_` are characters like any other."""
    found = await prompts.search(await _filter(request, who, asked, asked.q), page)
    return PromptPage.model_validate({"items": list(found.items), "next": found.next}, from_attributes=True)


@router.post("", status_code=201)
async def create_prompt(response: Response, who: Writer, prompts: Prompts, new: PromptIn) -> PromptOut:
    prompt = SavedPrompt(tenant_id=who.tenant_id, owner_id=who.user_id, **new.model_dump())
    return _shown(response, await prompts.create(prompt))


@router.get("/{prompt_id}")
async def get_prompt(response: Response, prompt: Readable) -> PromptOut:
    return _shown(response, prompt)


@router.patch("/{prompt_id}")
async def change_prompt(response: Response, prompts: Prompts, prompt: Writable, change: PromptChange, seen: IfMatch) -> PromptOut:
    return _shown(response, await prompts.change(prompt.id, changes(change), seen))


@router.delete("/{prompt_id}", status_code=204)
async def delete_prompt(request: Request, _: Writer, prompts: Prompts, prompt_id: UUID) -> None:
    try:
        prompt = await prompts.get(prompt_id)
        await reach(request, "prompt.write", prompt, of_prompt(prompt))
    except NotFound:
        return
    await prompts.delete(prompt_id)


def _shown(response: Response, prompt: SavedPrompt) -> PromptOut:
    tag(response, prompt.revision)
    return PromptOut.model_validate(prompt)
