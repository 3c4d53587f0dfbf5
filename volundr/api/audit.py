"""/audit: who asked for which change"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, Field

from volundr.api.deps import service
from volundr.api.lists import Asked, PageOut
from volundr.api.security import allowed
from volundr.api.strict import Shown, Text
from volundr.domain.audit import AuditFilter, AuditLog
from volundr.domain.identity import Principal
from volundr.domain.tenants import TenantService

router = APIRouter(prefix="/api/v1/audit", tags=["Audit"])


class AuditOut(Shown):
    id: UUID
    at: datetime
    tenant_id: str
    actor: str = Field(description="The person; empty for a login of somebody who was not known.")
    via: str = Field(description="What they showed: `cookie`, `bearer`, or nothing.")
    action: str = Field(description="Method and route, such as `POST /api/v1/sessions/{session_id}/start`.")
    subject: str = Field(description="What the path named, such as `session_id=…`.")
    status: int
    address: str


class AuditPage(PageOut[AuditOut]):
    pass


class AuditQuery(BaseModel):
    """Which entries a list shows: all that is said must hold."""

    tenant: Text = Field(default="", max_length=63, description="One below the tenant you act in; empty: that one itself.")
    actor: Text = Field(default="", max_length=255)
    action: Text = Field(default="", max_length=300, description="Whole, as entries have it.")
    subject: Text = Field(default="", max_length=255, description="An id in the path.")
    refused: bool | None = Field(default=None, description="Only, or only not, what was answered with 4xx or 5xx.")
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


@router.get("")
async def list_audit(
    who: Annotated[Principal, Depends(allowed("audit.read"))],
    audit: Annotated[AuditLog, Depends(service(AuditLog))],
    tenants: Annotated[TenantService, Depends(service(TenantService))],
    page: Asked,
    wanted: Annotated[AuditQuery, Query()],
) -> AuditPage:
    """Newest first. Every request that would change something, done or refused: never what was in it."""
    tenant_id = wanted.tenant or who.tenant_id
    if wanted.tenant:
        await tenants.within(who.tenant_id, wanted.tenant)
    chosen = AuditFilter(tenant_id=tenant_id, **wanted.model_dump(exclude={"tenant"}))
    found = await audit.list(chosen, page)
    return AuditPage.model_validate({"items": list(found.items), "next": found.next}, from_attributes=True)
