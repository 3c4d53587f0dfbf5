"""What happened in a session, line by line."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Kind(StrEnum):
    """What a line is about."""

    MESSAGE = "message"
    FILE = "file"
    COMMIT = "commit"
    COMMAND = "command"
    PERMISSION = "permission"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One line. `epoch` and `seq` are its place in the session's log."""

    epoch: str
    seq: int
    at: datetime
    kind: Kind
    title: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """One page, oldest first. `next` is the cursor of the following page, None at the end."""

    items: Sequence[Moment]
    next: str | None


class TimelineRepository(ABC):
    """Keeps the lines of a session for as long as there is the session."""

    @abstractmethod
    async def add(self, session_id: UUID, moments: Sequence[Moment]) -> int:
        """Keep those that are not kept already (by session, epoch and seq); returns how many were new. Atomic."""

    @abstractmethod
    async def list(self, session_id: UUID, kinds: Sequence[Kind], cursor: str, limit: int) -> Moments:
        """Oldest first; no `kinds` means all. Raises Invalid for a cursor that is not ours."""


class TimelineService:
    """Reads a session's timeline."""

    def __init__(self, timeline: TimelineRepository) -> None:
        self._timeline = timeline

    async def list(self, session_id: UUID, kinds: Sequence[Kind], cursor: str, limit: int) -> Moments:
        return await self._timeline.list(session_id, kinds, cursor, limit)
