"""Skuld's side of the shim's socket."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from volundr.domain.errors import Unavailable

QUICK = 10.0
RETRY_PAUSE = 0.05
LONGEST_ANSWER = 16 * 1024 * 1024


async def ask(shim: Path, request: Mapping[str, Any], limit: float = QUICK) -> Mapping[str, Any]:
    """The shim's answer. Raises Unavailable with the cause when it does not answer or cannot do that."""
    try:
        async with asyncio.timeout(limit):
            reader, writer = await asyncio.open_unix_connection(shim, limit=LONGEST_ANSWER)
            try:
                writer.write(json.dumps(request).encode() + b"\n")
                answer = json.loads(await reader.readuntil(b"\n"))
            finally:
                writer.transport.abort()
    except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
        raise Unavailable(
            f"The shim, which owns the agents, does not answer ({str(error) or 'no answer in time'}).",
            hint="`volundr logs shim` shows why.",
        ) from error
    if not isinstance(answer, dict) or not answer.get("ok"):
        raise Unavailable(str(answer.get("error", "")) if isinstance(answer, dict) else "The shim gave a strange answer.")
    return answer


async def ask_coming(shim: Path, request: Mapping[str, Any], patience: float) -> Mapping[str, Any]:
    """As `ask`, of a shim that may be just about to be started again: what nobody has heard can safely be said once more."""
    deadline = asyncio.get_running_loop().time() + patience
    while True:
        try:
            return await ask(shim, request)
        except Unavailable as error:
            if not _nobody_there(error) or asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(RETRY_PAUSE)


def _nobody_there(error: Unavailable) -> bool:
    return isinstance(error.__cause__, ConnectionRefusedError | FileNotFoundError)


async def pid_of(shim: Path, session: str, run: str) -> int | None:
    """The process of this run; None when the shim does not know the run."""
    answer = await ask(shim, {"op": "list"})
    return next((int(one["pid"]) for one in answer["runs"] if (one["session"], one["run"]) == (session, run)), None)


async def runs(shim: Path, session: str) -> Mapping[str, bool]:
    """The runs of a session that the shim knows, and whether each is alive. Empty when there is no shim."""
    try:
        answer = await ask(shim, {"op": "list"})
    except Unavailable as error:
        if _nobody_there(error):
            return {}
        raise
    return {str(run["run"]): bool(run["alive"]) for run in answer["runs"] if run["session"] == session}
