"""What agents of all sessions wait for: one list of open questions."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from volundr.domain.identity import Whose
from volundr.domain.paging import Page, PageRequest


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


class PermissionRepository(ABC):
    """Keeps the open questions of each session as its broker last said."""

    @abstractmethod
    async def replace(self, session_id: UUID, questions: Sequence[OpenQuestion]) -> None:
        """These and no others are open; none when the session does not run. Called for every report: cheap without news."""

    @abstractmethod
    async def pending(self, whose: Whose, page: PageRequest) -> Page[PendingQuestion]:
        """Those of sessions that run, oldest first. Raises Invalid for a cursor that is not ours."""


class PermissionService:
    """The list of what is pending. An answer goes to the session's own Skuld, which decides whose is first."""

    def __init__(self, permissions: PermissionRepository) -> None:
        self._permissions = permissions

    async def pending(self, whose: Whose, page: PageRequest) -> Page[PendingQuestion]:
        return await self._permissions.pending(whose, page)
