"""`/s/{id}/health` and `/s/{id}/history`: how a session is, and what was said in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Response

from volundr.broker.frames import Diagnosis
from volundr.broker.history import HISTORY_RECORDS, present
from volundr.broker.parts import Activity
from volundr.broker.routes.entry import Entered

router = APIRouter(prefix="/s/{session_id}", tags=["Session"])


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionHealth:
    """`alive` means that there is an agent, or that one is started for the next message."""

    session: str
    agent: str
    alive: bool
    activity: Activity
    epoch: str
    last_seq: int
    diagnosis: Diagnosis


@dataclass(frozen=True, slots=True, kw_only=True)
class RawLine:
    """`line` is its number within the run of the program."""

    line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RawOutput:
    lines: Sequence[RawLine]


@router.get("/health", name="skuld_session_health")
async def health(broker: Entered) -> SessionHealth:
    journal = broker.journal
    return SessionHealth(
        session=broker.spec.session_id,
        agent=broker.spec.agent,
        alive=broker.health().state == "ready",
        activity=journal.activity,
        epoch=journal.log.epoch,
        last_seq=journal.stream.last_seq,
        diagnosis=broker.diagnosis,
    )


@router.get("/raw", name="skuld_raw")
async def raw(broker: Entered, lines: Annotated[int, Query(ge=1, le=1000)] = 100) -> RawOutput:
    """What the agent's program printed last, as it came: for finding out what it really said. Not kept over a restart."""
    return RawOutput(lines=[RawLine(line=number, text=text) for number, text in broker.raw(lines)])


@router.get("/history", name="skuld_history")
async def history(
    broker: Entered,
    before: Annotated[int | None, Query(ge=1)] = None,
    limit: Annotated[int, Query(ge=1, le=HISTORY_RECORDS)] = 500,
) -> Response:
    """The records before this one, oldest first: as many as asked for, unless they are very large."""
    journal = broker.journal
    return Response(await present(journal.log, journal.stream.last_seq, before, limit), media_type="application/json")
