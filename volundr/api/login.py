"""Signing in: a one-time code becomes a cookie."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from volundr.api.deps import service
from volundr.api.security import COOKIE, Site, credentials, principal
from volundr.domain.errors import Forbidden
from volundr.domain.identity import Principal
from volundr.domain.logins import Logins

router = APIRouter(prefix="/api/v1/login", tags=["login"])

Ports = Annotated[Logins, Depends(service(Logins))]


class LoginRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    code: str = Field(min_length=1, max_length=200)


class LoginCode(BaseModel):
    """A code and the link that carries it after `#`, where no server and no log ever sees it."""

    code: str
    url: str


@router.post("", status_code=204)
async def log_in(body: LoginRequest, request: Request, response: Response, logins: Ports) -> None:
    """Turn the code of a login link into the cookie of this browser. Open to everybody: the code is the proof."""
    cookie, seconds = await logins.redeem(body.code)
    secure = request.headers.get("origin", str(request.url)).startswith("https:")  # the origin also knows of TLS before us
    response.set_cookie(COOKIE, cookie, max_age=seconds, path="/", secure=secure, httponly=True, samesite="strict")


@router.delete("", status_code=204)
async def log_out(request: Request, response: Response, logins: Ports) -> None:
    """End this browser's login. Without one there is nothing to end, which is no error."""
    shown = credentials(request.scope["headers"], request.url.path)
    if shown is not None and shown.kind == "cookie":
        await logins.revoke(shown.value)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")


@router.post("/codes", status_code=201)
async def make_code(request: Request, logins: Ports, who: Annotated[Principal, Depends(principal)]) -> LoginCode:
    """A new login link for yourself, for `volundr up` and other programs that hold your token."""
    shown = credentials(request.scope["headers"], request.url.path)
    if shown is None or shown.kind != "bearer":
        raise Forbidden("Login links are made with the token, not from a browser.", hint="Run `volundr up` in a terminal.")
    code = await logins.code_for(who.user_id)
    request.state.once = True
    site: Site = request.app.state.site
    return LoginCode(code=code, url=f"{site.url}/login#{code}")
