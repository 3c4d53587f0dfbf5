"""/access-tokens: your keys for programs"""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from volundr.api.deps import service
from volundr.api.lists import Asked, PageOut
from volundr.api.security import allowed
from volundr.api.strict import Shown, Strict, Text
from volundr.domain.identity import Principal
from volundr.domain.users import AccessTokens

router = APIRouter(prefix="/api/v1/access-tokens", tags=["Access tokens"])

Reader = Annotated[Principal, Depends(allowed("access_token.read"))]
Writer = Annotated[Principal, Depends(allowed("access_token.write"))]
Tokens = Annotated[AccessTokens, Depends(service(AccessTokens))]


class TokenIn(Strict):
    name: Text = Field(min_length=1, max_length=100, examples=["ci"])
    days: int | None = Field(default=None, ge=1, le=3650, description="Good for so many days; for ever when left out.")


class TokenOut(Shown):
    """`hint` is its end. `used_at` is exact to a minute."""

    id: UUID
    name: str
    hint: str
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None


class NewTokenOut(TokenOut):
    token: str = Field(description="Shown this once: only its hash is kept.")


class TokenPage(PageOut[TokenOut]):
    pass


@router.get("")
async def list_access_tokens(who: Reader, tokens: Tokens, page: Asked) -> TokenPage:
    found = await tokens.list(who.user_id, page)
    return TokenPage.model_validate({"items": list(found.items), "next": found.next}, from_attributes=True)


@router.post("", status_code=201)
async def create_access_token(request: Request, who: Writer, tokens: Tokens, new: TokenIn) -> NewTokenOut:
    """It may do what you may do, in all your tenants."""
    request.state.once = True
    secret, made = await tokens.create(who.user_id, new.name, None if new.days is None else timedelta(days=new.days))
    shown = TokenOut.model_validate(made)
    return NewTokenOut(token=secret, **shown.model_dump())


@router.delete("/{token_id}", status_code=204)
async def delete_access_token(who: Writer, tokens: Tokens, token_id: UUID) -> None:
    """It opens nothing any more, from its next use on."""
    await tokens.delete(who.user_id, token_id)
