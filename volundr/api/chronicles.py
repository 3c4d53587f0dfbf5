"""/sessions/{id}/chronicle"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from volundr.api.deps import service
from volundr.api.reach import Readable
from volundr.domain.chronicles import ChronicleService

router = APIRouter(prefix="/api/v1/sessions", tags=["Chronicles"])


class ChronicleOut(BaseModel):
    """What a session is about, as its broker told it at the end of the last turn."""

    model_config = ConfigDict(from_attributes=True)

    session_id: UUID
    summary: str = Field(description="The person's first words, then the agent's last ones, both shortened.")
    key_changes: list[str] = Field(description="Commits that were made, then the files that changed most.")
    unfinished_work: list[str] = Field(description="How the last turn ended if not well, open questions, open tasks of the plan.")
    messages: int
    duration_seconds: float = Field(description="How long the agent worked.")
    updated_at: datetime


@router.get("/{session_id}/chronicle")
async def session_chronicle(
    session: Readable, chronicles: Annotated[ChronicleService, Depends(service(ChronicleService))]
) -> ChronicleOut:
    return ChronicleOut.model_validate(await chronicles.get(session.id))
