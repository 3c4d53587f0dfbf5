"""What a session's whole log adds up to, read when somebody asks for it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from volundr.sdk import NotFound, Sessions, Unavailable

SECONDS = 15.0


@dataclass(slots=True)
class Survey:
    """`models`: (id, label) of what the agent offers. `cost` is None when no price is known. `open`: titles of questions."""

    models: Sequence[tuple[str, str]] = ()
    cost: float | None = None
    turns: int = 0
    open: dict[str, str] = field(default_factory=dict)

    def take(self, frame: Mapping[str, Any]) -> None:
        match frame:
            case {"type": "agent_offers", "models": [*models]} if models:
                self.models = [(str(model["id"]), str(model.get("label") or model["id"])) for model in models]
            case {"type": "turn_finished", "usage": [*usage]}:
                self.turns += 1
                costs = [one["cost_usd"] for one in usage if one.get("cost_usd") is not None]
                self.cost = (self.cost or 0.0) + sum(costs) if costs else self.cost
            case {"type": "permission_raised", "id": str(name)}:
                self.open[name] = str(frame.get("title") or "")
            case {"type": "permission_decided" | "permission_closed", "id": str(name)}:
                self.open.pop(name, None)
            case _:
                pass


async def survey(sessions: Sessions, session: str) -> Survey:
    """Raises NotFound, Unavailable when it takes too long."""
    found = Survey()
    try:
        async with asyncio.timeout(SECONDS):
            epoch = await epoch_of(sessions, session)
            async for frame in sessions.listen(session, epoch):
                if frame["type"] == "caught_up":
                    return found
                found.take(frame)
    except TimeoutError:
        raise Unavailable("Reading this session's log takes too long.") from None
    raise NotFound("This session does not run any more.")


async def epoch_of(sessions: Sessions, session: str) -> str:
    """The name of the log, which a cursor needs. Raises NotFound."""
    return str((await hello(sessions, session))["epoch"])


async def hello(sessions: Sessions, session: str) -> Mapping[str, Any]:
    """The first frame that clients of this session get. Raises NotFound."""
    async for frame in sessions.listen(session):
        if frame["type"] == "hello":
            return frame
    raise NotFound("This session does not run any more.")
