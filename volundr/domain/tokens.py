"""Tokens and what they cost: kept once for each turn and model, added up as they come."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from volundr.domain.pricing import PricingProvider, dollars, micros
from volundr.domain.sessions.model import Session

type PricedBy = Literal["reported", "settings", "table", ""]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUse:
    """What one turn took of one model. `epoch` and `seq` are its place in the session's log.

    `cost_usd` None: nobody knows. `priced_by` says who did: the agent itself (`reported`), somebody's settings or the
    built-in table. `input` does not count what was read from or written to a cache.
    """

    epoch: str
    seq: int
    turn: int
    model: str
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cost_usd: float | None = None
    at: datetime
    priced_by: PricedBy = ""

    @property
    def tokens(self) -> int:
        return self.input + self.output + self.cache_read + self.cache_write


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Sums of uses. `micros` (millionths of a dollar) adds those that have a price, `unpriced` counts those that have none."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    micros: int = 0
    uses: int = 0
    unpriced: int = 0

    @property
    def tokens(self) -> int:
        return self.input + self.output + self.cache_read + self.cache_write

    @property
    def cost_usd(self) -> float | None:
        """What is known of it; None when there were uses and the price of none is known."""
        return None if self.uses and self.uses == self.unpriced else dollars(self.micros)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTotal(Spent):
    """What was taken of one model."""

    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Burn:
    """What was spent in a span that begins at `start`."""

    start: datetime
    spent: Spent


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionUsage:
    """Everything a session took, by model and by turn (the newest turns, oldest first)."""

    models: Sequence[ModelTotal]
    turns: Sequence[TokenUse]


type Scope = Literal["session", "user", "tenant"]


class TokenTracker(ABC):
    """Keeps token uses and their sums. They outlive their session: what was spent was spent."""

    @abstractmethod
    async def add(self, session: Session, uses: Sequence[TokenUse]) -> int:
        """Keep those that are not kept already (by session, epoch, seq and model); returns how many were new.

        All sums are raised by what is new in the same transaction, added in SQL: no two writers lose each other's.
        """

    @abstractmethod
    async def totals(self, session_id: UUID) -> Sequence[ModelTotal]:
        """By model, in the order of their names."""

    @abstractmethod
    async def turns(self, session_id: UUID, limit: int) -> Sequence[TokenUse]:
        """The newest uses, oldest first."""

    @abstractmethod
    async def burn(self, session_id: UUID, seconds: int, most: int) -> Sequence[Burn]:
        """Spans of so many seconds in which something was spent, oldest first; the newest `most`."""

    @abstractmethod
    async def of_sessions(self, session_ids: Sequence[UUID]) -> Mapping[UUID, Spent]:
        """Sums of these sessions: one look-up each. Those that took nothing are left out."""

    @abstractmethod
    async def spent(self, scope: Scope, tenant_id: str, subject: str, period: str) -> Spent:
        """Of one session, person in a tenant, or tenant; `period`: `total`, a month (`2026-05`) or a day (`2026-05-31`), UTC."""


class UsageWatch(ABC):
    """Is told when a session took something. Must return soon and never wait for the session: its broker waits for us."""

    @abstractmethod
    async def used(self, session: Session) -> None: ...


TURNS_MOST = 500
BURN_MOST = 500


class TokenService:
    """Prices what sessions take, keeps it, and says what they took."""

    def __init__(self, tokens: TokenTracker, prices: PricingProvider, watches: Sequence[UsageWatch] = ()) -> None:
        self._tokens = tokens
        self._prices = prices
        self._watches = watches

    async def record(self, session: Session, uses: Sequence[TokenUse]) -> Sequence[TokenUse]:
        """Keep them, each once however often it comes; returns them with their prices. A reported cost wins over any table.

        The watches are told also of what was kept before: whoever kept it may have died before it could tell them.
        """
        priced = [await self._priced(use) for use in uses]
        await self._tokens.add(session, priced)
        for watch in self._watches:
            await watch.used(session)
        return priced

    async def usage(self, session_id: UUID, limit: int = TURNS_MOST) -> SessionUsage:
        return SessionUsage(
            models=await self._tokens.totals(session_id), turns=await self._tokens.turns(session_id, min(limit, TURNS_MOST))
        )

    async def models(self, session_id: UUID) -> Sequence[ModelTotal]:
        return await self._tokens.totals(session_id)

    async def burn(self, session_id: UUID, seconds: int) -> Sequence[Burn]:
        """The newest spans of so many seconds in which something was spent, oldest first."""
        return await self._tokens.burn(session_id, seconds, BURN_MOST)

    async def of_sessions(self, session_ids: Sequence[UUID]) -> Mapping[UUID, Spent]:
        return await self._tokens.of_sessions(session_ids)

    async def cost(self, session_id: UUID) -> float | None:
        """In dollars; None when it took nothing yet, or something whose price nobody knows."""
        spent = (await self._tokens.of_sessions([session_id])).get(session_id)
        return None if spent is None or spent.unpriced else spent.cost_usd

    async def _priced(self, use: TokenUse) -> TokenUse:
        if use.cost_usd is not None:
            return replace(use, priced_by="reported")
        found = await self._prices.price(use.model)
        cost = dollars(micros(found[0], use)) if found else None
        return use if found is None or cost is None else replace(use, cost_usd=cost, priced_by=found[1])
