"""What agents of all sessions wait for: one list of open questions."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenQuestion:
    """An agent asks before it does something. `id` is how its session's Skuld knows it; `input` may be shortened."""

    id: str
    tool: str
    title: str
    reason: str = ""
    input: Mapping[str, Any] = field(default_factory=dict)
    scopes: Sequence[str] = ("once",)
    rules: Sequence[Mapping[str, str]] = ()
    raised_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingQuestion(OpenQuestion):
    """With the session it belongs to."""

    session_id: UUID
    session_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """One page, oldest first. `next` is the cursor of the following page, None at the end."""

    items: Sequence[PendingQuestion]
    next: str | None


class PermissionRepository(ABC):
    """Keeps the open questions of each session as its broker last said."""

    @abstractmethod
    async def replace(self, session_id: UUID, questions: Sequence[OpenQuestion]) -> None:
        """These and no others are open; none when the session does not run. Called for every report: cheap without news."""

    @abstractmethod
    async def pending(self, owner_id: str | None, cursor: str, limit: int) -> Pending:
        """Those of sessions that run, oldest first. Raises Invalid for a cursor that is not ours."""


PENDING_MOST = 200


class PermissionService:
    """The list of what is pending. An answer goes to the session's own Skuld, which decides whose is first."""

    def __init__(self, permissions: PermissionRepository) -> None:
        self._permissions = permissions

    async def pending(self, owner_id: str | None, cursor: str, limit: int) -> Pending:
        return await self._permissions.pending(owner_id, cursor, min(limit, PENDING_MOST))
