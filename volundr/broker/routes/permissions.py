"""`/s/{session_id}/permissions`: what waits for an answer, and the answer, without a socket."""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from volundr.broker.frames import Decide, Live, Rejected
from volundr.broker.manage import bearer
from volundr.broker.parts import Json, Scope
from volundr.broker.report import open_questions
from volundr.broker.routes.entry import Entered
from volundr.domain.errors import Conflict, Unavailable
from volundr.domain.tickets import verify

router = APIRouter(prefix="/s/{session_id}", tags=["Session"])

ANSWER_SECONDS = 5.0
SYNC_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """What the session's agent waits for, oldest first, as `GET /api/v1/permissions` has it."""

    items: Sequence[Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """It is in the log: this answer holds."""

    id: str
    decision: Literal["allow", "deny"]


class Decision(BaseModel):
    """The answer to one question. `message` tells the agent why, or what to do instead."""

    model_config = ConfigDict(extra="forbid")

    decision: Literal["allow", "deny"]
    scope: Scope = "once"
    message: str = Field(default="", max_length=20_000)


def subject_of(request: Request, session_id: str, broker: Entered) -> str:
    """Who bears the ticket that `Entered` has admitted."""
    return verify(broker.spec.secret, session_id, bearer(request.headers.get("authorization", "")), time.time()).subject


@router.get("/permissions", name="skuld_permissions")
async def list_questions(broker: Entered) -> Questions:
    state = broker.journal.conversation.state
    return Questions(items=open_questions(state.questions, state.asked_at))


@router.post("/permissions/{permission:path}", name="skuld_decide")
async def decide(permission: str, given: Decision, broker: Entered, by: Annotated[str, Depends(subject_of)]) -> Answered:
    """The first answer wins; 409 says why this one does not count. Returns when the disk has it."""
    questions, refused = broker.journal.conversation.state.questions, asyncio.get_running_loop().create_future()

    def reply(frame: Live) -> None:
        if isinstance(frame, Rejected) and not refused.done():
            refused.set_result(frame.error)

    was_open = permission in questions
    broker.say(Decide(id=permission, decision=given.decision, scope=given.scope, message=given.message), by, reply)
    if not was_open or permission in questions:
        raise Conflict(await _soon(refused, ANSWER_SECONDS))
    await _soon(broker.journal.log.sync(broker.journal.log.end), SYNC_SECONDS)
    return Answered(id=permission, decision=given.decision)


async def _soon[T](work: Awaitable[T], seconds: float) -> T:
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError as error:
        raise Unavailable("The disk takes the session's log too slowly to say what became of this answer.") from error
