"""What this forge is and what it found on its machine."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from volundr.domain.agents import AgentCatalog, AgentDescription
from volundr.domain.sessions.ports import PodManager


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A program of the machine that sessions use. Empty `version`: it is not there, and `hint` says what follows."""

    name: str
    version: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemReport:
    """For the first-run screen and the about page."""

    version: str
    home: str
    database: str
    pods: str
    agents: Sequence[AgentDescription]
    tools: Sequence[Tool]


class Machine(ABC):
    """Looks at the machine the forge runs on."""

    @abstractmethod
    async def tools(self) -> Sequence[Tool]:
        """git and Docker. Looks at most every half minute."""

    @abstractmethod
    async def check_database(self) -> None:
        """Raises Unavailable when the database does not answer within 2 s."""


class SystemService:
    def __init__(self, machine: Machine, agents: AgentCatalog, about: SystemReport, pods: PodManager) -> None:
        self._machine = machine
        self._pods = pods
        self._agents = agents
        self._about = about

    async def report(self) -> SystemReport:
        about = self._about
        return SystemReport(
            version=about.version,
            home=about.home,
            database=about.database,
            pods=about.pods,
            agents=await self._agents.list(),
            tools=await self._machine.tools(),
        )

    async def agents(self) -> Sequence[AgentDescription]:
        return await self._agents.list()

    async def check_database(self) -> None:
        await self._machine.check_database()

    async def check_all(self) -> None:
        """Raises Unavailable when the database or the place where sessions run does not answer."""
        await self._machine.check_database()
        await self._pods.check()
