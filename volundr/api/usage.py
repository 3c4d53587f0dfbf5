"""/sessions/{id}/usage: the tokens a session took, and what they cost"""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import AfterValidator, AwareDatetime, Field

from volundr.api.deps import service
from volundr.api.reach import Readable, session_for
from volundr.api.strict import Shown, Strict, Text
from volundr.domain.sessions.model import Session
from volundr.domain.tokens import TURNS_MOST, TokenService, TokenUse

router = APIRouter(prefix="/api/v1/sessions/{session_id}", tags=["Reports"])

Tokens = Annotated[int, Field(ge=0, le=10**12)]
Dollars = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
_YEARS = range(2000, 2200)


def _ours(at: datetime) -> datetime:
    """Raises ValueError for a time at which nobody used this."""
    if at.year not in _YEARS:
        raise ValueError(f"the year must be {_YEARS.start} to {_YEARS.stop - 1}")
    return at


When = Annotated[AwareDatetime, AfterValidator(_ours)]


class UsedIn(Strict):
    """Tokens of one model. `input` is without what was read from or written to a cache."""

    model: Text = Field(max_length=200, examples=["claude-sonnet-4-5"])
    input: Tokens = Field(default=0, examples=[1200])
    output: Tokens = Field(default=0, examples=[350])
    cache_read: Tokens = 0
    cache_write: Tokens = 0
    cost_usd: Dollars | None = Field(default=None, description="Null: as the prices say, if they know the model.")


class NewUsage(UsedIn):
    """One use. The same `epoch`, `seq` and `model` again are the same use, and are not counted again."""

    epoch: str = Field(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z_-]+$", examples=["by-hand"])
    seq: int = Field(ge=1, le=2**53, examples=[1], description="Your own number of this use.")
    turn: int = Field(default=0, ge=0, le=2**53)
    at: When | None = Field(default=None, description="Null: now.")


class SumsOut(Shown):
    """`cost_usd` adds what is known and is null when nothing is; `unpriced` uses have no known price and are not in it."""

    input: int
    output: int
    cache_read: int
    cache_write: int
    tokens: int = Field(description="All four together.")
    cost_usd: float | None
    uses: int
    unpriced: int


class ModelTotalOut(SumsOut):
    model: str


class TokenUseOut(Shown):
    """What one turn took of one model."""

    turn: int
    model: str
    input: int
    output: int
    cache_read: int
    cache_write: int
    cost_usd: float | None
    priced_by: Literal["reported", "settings", "table", ""] = Field(
        description="Who knew the price: the agent itself, the settings, the built-in table; empty: nobody."
    )
    at: datetime


class SessionUsageOut(Shown):
    """Everything a session took."""

    models: list[ModelTotalOut]
    turns: list[TokenUseOut] = Field(description="The newest ones, oldest first; a turn has one entry for each model it used.")


TokensOf = Annotated[TokenService, Depends(service(TokenService))]


Spending = Annotated[Session, Depends(session_for("session.write", of_pods="session.report"))]
"""The session, for its own broker and for people who may change it."""


@router.get("/usage")
async def session_usage(
    session: Readable, tokens: TokensOf, turns: Annotated[int, Query(ge=0, le=TURNS_MOST)] = TURNS_MOST
) -> SessionUsageOut:
    """Tokens and cost by model over the whole session, and of its newest turns."""
    return SessionUsageOut.model_validate(await tokens.usage(session.id, turns))


@router.post("/usage", status_code=201)
async def add_usage(session: Spending, tokens: TokensOf, new: NewUsage) -> TokenUseOut:
    """Count what was used outside of the session's own agent. Brokers report theirs by themselves."""
    given = new.model_dump() | {"at": new.at or datetime.now(UTC)}
    (kept,) = await tokens.record(session, [TokenUse(**given)])
    return TokenUseOut.model_validate(kept)
