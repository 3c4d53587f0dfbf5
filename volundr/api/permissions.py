"""/permissions: what agents of all sessions wait for"""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from volundr.api.deps import service
from volundr.api.lists import Asked
from volundr.api.security import WhoseRows, allowed
from volundr.api.strict import Json, Strict, Text
from volundr.domain.identity import Principal
from volundr.domain.permissions import OpenQuestion, PermissionService

router = APIRouter(prefix="/api/v1/permissions", tags=["Permissions"])


class RuleIn(Strict):
    """What a wider "allow" would keep."""

    tool: Text = Field(max_length=500)
    subject: Text = Field(default="", max_length=5000)


class QuestionIn(Strict):
    """An open question, as the session's broker reports it with the activity."""

    id: Text = Field(min_length=1, max_length=500)
    tool: Text = Field(max_length=500)
    title: Text = Field(max_length=2000)
    reason: Text = Field(default="", max_length=5000)
    input: Json = Field(default_factory=dict)
    scopes: list[Text] = Field(default_factory=lambda: ["once"], max_length=10)
    rules: list[RuleIn] = Field(default_factory=list, max_length=100)
    raised_at: AwareDatetime

    def question(self) -> OpenQuestion:
        return OpenQuestion(**self.model_dump())


class RuleOut(BaseModel):
    tool: str
    subject: str


class PendingOut(BaseModel):
    """An agent waits for this answer: `POST /s/{session_id}/permissions/{id}`."""

    model_config = ConfigDict(from_attributes=True)

    session_id: UUID
    session_name: str
    id: str
    tool: str
    title: str
    reason: str
    input: dict[str, Any] = Field(description="What the tool is called with; long texts are shortened.")
    scopes: list[str]
    rules: list[RuleOut]
    raised_at: datetime


class PendingPage(BaseModel):
    items: list[PendingOut]
    next: str | None = Field(description="Give this as `cursor` for the following page; null at the end.")


@router.get("")
async def list_permissions(
    _: Annotated[Principal, Depends(allowed("permission.read"))],
    permissions: Annotated[PermissionService, Depends(service(PermissionService))],
    rows: WhoseRows,
    page: Asked,
) -> PendingPage:
    """The open questions of your running sessions, oldest first. The stream's `session` events tell when to look again."""
    found = await permissions.pending(rows, page)
    return PendingPage(items=[PendingOut.model_validate(one) for one in found.items], next=found.next)
