"""/users: the people of the tenants you administer"""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, Field

from volundr.api.deps import service
from volundr.api.lists import Asked, PageOut
from volundr.api.revisions import IfMatch, tag
from volundr.api.security import Site, allowed
from volundr.api.strict import Shown, Strict, Text
from volundr.domain.errors import Conflict
from volundr.domain.identity import Principal
from volundr.domain.logins import Logins
from volundr.domain.roles import Role
from volundr.domain.tenants import TenantService
from volundr.domain.users import User, UserService, UserStatus

router = APIRouter(prefix="/api/v1/users", tags=["Users"])

Reader = Annotated[Principal, Depends(allowed("user.read"))]
Writer = Annotated[Principal, Depends(allowed("user.write"))]
Users = Annotated[UserService, Depends(service(UserService))]
Tenants = Annotated[TenantService, Depends(service(TenantService))]
UserId = Annotated[Text, Path(min_length=1, max_length=255)]


class UserIn(Strict):
    """`tenant_id`: where they are at home, the tenant you act in when empty. `role` is theirs there."""

    id: Text = Field(min_length=1, max_length=255, pattern=r"^[^\s/\\]+$", examples=["ada"])
    email: Text = Field(default="", max_length=320, examples=["ada@example.org"])
    name: Text = Field(default="", max_length=200, examples=["Ada"])
    tenant_id: Text = Field(default="", max_length=63)
    role: Role = Role.DEVELOPER


class UserChange(Strict):
    """Somebody suspended is refused everything from their next request on."""

    email: Text | None = Field(default=None, max_length=320)
    name: Text | None = Field(default=None, max_length=200)
    status: UserStatus | None = None


class UserOut(Shown):
    id: str
    email: str
    name: str
    status: UserStatus
    tenant_id: str
    revision: int
    created_at: datetime
    updated_at: datetime


class UserPage(PageOut[UserOut]):
    pass


class LoginLink(BaseModel):
    """Works once, within half an hour. Give it to them over a channel you trust."""

    url: str


@router.get("")
async def list_users(
    who: Reader, users: Users, tenants: Tenants, page: Asked, q: Annotated[Text, Query(max_length=200)] = ""
) -> UserPage:
    """Those at home or members in the tenant you act in, or below it."""
    here = await tenants.get(who.tenant_id)
    found = await users.list(here.path, q, page)
    return UserPage.model_validate({"items": list(found.items), "next": found.next}, from_attributes=True)


@router.post("", status_code=201)
async def create_user(response: Response, who: Writer, users: Users, tenants: Tenants, new: UserIn) -> UserOut:
    home = await tenants.within(who.tenant_id, new.tenant_id or who.tenant_id)
    made = User(id=new.id, email=new.email, name=new.name, tenant_id=home.id)
    return _shown(response, await users.create(made, new.role))


async def _theirs(who: Reader, users: Users, tenants: Tenants, user_id: UserId) -> User:
    """The user of this path, for who administers a tenant of theirs."""
    here = await tenants.get(who.tenant_id)
    return await users.within(here.path, user_id)


Theirs = Annotated[User, Depends(_theirs)]


async def _at_home(who: Writer, user: Theirs, tenants: Tenants) -> User:
    """The user of this path, for who administers the tenant they are at home in."""
    await tenants.within(who.tenant_id, user.tenant_id)
    return user


AtHome = Annotated[User, Depends(_at_home)]


@router.get("/{user_id}")
async def get_user(response: Response, user: Theirs) -> UserOut:
    return _shown(response, user)


@router.patch("/{user_id}")
async def change_user(response: Response, who: Writer, user: AtHome, users: Users, change: UserChange, seen: IfMatch) -> UserOut:
    """Only who administers the tenant they are at home in may change or suspend somebody."""
    if change.status is UserStatus.SUSPENDED and user.id == who.user_id:
        raise Conflict("You cannot suspend yourself.")
    changes = {name: value for name, value in change.model_dump(exclude_unset=True).items() if value is not None}
    return _shown(response, await users.change(user.id, changes, seen))


@router.post("/{user_id}/login-link", status_code=201)
async def make_login_link(request: Request, user: AtHome, logins: Annotated[Logins, Depends(service(Logins))]) -> LoginLink:
    """A link that signs them in once: how people come to a server that has no identity provider."""
    request.state.once = True
    site: Site = request.app.state.site
    return LoginLink(url=f"{site.url}/login#{await logins.code_for(user.id)}")


def _shown(response: Response, user: User) -> UserOut:
    tag(response, user.revision)
    return UserOut.model_validate(user)
