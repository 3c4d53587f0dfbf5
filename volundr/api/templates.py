"""/templates"""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from volundr.api.deps import service
from volundr.api.lists import Asked, PageOut
from volundr.api.profiles import MannerOut, Name, ProblemOut, shown
from volundr.api.security import allowed
from volundr.api.strict import Shown
from volundr.domain.identity import Principal
from volundr.domain.sessions.model import GitSource, LocalSource
from volundr.domain.templates import WorkspaceTemplateService

router = APIRouter(prefix="/api/v1/templates", tags=["Templates"])

Reader = Annotated[Principal, Depends(allowed("template.read"))]
Templates = Annotated[WorkspaceTemplateService, Depends(service(WorkspaceTemplateService))]


class RepositoryOut(Shown):
    url: str
    path: str
    branch: str


class LayoutOut(Shown):
    folders: list[str]
    files: dict[str, str]


class TemplateOut(MannerOut):
    name: str
    description: str
    profile: str
    source: Annotated[GitSource | LocalSource, Field(discriminator="type")] | None
    repositories: list[RepositoryOut]
    layout: LayoutOut
    setup: list[str]
    initial_prompt: str
    file: str


class TemplatePage(PageOut[TemplateOut]):
    problems: list[ProblemOut]


class OneTemplateOut(TemplateOut):
    problems: list[ProblemOut] = Field(description="What is wrong with its file by now; what it said before is shown.")


@router.get("")
async def list_templates(_: Reader, templates: Templates, page: Asked) -> TemplatePage:
    """By name. They are kept as files in the forge's home folder."""
    found = await templates.page(page)
    items = [TemplateOut.model_validate(one) for one in found.items]
    return TemplatePage(items=items, next=found.next, problems=shown(await templates.problems()))


@router.get("/{name}")
async def get_template(_: Reader, templates: Templates, name: Name) -> OneTemplateOut:
    template = await templates.get(name)
    problems = [problem for problem in await templates.problems() if problem.file == template.file]
    values = {name: getattr(template, name) for name in TemplateOut.model_fields}
    return OneTemplateOut.model_validate(values | {"problems": shown(problems)}, from_attributes=True)
