"""/resources"""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import Field

from volundr.api.deps import service
from volundr.api.security import allowed
from volundr.api.strict import Shown
from volundr.domain.identity import Principal
from volundr.domain.resources import ResourceProvider

router = APIRouter(prefix="/api/v1/resources", tags=["Resources"])


class ResourceOut(Shown):
    name: str = Field(description="What a session's `resources` call it.")
    unit: Literal["cores", "bytes", "devices"]
    capacity: float | None = Field(description="Null: nobody can say.")
    free: float | None = Field(description="About: what nothing uses at the moment.")
    most: float | None = Field(description="What one session may ask for; null: as much as there is.")
    details: list[str]


class ResourcesOut(Shown):
    place: str
    held: bool = Field(description="Sessions are held to what they asked for; otherwise it is only checked.")
    kinds: list[ResourceOut]


@router.get("")
async def list_resources(
    _: Annotated[Principal, Depends(allowed("resource.read"))],
    resources: Annotated[ResourceProvider, Depends(service(ResourceProvider))],
) -> ResourcesOut:
    """What there is where sessions run, and what they can ask for."""
    return ResourcesOut.model_validate(await resources.discover())
