"""/healthz and /readyz: for whoever watches over the forge."""

from typing import Annotated

from fastapi import APIRouter, Depends

from volundr.api.deps import service
from volundr.domain.system import SystemService

router = APIRouter(tags=["Health"])
System = Annotated[SystemService, Depends(service(SystemService))]


@router.get("/healthz", openapi_extra={"x-open": True})
async def health(system: System) -> dict[str, str]:
    """The forge answers and its database does too. Open to everybody."""
    await system.check_database()
    return {"status": "ok"}


@router.get("/readyz", openapi_extra={"x-open": True})
async def ready(system: System) -> dict[str, str]:
    """Sessions can be started: database and pods are there. Open to everybody."""
    await system.check_all()
    return {"status": "ready"}
