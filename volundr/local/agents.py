"""Which of the agents that plugins offer are on this machine."""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence

from volundr.broker.transports.transport import Agent, Found
from volundr.domain.agents import AgentCatalog, AgentDescription

log = logging.getLogger(__name__)

FRESH_SECONDS = 30.0
FIND_SECONDS = 6.0


class LocalAgents(AgentCatalog):
    """`environment` is what agents get, without Volundr's own variables."""

    def __init__(self, agents: Mapping[str, Agent], environment: Mapping[str, str]) -> None:
        self._agents = agents
        self._environment = environment
        self._turn = asyncio.Lock()
        self._known: Sequence[AgentDescription] = ()
        self._looked = float("-inf")

    async def list(self) -> Sequence[AgentDescription]:
        async with self._turn:
            if time.monotonic() - self._looked > FRESH_SECONDS:
                found = await asyncio.gather(*(self._describe(name, agent) for name, agent in self._agents.items()))
                self._known = sorted(found, key=lambda one: (not one.available, one.name == "demo", one.name))
                self._looked = time.monotonic()
            return self._known

    async def _describe(self, name: str, agent: Agent) -> AgentDescription:
        found = await self._find(name, agent)
        return AgentDescription(
            name=name,
            label=agent.label,
            available=found.available,
            version=found.version,
            path=found.path,
            problem=found.problem,
            hint=found.hint,
            transports=tuple(agent.transports),
        )

    async def _find(self, name: str, agent: Agent) -> Found:
        try:
            async with asyncio.timeout(FIND_SECONDS):
                return await asyncio.to_thread(agent.find, self._environment)
        except TimeoutError:
            return Found(available=False, problem="Looking for it takes too long.", hint="Try it in a terminal.")
        except Exception as error:  # a plugin's fault must not hide the other agents
            log.exception("agent cannot be looked for", extra={"agent": name})
            return Found(available=False, problem=f"Looking for it failed: {error!r}.", hint="See the forge's log.")
