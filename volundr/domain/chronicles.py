"""The story of a session in a few lines: what was wanted, what changed, what is left to do."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from volundr.domain.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Chronicle:
    """The newest telling. `epoch` and `seq` say up to which record of the session's log it goes."""

    session_id: UUID
    epoch: str
    seq: int
    summary: str = ""
    key_changes: Sequence[str] = ()
    unfinished_work: Sequence[str] = ()
    messages: int = 0
    duration_seconds: float = 0.0
    updated_at: datetime = field(default_factory=lambda: datetime.now(UTC))


class ChronicleRepository(ABC):
    """Keeps one chronicle a session."""

    @abstractmethod
    async def tell(self, chronicle: Chronicle) -> bool:
        """Keep it in place of an older telling; False when a newer one of the same epoch is kept. One guarded statement."""

    @abstractmethod
    async def get(self, session_id: UUID) -> Chronicle | None: ...


class ChronicleService:
    """Reads chronicles."""

    def __init__(self, chronicles: ChronicleRepository) -> None:
        self._chronicles = chronicles

    async def get(self, session_id: UUID) -> Chronicle:
        """Raises NotFound while nothing was told."""
        found = await self._chronicles.get(session_id)
        if found is None:
            raise NotFound("There is no chronicle of this session yet.", hint="It is written at the end of each turn.")
        return found
