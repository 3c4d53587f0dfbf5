"""/models"""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from volundr.api.deps import service
from volundr.api.lists import Asked, PageOut
from volundr.api.security import allowed
from volundr.api.strict import Shown, Text
from volundr.domain.agents import AgentCatalog
from volundr.domain.identity import Principal
from volundr.domain.models import ModelOffer, ModelService
from volundr.domain.paging import page_of
from volundr.domain.pricing import PricingProvider

router = APIRouter(prefix="/api/v1/models", tags=["Models and statistics"])


class PriceOut(Shown):
    """US dollars for a million tokens; null: not known."""

    input: float
    output: float
    cache_read: float | None
    cache_write: float | None


class ModelOut(Shown):
    id: str
    name: str
    provider: str
    tier: Literal["frontier", "balanced", "fast", "other"]
    price: PriceOut | None = Field(description="Null when it is not known. It is never taken for nothing.")
    source: Literal["settings", "table"] | None = Field(description="Where the price comes from.")
    offered_by: list[str] = Field(description="Agents of this machine that usually have it.")


class ModelPage(PageOut[ModelOut]):
    pass


@router.get("")
async def list_models(
    _: Annotated[Principal, Depends(allowed("model.read"))],
    prices: Annotated[PricingProvider, Depends(service(PricingProvider))],
    agents: Annotated[AgentCatalog, Depends(service(AgentCatalog))],
    page: Asked,
    provider: Annotated[Text, Query(max_length=64)] = "",
    offered: Annotated[bool | None, Query(description="Only those that an agent of this machine has, or has not.")] = None,
) -> ModelPage:
    """By id. An agent may have models that are not in this list: it says so itself, once it runs."""
    chosen = [
        one
        for one in await ModelService(prices, agents).list()
        if provider in {"", one.info.provider} and (offered is None or offered == bool(one.offered_by))
    ]
    found = page_of(chosen, page, lambda one: one.info.id, "id")
    return ModelPage(items=[_shown(one) for one in found.items], next=found.next)


def _shown(one: ModelOffer) -> ModelOut:
    info = one.info
    price = None if info.price is None else PriceOut.model_validate(info.price)
    return ModelOut(
        id=info.id,
        name=info.name,
        provider=info.provider,
        tier=info.tier,
        price=price,
        source=info.source,
        offered_by=list(one.offered_by),
    )
