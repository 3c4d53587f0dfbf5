"""/tenants: the one you act in and those below it, and who belongs to them"""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Response
from pydantic import Field

from volundr.api.deps import service
from volundr.api.lists import Asked, PageOut
from volundr.api.revisions import IfMatch, tag
from volundr.api.security import allowed
from volundr.api.strict import Shown, Strict, Text
from volundr.domain.errors import NotFound
from volundr.domain.identity import Principal
from volundr.domain.roles import Role
from volundr.domain.tenants import Tenant, TenantService
from volundr.domain.users import Membership, UserService

router = APIRouter(prefix="/api/v1/tenants", tags=["Tenants"])

Reader = Annotated[Principal, Depends(allowed("tenant.read"))]
Writer = Annotated[Principal, Depends(allowed("tenant.write"))]
MemberReader = Annotated[Principal, Depends(allowed("member.read"))]
MemberWriter = Annotated[Principal, Depends(allowed("member.write"))]
Tenants = Annotated[TenantService, Depends(service(TenantService))]
Users = Annotated[UserService, Depends(service(UserService))]
TenantId = Annotated[Text, Path(min_length=1, max_length=63)]
UserId = Annotated[Text, Path(min_length=1, max_length=255)]
Many = Annotated[int, Field(ge=0, le=1_000_000)]
Money = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]


class TenantIn(Strict):
    """A tenant below another one. A quota that is left out has no limit of its own."""

    id: Text = Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", examples=["harbor"])
    name: Text = Field(min_length=1, max_length=200, examples=["Harbor team"])
    parent_id: Text = Field(default="", max_length=63, description="Empty: below the tenant you act in.")
    tier: Literal["developer", "team", "enterprise"] = "developer"
    max_sessions: Many | None = Field(default=None, description="Sessions that may be up at once, with those of tenants below.")
    max_storage_gb: Many | None = None
    budget_usd: Money | None = Field(default=None, description="For a month.")


class TenantChange(Strict):
    """Quotas are set from above a tenant; null takes a limit away."""

    name: Text = Field(default="", max_length=200)
    tier: Literal["developer", "team", "enterprise"] = "developer"
    max_sessions: Many | None = None
    max_storage_gb: Many | None = None
    budget_usd: Money | None = None


class TenantOut(Shown):
    id: str
    name: str
    parent_id: str
    path: str
    tier: Literal["developer", "team", "enterprise"]
    max_sessions: int | None
    max_storage_gb: int | None
    budget_usd: float | None
    revision: int
    created_at: datetime


class TenantPage(PageOut[TenantOut]):
    pass


class MemberIn(Strict):
    role: Role = Field(examples=["developer"])


class MemberOut(Shown):
    user_id: str
    tenant_id: str
    role: Role
    granted_by: str
    granted_at: datetime


class MemberPage(PageOut[MemberOut]):
    pass


@router.get("")
async def list_tenants(who: Reader, tenants: Tenants, page: Asked) -> TenantPage:
    """The tenant you act in, and those below it."""
    found = await tenants.list(who.tenant_id, page)
    return TenantPage.model_validate({"items": list(found.items), "next": found.next}, from_attributes=True)


@router.post("", status_code=201)
async def create_tenant(response: Response, who: Writer, tenants: Tenants, new: TenantIn) -> TenantOut:
    return _shown(response, await tenants.create(who.tenant_id, Tenant(path="", **new.model_dump())))


@router.get("/{tenant_id}")
async def get_tenant(response: Response, who: Reader, tenants: Tenants, tenant_id: TenantId) -> TenantOut:
    return _shown(response, await tenants.within(who.tenant_id, tenant_id))


@router.patch("/{tenant_id}")
async def change_tenant(
    response: Response, who: Writer, tenants: Tenants, tenant_id: TenantId, change: TenantChange, seen: IfMatch
) -> TenantOut:
    changes = change.model_dump(exclude_unset=True)
    if not changes.get("name", "x"):
        del changes["name"]
    return _shown(response, await tenants.change(who.tenant_id, tenant_id, changes, seen))


@router.delete("/{tenant_id}", status_code=204)
async def delete_tenant(who: Writer, tenants: Tenants, tenant_id: TenantId) -> None:
    """Only an empty one: without tenants below it, sessions, or people at home in it."""
    try:
        await tenants.delete(who.tenant_id, tenant_id)
    except NotFound:
        return


@router.get("/{tenant_id}/members")
async def list_members(who: MemberReader, tenants: Tenants, users: Users, tenant_id: TenantId, page: Asked) -> MemberPage:
    await tenants.within(who.tenant_id, tenant_id)
    found = await users.members(tenant_id, page)
    return MemberPage.model_validate({"items": list(found.items), "next": found.next}, from_attributes=True)


@router.put("/{tenant_id}/members/{user_id}")
async def put_member(
    who: MemberWriter, tenants: Tenants, users: Users, tenant_id: TenantId, user_id: UserId, member: MemberIn
) -> MemberOut:
    """Make somebody a member, or give them another role. The role holds in all tenants below too."""
    tenant = await tenants.within(who.tenant_id, tenant_id)
    await users.get(user_id)
    given = Membership(user_id=user_id, tenant_id=tenant.id, role=member.role, granted_by=who.user_id)
    return MemberOut.model_validate(await users.grant(given))


@router.delete("/{tenant_id}/members/{user_id}", status_code=204)
async def remove_member(who: MemberWriter, tenants: Tenants, users: Users, tenant_id: TenantId, user_id: UserId) -> None:
    try:
        await tenants.within(who.tenant_id, tenant_id)
    except NotFound:
        return
    await users.revoke(tenant_id, user_id)


def _shown(response: Response, tenant: Tenant) -> TenantOut:
    tag(response, tenant.revision)
    return TenantOut.model_validate(tenant)
