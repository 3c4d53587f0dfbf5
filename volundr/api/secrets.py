"""/secrets: of the tenant one acts in. Values go in and never come out."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from pydantic import Field

from volundr.api.deps import service
from volundr.api.lists import Asked, PageOut
from volundr.api.revisions import IfMatch, tag
from volundr.api.security import allowed
from volundr.api.strict import Shown, Strict, Text
from volundr.domain.credentials import Credential
from volundr.domain.identity import Principal
from volundr.domain.secrets import SecretManager

router = APIRouter(prefix="/api/v1/secrets", tags=["Secrets"])

Reader = Annotated[Principal, Depends(allowed("secret.read"))]
Writer = Annotated[Principal, Depends(allowed("secret.write"))]
Secrets = Annotated[SecretManager, Depends(service(SecretManager))]
Name = Annotated[Text, Path(min_length=1, max_length=100, examples=["github"])]
Key = Annotated[Text, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_.-]+$")]


class SecretIn(Strict):
    """All values at once; those that were there before and are not named go."""

    values: dict[Key, Annotated[Text, Field(max_length=100_000)]] = Field(min_length=1, max_length=50, examples=[{"token": "…"}])
    note: Text = Field(default="", max_length=500)


class SecretOut(Shown):
    """`keys` are the names of its values."""

    name: str
    keys: list[str]
    note: str
    revision: int
    created_at: datetime
    updated_at: datetime


class SecretPage(PageOut[SecretOut]):
    pass


@router.get("")
async def list_secrets(who: Reader, secrets: Secrets, page: Asked) -> SecretPage:
    """By name. Tool servers use them as `${secret:<name>.<key>}`."""
    found = await secrets.list(who.tenant_id, page)
    return SecretPage.model_validate({"items": list(found.items), "next": found.next}, from_attributes=True)


@router.get("/{name}")
async def get_secret(response: Response, who: Reader, secrets: Secrets, name: Name) -> SecretOut:
    return _shown(response, await secrets.get(who.tenant_id, name))


@router.put("/{name}")
async def put_secret(response: Response, who: Writer, secrets: Secrets, name: Name, given: SecretIn, seen: IfMatch) -> SecretOut:
    """Keep it, in place of what was there under this name. With `If-Match: "0"`: only if there is none yet."""
    return _shown(response, await secrets.put(who.tenant_id, name, given.values, given.note, seen))


@router.delete("/{name}", status_code=204)
async def delete_secret(who: Writer, secrets: Secrets, name: Name) -> None:
    await secrets.delete(who.tenant_id, name)


def _shown(response: Response, secret: Credential) -> SecretOut:
    tag(response, secret.revision)
    return SecretOut.model_validate(secret)
