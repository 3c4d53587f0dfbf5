"""Tokens and what they cost: kept once for each turn and model, added up when somebody asks."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from volundr.domain.sessions.model import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUse:
    """What one turn took of one model. `epoch` and `seq` are its place in the session's log. `cost_usd` None: nobody knows."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTotal:
    """Sums over turns. `cost_usd` adds what is known, None when nothing is; `unpriced` counts uses that have no price."""

    model: str
    input: int
    output: int
    cache_read: int
    cache_write: int
    cost_usd: float | None
    uses: int
    unpriced: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionUsage:
    """Everything a session took, by model and by turn (the newest turns, oldest first)."""

    models: Sequence[ModelTotal]
    turns: Sequence[TokenUse]


class TokenRepository(ABC):
    """Keeps token uses. They outlive their session: what was spent was spent."""

    @abstractmethod
    async def add(self, session: Session, uses: Sequence[TokenUse]) -> int:
        """Keep those that are not kept already (by session, epoch, seq and model); returns how many were new. Atomic."""

    @abstractmethod
    async def totals(self, session_id: UUID) -> Sequence[ModelTotal]:
        """By model, in the order of their names."""

    @abstractmethod
    async def turns(self, session_id: UUID, limit: int) -> Sequence[TokenUse]:
        """The newest uses, oldest first."""


TURNS_MOST = 500


class TokenService:
    """What a session took."""

    def __init__(self, tokens: TokenRepository) -> None:
        self._tokens = tokens

    async def usage(self, session_id: UUID, limit: int = TURNS_MOST) -> SessionUsage:
        return SessionUsage(
            models=await self._tokens.totals(session_id), turns=await self._tokens.turns(session_id, min(limit, TURNS_MOST))
        )
