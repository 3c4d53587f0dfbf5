"""/permissions: what agents of all sessions wait for"""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from volundr.api.deps import service
from volundr.api.security import principal
from volundr.domain.identity import Principal
from volundr.domain.permissions import PENDING_MOST, OpenQuestion, PermissionService

router = APIRouter(prefix="/api/v1/permissions", tags=["Permissions"])


def _storable(value: Any) -> Any:
    """Without NUL, which Postgres cannot store."""
    match value:
        case str():
            return value.replace("\x00", "")
        case dict():
            return {_storable(key): _storable(one) for key, one in value.items()}
        case list():
            return [_storable(one) for one in value]
        case _:
            return value


Text = Annotated[str, AfterValidator(_storable)]


class RuleIn(BaseModel):
    """What a wider "allow" would keep."""

    model_config = ConfigDict(extra="forbid")

    tool: Text = Field(max_length=500)
    subject: Text = Field(default="", max_length=5000)


class QuestionIn(BaseModel):
    """An open question, as the session's broker reports it with the activity."""

    model_config = ConfigDict(extra="forbid")

    id: Text = Field(min_length=1, max_length=500)
    tool: Text = Field(max_length=500)
    title: Text = Field(max_length=2000)
    reason: Text = Field(default="", max_length=5000)
    input: Annotated[dict[str, Any], AfterValidator(_storable)] = Field(default_factory=dict)
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
    who: Annotated[Principal, Depends(principal)],
    permissions: Annotated[PermissionService, Depends(service(PermissionService))],
    cursor: str = "",
    limit: Annotated[int, Query(ge=1, le=PENDING_MOST)] = 50,
) -> PendingPage:
    """The open questions of your running sessions, oldest first. The stream's `session` events tell when to look again."""
    page = await permissions.pending(who.user_id, cursor, limit)
    return PendingPage(items=[PendingOut.model_validate(one) for one in page.items], next=page.next)
