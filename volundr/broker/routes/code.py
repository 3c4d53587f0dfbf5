"""`/s/{id}/code`: whether there is an editor, and the editor itself."""

import asyncio
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.routing import Mount

from volundr.broker.code.proxy import CodeProxy
from volundr.broker.code.server import INSTALL, MISSING
from volundr.broker.routes.entry import Entered

router = APIRouter(prefix="/s/{session_id}", tags=["Session"])
EDITOR = Mount("/s/{session_id}/code/", CodeProxy())


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeState:
    """Whether code-server can be used; it is started by the first request to `/s/{id}/code/`."""

    available: bool
    running: bool
    problem: str = ""
    hint: str = ""


@router.get("/code", name="skuld_code")
async def code(broker: Entered) -> CodeState:
    found = await asyncio.to_thread(broker.code.find) is not None
    return CodeState(
        available=found, running=broker.code.running, problem="" if found else MISSING, hint="" if found else INSTALL
    )
