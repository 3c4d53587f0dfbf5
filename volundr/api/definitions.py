"""/definitions"""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from volundr.api.deps import service
from volundr.api.security import allowed
from volundr.domain.identity import Principal
from volundr.domain.sessions.service import SessionService

router = APIRouter(prefix="/api/v1/definitions", tags=["Sessions"])


class DefinitionOut(BaseModel):
    """A named way to run a session. What a session says itself wins. Its environment is nobody's business."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    label: str
    agent: str
    transport: str
    model: str
    mode: str
    thinking: str
    system_prompt: str


class DefinitionList(BaseModel):
    items: list[DefinitionOut]


@router.get("")
async def list_definitions(
    sessions: Annotated[SessionService, Depends(service(SessionService))],
    _: Annotated[Principal, Depends(allowed("session.read"))],
) -> DefinitionList:
    """From the settings file, by name."""
    known = sessions.definitions
    return DefinitionList(items=[DefinitionOut.model_validate(known[name]) for name in sorted(known)])
