"""Which agents there are to work with."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentDescription:
    """One agent as a person chooses it. When it is not available, `problem` says why and `hint` what to do.

    `transports` are the ways by which it can be reached, the usual one first.
    """

    name: str
    label: str
    available: bool
    version: str = ""
    path: str = ""
    problem: str = ""
    hint: str = ""
    transports: Sequence[str] = ()


class AgentCatalog(ABC):
    """Knows the agents that sessions can use."""

    @abstractmethod
    async def list(self) -> Sequence[AgentDescription]:
        """All of them, available ones first. Looks at the machine at most every half minute."""
