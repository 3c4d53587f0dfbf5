"""Which models there are to choose from, with what they cost and who offers them."""

from collections.abc import Sequence
from dataclasses import dataclass

from volundr.domain.agents import AgentCatalog
from volundr.domain.pricing import ModelInfo, PricingProvider


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOffer:
    """`offered_by` names the agents on this machine that usually have this model."""

    info: ModelInfo
    offered_by: Sequence[str] = ()


class ModelService:
    """Brings together what is known of models and which agents there are."""

    def __init__(self, prices: PricingProvider, agents: AgentCatalog) -> None:
        self._prices = prices
        self._agents = agents

    async def list(self) -> Sequence[ModelOffer]:
        here = {agent.name for agent in await self._agents.list() if agent.available}
        return [
            ModelOffer(info=model, offered_by=[name for name in model.agents if name in here])
            for model in await self._prices.models()
        ]
