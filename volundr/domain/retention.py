"""What is kept of sessions that rest, and what of it may go."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Expendable:
    """One thing that the policy lets go: a session's conversation, or the files that went with it. `size` in bytes."""

    session: str
    name: str
    what: Literal["conversation", "attachments"]
    size: int
    reason: str
    problem: str = ""


class Retention(ABC):
    """Lets go of what is kept longer than the settings say. By default nothing ever goes."""

    @abstractmethod
    async def plan(self) -> Sequence[Expendable]:
        """What would go now, largest first. Removes nothing."""

    @abstractmethod
    async def apply(self) -> Sequence[Expendable]:
        """Remove that, and say what went; `problem` tells of what could not be removed."""
