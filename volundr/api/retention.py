"""/retention: what is kept of sessions that rest, and what of it may go"""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from volundr.api.deps import service
from volundr.api.security import allowed
from volundr.domain.identity import Principal
from volundr.domain.retention import Expendable, Retention

router = APIRouter(prefix="/api/v1/retention", tags=["Retention"])

Kept = Annotated[Retention, Depends(service(Retention))]


class ExpendableList(BaseModel):
    """Largest first, all that the policy lets go at once: a thousand chronicles are the most of their kind."""

    items: list[Expendable]


@router.get("")
async def plan_retention(retention: Kept, who: Annotated[Principal, Depends(allowed("retention.read"))]) -> ExpendableList:
    """What would go now by the settings' `[retention]`; nothing is removed."""
    return ExpendableList(items=list(await retention.plan(who.tenant_id)))


@router.post("")
async def apply_retention(retention: Kept, who: Annotated[Principal, Depends(allowed("retention.write"))]) -> ExpendableList:
    """Remove it, and say what went."""
    return ExpendableList(items=list(await retention.apply(who.tenant_id)))
