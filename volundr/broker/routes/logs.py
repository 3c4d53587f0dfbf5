"""`/s/{id}/logs`: what the agent's program said beside the conversation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query

from volundr.broker.routes.entry import Entered

router = APIRouter(prefix="/s/{session_id}", tags=["Session"])


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentLines:
    """The newest lines, oldest first."""

    lines: Sequence[str]


@router.get("/logs", name="skuld_agent_log")
async def logs(broker: Entered, lines: Annotated[int, Query(ge=0, le=5000)] = 200) -> AgentLines:
    return AgentLines(lines=broker.lines(lines))
