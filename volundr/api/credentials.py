"""/credentials: yours, and those of your tenant. Values go in and never come out."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, Field

from volundr.api.deps import service
from volundr.api.lists import Asked, PageOut
from volundr.api.revisions import IfMatch, tag
from volundr.api.security import allowed, caller, permit
from volundr.api.strict import Shown, Strict, Text
from volundr.domain.credentials import Credential, CredentialService, Owner, preview
from volundr.domain.identity import Principal, Resource
from volundr.domain.mounts import TYPES, CredentialType, check, mount

router = APIRouter(prefix="/api/v1/credentials", tags=["Credentials"])

Reader = Annotated[Principal, Depends(allowed("credential.read"))]
Writer = Annotated[Principal, Depends(allowed("credential.write"))]
Credentials = Annotated[CredentialService, Depends(service(CredentialService))]
Name = Annotated[Text, Path(min_length=1, max_length=100, examples=["anthropic"])]
Scope = Annotated[Literal["user", "tenant"], Query(description="`tenant`: everybody's in it, kept by its administrators.")]
Values = Annotated[
    dict[Annotated[Text, Field(min_length=1, max_length=100)], Annotated[Text, Field(max_length=100_000)]],
    Field(max_length=50, examples=[{"api_key": "…"}]),
]


class CredentialIn(Strict):
    """What is kept under this name; all values at once."""

    type: CredentialType
    values: Values
    note: Text = Field(default="", max_length=500)


class CredentialOut(Shown):
    """`keys` are the names of its values."""

    name: str
    type: CredentialType
    keys: list[str]
    note: str
    revision: int
    created_at: datetime
    updated_at: datetime


class CredentialPage(PageOut[CredentialOut]):
    pass


class FieldOut(Shown):
    name: str
    label: str
    required: bool
    secret: bool


class TypeOut(Shown):
    """`open`: any other keys may be there too."""

    type: CredentialType
    label: str
    description: str
    fields: list[FieldOut]
    open: bool


class TypeList(BaseModel):
    items: list[TypeOut]


class PreviewOut(Shown):
    """What a session would get: names of variables and files, no value. `${mounts}` is its own folder of secret files."""

    variables: list[str]
    files: list[str]


class PreviewIn(Strict):
    name: Text = Field(min_length=1, max_length=100, pattern=r"^[a-z0-9][a-z0-9_-]*$", examples=["anthropic"])
    type: CredentialType
    values: Values


async def _reading(request: Request, who: Reader, scope: Scope = "user") -> Owner:
    """Whose credentials are asked for, if the caller may see that there are any."""
    return await _owner(request, who, scope, "read")


async def _writing(request: Request, who: Writer, scope: Scope = "user") -> Owner:
    return await _owner(request, who, scope, "write")


async def _owner(request: Request, who: Principal, scope: Literal["user", "tenant"], verb: str) -> Owner:
    if scope == "user":
        return Owner(scope="user", id=who.user_id)
    await allowed(f"tenant_credential.{verb}")(request)
    await permit(request, f"tenant_credential.{verb}", Resource(kind="tenant_credential", tenant_id=caller(request).tenant_id))
    return Owner(scope="tenant", id=who.tenant_id)


ReadOwner = Annotated[Owner, Depends(_reading)]
WriteOwner = Annotated[Owner, Depends(_writing)]


@router.get("")
async def list_credentials(
    owner: ReadOwner,
    credentials: Credentials,
    page: Asked,
    type: CredentialType | None = None,  # noqa: A002 - as the field
) -> CredentialPage:
    found = await credentials.list(owner, type, page)
    return CredentialPage.model_validate({"items": list(found.items), "next": found.next}, from_attributes=True)


@router.get("/-/types")
async def list_credential_types(_: Reader) -> TypeList:
    """What kinds there are, and their fields."""
    return TypeList.model_validate({"items": list(TYPES.values())}, from_attributes=True)


@router.post("/-/mount-preview")
async def preview_mount(_: Reader, given: PreviewIn) -> PreviewOut:
    """What a session would get of a credential that is not stored. Checks its values; keeps nothing."""
    return PreviewOut.model_validate(preview(mount(given.name, given.type, check(given.type, given.values))))


@router.get("/{name}")
async def get_credential(response: Response, owner: ReadOwner, credentials: Credentials, name: Name) -> CredentialOut:
    return _shown(response, await credentials.get(owner, name))


@router.put("/{name}")
async def put_credential(
    response: Response, owner: WriteOwner, credentials: Credentials, name: Name, given: CredentialIn, seen: IfMatch
) -> CredentialOut:
    """Keep it, in place of what was there under this name. With `If-Match: "0"`: only if there is none yet."""
    fresh = Credential(name=name, type=given.type, keys=(), note=given.note)
    return _shown(response, await credentials.put(owner, fresh, given.values, seen))


@router.delete("/{name}", status_code=204)
async def delete_credential(owner: WriteOwner, credentials: Credentials, name: Name) -> None:
    await credentials.delete(owner, name)


@router.get("/{name}/mount-preview")
async def preview_credential(owner: ReadOwner, credentials: Credentials, name: Name) -> PreviewOut:
    return PreviewOut.model_validate(await credentials.preview(owner, name))


def _shown(response: Response, credential: Credential) -> CredentialOut:
    tag(response, credential.revision)
    return CredentialOut.model_validate(credential)
