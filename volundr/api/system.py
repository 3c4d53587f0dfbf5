"""/system, /agents and /me: the forge, its machine, and who you are."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from volundr.api.deps import service
from volundr.api.security import allowed, principal
from volundr.domain.admin_settings import AdminSettingsService
from volundr.domain.agents import AgentDescription
from volundr.domain.identity import Principal
from volundr.domain.system import SystemReport, SystemService
from volundr.domain.workspaces import FolderListing, Workspaces

router = APIRouter(prefix="/api/v1", tags=["System"])

System = Annotated[SystemService, Depends(service(SystemService))]
Reader = Annotated[Principal, Depends(allowed("system.read"))]


class Me(BaseModel):
    user_id: str
    tenant_id: str
    name: str
    roles: list[str]
    announcement: str = Field(description="What the forge's administrators tell everybody; empty: nothing.")


@router.get("/me")
async def who_am_i(
    who: Annotated[Principal, Depends(principal)],
    settings: Annotated[AdminSettingsService, Depends(service(AdminSettingsService))],
) -> Me:
    told = (await settings.get()).announcement
    return Me(user_id=who.user_id, tenant_id=who.tenant_id, name=who.name, roles=sorted(who.roles), announcement=told)


@router.get("/system")
async def system_report(system: System, _: Reader) -> SystemReport:
    return await system.report()


@router.get("/agents")
async def list_agents(system: System, _: Reader) -> Sequence[AgentDescription]:
    return await system.agents()


@router.get("/openapi.json", include_in_schema=False)
async def openapi_document(request: Request, _: Reader) -> JSONResponse:
    return JSONResponse(await asyncio.to_thread(request.app.openapi))


@router.get("/system/folders")
async def list_folders(
    workspaces: Annotated[Workspaces, Depends(service(Workspaces))],
    _: Annotated[Principal, Depends(allowed("system.folders"))],
    path: str = "",
) -> FolderListing:
    """The folders in `path` of the forge's machine, for choosing one; the home folder when empty."""
    return await workspaces.folders(path)
