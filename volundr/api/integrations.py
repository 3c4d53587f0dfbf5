"""/integrations: what can be connected, and what you connected"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from volundr.api.deps import service
from volundr.api.lists import Asked, PageOut
from volundr.api.revisions import IfMatch, tag
from volundr.api.security import WhoseRows, allowed, permit
from volundr.api.strict import Shown, Strict, Text
from volundr.domain.errors import NotFound
from volundr.domain.identity import Principal, Resource
from volundr.domain.integrations import IntegrationConnection, Kind, UserIntegrationService

router = APIRouter(prefix="/api/v1/integrations", tags=["Integrations"])

Reader = Annotated[Principal, Depends(allowed("integration.read"))]
Writer = Annotated[Principal, Depends(allowed("integration.write"))]
Integrations = Annotated[UserIntegrationService, Depends(service(UserIntegrationService))]


async def _changing(
    _: Writer, integrations: Annotated[UserIntegrationService, Depends(service(UserIntegrationService))]
) -> UserIntegrationService:
    """The service, for who may change connections at all."""
    return integrations


Changing = Annotated[UserIntegrationService, Depends(_changing)]
Config = Annotated[dict[Annotated[Text, Field(max_length=100)], Annotated[Text, Field(max_length=2000)]], Field(max_length=50)]


class FieldOut(Shown):
    name: str
    label: str
    type: Literal["text", "url"]
    required: bool
    default: str


class DefinitionOut(Shown):
    """Something that can be connected. `env`: the variables a session gets, and which key of the credential they take."""

    slug: str
    name: str
    description: str
    kind: Kind
    credential_type: str
    fields: list[FieldOut]
    env: dict[str, str]
    auth: Literal["credential", "oauth"]


class Catalog(BaseModel):
    items: list[DefinitionOut]


class IntegrationIn(Strict):
    slug: Text = Field(min_length=1, max_length=100, examples=["anthropic"])
    name: Text = Field(min_length=1, max_length=100, examples=["work"])
    credential: Text = Field(
        min_length=1, max_length=100, description="Name of a stored credential of yours.", examples=["anthropic"]
    )
    config: Config = Field(default_factory=dict)
    enabled: bool = True


class IntegrationChange(Strict):
    name: Text | None = Field(default=None, min_length=1, max_length=100)
    credential: Text | None = Field(default=None, min_length=1, max_length=100)
    config: Config | None = None
    enabled: bool | None = None


class IntegrationOut(Shown):
    id: UUID
    slug: str
    name: str
    credential: str
    config: dict[str, str]
    enabled: bool
    owner_id: str
    revision: int
    created_at: datetime
    updated_at: datetime


class IntegrationPage(PageOut[IntegrationOut]):
    pass


class TriedOut(Shown):
    """`asked`: the other program really answered. Otherwise only what is stored here was looked at."""

    ok: bool
    asked: bool
    account: str
    problem: str


@router.get("/catalog")
async def integration_catalog(_: Reader, integrations: Integrations) -> Catalog:
    """Built in or brought by a plugin."""
    return Catalog.model_validate({"items": list(integrations.registry.catalog())}, from_attributes=True)


@router.get("")
async def list_integrations(
    _: Reader, integrations: Integrations, rows: WhoseRows, page: Asked, slug: Annotated[Text, Query(max_length=100)] = ""
) -> IntegrationPage:
    found = await integrations.list(rows, slug, page)
    return IntegrationPage.model_validate({"items": list(found.items), "next": found.next}, from_attributes=True)


@router.post("", status_code=201)
async def connect_integration(response: Response, who: Writer, integrations: Integrations, new: IntegrationIn) -> IntegrationOut:
    connection = IntegrationConnection(owner_id=who.user_id, tenant_id=who.tenant_id, **new.model_dump())
    return _shown(response, await integrations.add(connection))


@router.get("/{integration_id}")
async def get_integration(
    request: Request, response: Response, _: Reader, integrations: Integrations, integration_id: UUID
) -> IntegrationOut:
    return _shown(response, await _theirs(request, integrations, integration_id, "integration.read"))


@router.patch("/{integration_id}")
async def change_integration(
    request: Request,
    response: Response,
    integrations: Changing,
    integration_id: UUID,
    change: IntegrationChange,
    seen: IfMatch,
) -> IntegrationOut:
    connection = await _theirs(request, integrations, integration_id, "integration.write")
    changes: dict[str, Any] = {name: value for name, value in change.model_dump(exclude_unset=True).items() if value is not None}
    return _shown(response, await integrations.change(connection, changes, seen))


@router.delete("/{integration_id}", status_code=204)
async def disconnect_integration(request: Request, _: Writer, integrations: Integrations, integration_id: UUID) -> None:
    """The stored credential stays."""
    try:
        await _theirs(request, integrations, integration_id, "integration.write")
    except NotFound:
        return
    await integrations.delete(integration_id)


@router.post("/{integration_id}/test")
async def try_integration(request: Request, _: Writer, integrations: Integrations, integration_id: UUID) -> TriedOut:
    connection = await _theirs(request, integrations, integration_id, "integration.write")
    return TriedOut.model_validate(await integrations.test(connection))


async def _theirs(
    request: Request, integrations: UserIntegrationService, integration_id: UUID, action: str
) -> IntegrationConnection:
    found = await integrations.get(integration_id)
    resource = Resource(kind="integration", id=str(found.id), owner_id=found.owner_id, tenant_id=found.tenant_id)
    await permit(request, action, resource)
    return found


def _shown(response: Response, connection: IntegrationConnection) -> IntegrationOut:
    tag(response, connection.revision)
    return IntegrationOut.model_validate(connection)
