"""Who may come in: Host, Origin and credentials are checked here, for every request and every socket, before anything else.

The checks are functions from headers to a Refusal or None, because the gateway's sockets, which no ASGI app ever sees, ask the
same questions.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI, Query, Request
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from volundr.domain.errors import Forbidden, Invalid, NotFound, Unavailable
from volundr.domain.identity import AuthorizationPort, Credentials, IdentityPort, Principal, Resource, Whose, own
from volundr.domain.roles import ACTIONS

COOKIE = "volundr"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
SESSION_PATH = re.compile(r"/(?:api/v1/sessions|s)/([0-9a-fA-F-]{36})(?:/|$)")
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}

type Headers = Sequence[tuple[bytes, bytes]]
"""As ASGI has them: names in lower case."""


class Unauthenticated(Exception):
    """Nobody is signed in. Not a domain error: only HTTP has this answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a request is not let in, as the problem document that answers it."""

    status: int
    detail: str
    hint: str = ""

    @property
    def title(self) -> str:
        return HTTPStatus(self.status).phrase

    def body(self) -> bytes:
        problem: dict[str, Any] = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        return json.dumps(problem | ({"hint": self.hint} if self.hint else {})).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The names under which browsers may know us. `hosts` as in a Host header, `origins` as in an Origin header."""

    hosts: frozenset[str]
    origins: frozenset[str]
    shown: str = ""

    @property
    def url(self) -> str:
        """The address to show to a person."""
        if self.shown:
            return self.shown
        return min(self.origins, key=lambda origin: (not origin.startswith("http://localhost"), origin))


def local_site(port: int, extra: Iterable[str] = ()) -> Site:
    """This machine's names for itself, and `extra` Host values (`forge.example:8443`) that a person configured."""
    own = [name if port == 80 else f"{name}:{port}" for name in ("localhost", "127.0.0.1", "[::1]")]
    more = [host.lower() for host in extra]
    origins = [f"http://{host}" for host in own + more] + [f"https://{host}" for host in more]
    return Site(hosts=frozenset(own + more), origins=frozenset(origins))


def unavailable(error: Unavailable) -> Refusal:
    """Who asks cannot be found out now: nobody gets in."""
    return Refusal(status=503, detail=str(error), hint=error.hint)


def server_site(port: int, names: Iterable[str], public: Sequence[str]) -> Site:
    """What a server may be called: the machine's names at this port, and the `public` URLs that somebody set.

    Raises Invalid for one that is no address of a whole site.
    """
    own = local_site(port, [name if port == 80 else f"{name}:{port}" for name in names])
    hosts, origins = set(own.hosts), set(own.origins)
    for url in public:
        found = urlsplit(url.rstrip("/").lower())
        if found.scheme not in {"http", "https"} or not found.netloc or found.path or found.query or "@" in found.netloc:
            raise Invalid(f"{url!r} in server.public_urls is not the address of a site.", hint="https://forge.example.com")
        hosts.add(found.netloc)
        origins.add(f"{found.scheme}://{found.netloc}")
    return Site(hosts=frozenset(hosts), origins=frozenset(origins), shown=public[0].rstrip("/") if public else "")


def check_host(headers: Headers, site: Site) -> Refusal | None:
    """A page of another domain that points its DNS at 127.0.0.1 sends its own name as Host: turn it away."""
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) == 1 and hosts[0].decode("latin-1").lower() in site.hosts:
        return None
    return Refusal(
        status=421,
        detail="This forge does not answer to the host name of this request.",
        hint=f"Open {site.url} instead.",
    )


def check_origin(headers: Headers, site: Site, *, needed: bool) -> Refusal | None:
    """No page but ours may send anything. `needed`: the request must prove where it comes from, not just not lie about it."""
    origins = [value for name, value in headers if name == b"origin"]
    fetched_from = _only(headers, b"sec-fetch-site")
    foreign = fetched_from in {b"cross-site", b"same-site"} and _only(headers, b"sec-fetch-mode") != b"navigate"
    if foreign or any(origin.decode("latin-1").lower() not in site.origins for origin in origins):
        return Refusal(status=403, detail="This request was sent by a page that is not the forge's own.")
    if needed and not origins and fetched_from != b"same-origin":
        return Refusal(
            status=403,
            detail="A request with the login cookie must say which page it comes from.",
            hint="Scripts use the token file instead: Authorization: Bearer <token>.",
        )
    return None


def credentials(headers: Headers, path: str) -> Credentials | None:
    """What the caller shows us. A bearer token wins: it was sent on purpose, the cookie is sent by every tab."""
    authorization = _only(headers, b"authorization")
    named = SESSION_PATH.match(path)
    if authorization is not None:
        scheme, _, value = authorization.decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            return None
        session_id = named[1].lower() if named else ""
        return Credentials(kind="bearer", value=value.strip(), session_id=session_id, tenant_id=_tenant(headers))
    for name, line in headers:
        if name == b"cookie":
            for pair in line.decode("latin-1").split(";"):
                key, _, content = pair.strip().partition("=")
                if key == COOKIE:
                    return Credentials(kind="cookie", value=content, tenant_id=_tenant(headers))
    return None


def _tenant(headers: Headers) -> str:
    """The tenant the caller wants to act in: header `Volundr-Tenant`."""
    return (_only(headers, b"volundr-tenant") or b"").decode("latin-1")[:200]


def _only(headers: Headers, wanted: bytes) -> bytes | None:
    return next((value for name, value in headers if name == wanted), None)


class SecurityMiddleware:
    """Checks Host and Origin, finds out who asks (`scope["state"]["principal"]`), and adds the headers every answer carries.

    Who asks may be nobody: the login page has to be served to them too. Routes say what they need with `allowed`.
    """

    def __init__(self, app: ASGIApp, *, site: Site, identity: IdentityPort) -> None:
        self._app = app
        self._site = site
        self._identity = identity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        headers: Headers = scope["headers"]
        shown = credentials(headers, scope["path"])
        by_cookie = shown is not None and shown.kind == "cookie"
        changes = scope["type"] == "websocket" or scope["method"] not in SAFE
        refusal = check_host(headers, self._site) or check_origin(headers, self._site, needed=by_cookie and changes)
        if refusal is not None:
            await refuse(scope, send, refusal)
            return
        try:
            scope.setdefault("state", {})["principal"] = await self._identity.identify(shown) if shown else None
        except Unavailable as error:
            await refuse(scope, send, unavailable(error))
            return
        await self._app(scope, receive, _with_headers(send, private=scope["path"].startswith("/api/")))


def _with_headers(send: Send, *, private: bool) -> Send:
    async def sender(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            if private:
                headers.setdefault("cache-control", "no-store")
        await send(message)

    return sender


async def refuse(scope: Scope, send: Send, refusal: Refusal) -> None:
    """Answer with the refusal. The connection is closed: what else is on it was not looked at."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 4403})
        return
    body = refusal.body()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", b"%d" % len(body)), (b"connection", b"close")]
    if refusal.status == HTTPStatus.UNAUTHORIZED:
        headers.append((b"www-authenticate", b'Bearer realm="volundr"'))
    headers += [(name.encode(), value.encode()) for name, value in HEADERS.items()]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


UNAUTHENTICATED = Refusal(
    status=401,
    detail="You are not signed in.",
    hint="Open the login link that `volundr up` prints; run it again to get a new one.",
)


def install(app: FastAPI, *, site: Site, identity: IdentityPort, authorization: AuthorizationPort) -> None:
    """Put the middleware in front of the app and make `principal` and `allowed` work in its routes."""
    app.state.authorization = authorization
    app.state.site = site
    app.add_middleware(SecurityMiddleware, site=site, identity=identity)
    app.add_exception_handler(Unauthenticated, _unauthenticated)


async def _unauthenticated(_: Request, __: Exception) -> Response:
    return Response(
        UNAUTHENTICATED.body(),
        status_code=401,
        media_type="application/problem+json",
        headers={"www-authenticate": 'Bearer realm="volundr"'},
    )


async def principal(request: Request) -> Principal:
    """The person who asks. Raises Unauthenticated for nobody, Forbidden for a pod: pods only get in where `allowed` lets them."""
    who = caller(request)
    if who.kind != "user":
        raise Forbidden("A session's own key does not open this.")
    return who


def allowed(action: str) -> Callable[[Request], Awaitable[Principal]]:
    """A dependency that hands the route its caller if they may do this at all, to what is theirs.

    For what belongs to somebody, the route (or `session_for`) asks again with `permit`, once it has loaded it. A pod
    that reports is held to the session that the path names.
    """
    if action not in ACTIONS:
        raise KeyError(f"{action} is not in domain/roles.py")

    async def decide(request: Request) -> Principal:
        who = caller(request)
        named = request.path_params.get("session_id")
        resource = Resource(kind="session", id=str(named)) if who.kind == "pod" and named else None
        authorization: AuthorizationPort = request.app.state.authorization
        if not await authorization.allows(who, action, resource):
            raise Forbidden(f"You may not do this here ({action}).")
        return who

    return decide


async def permit(request: Request, action: str, resource: Resource) -> None:
    """Let the caller do this to that resource, or raise: NotFound for what they may not even see, else Forbidden."""
    who = caller(request)
    authorization: AuthorizationPort = request.app.state.authorization
    if await authorization.allows(who, action, resource):
        return
    reading = f"{resource.kind}.read"
    if reading != action and await authorization.allows(who, reading, resource):
        raise Forbidden(f"You may not do this here ({action}).")
    raise NotFound(f"There is no such {resource.kind.replace('_', ' ')}.")


async def whose(
    request: Request,
    owner: Annotated[
        Literal["me", "all"], Query(description="`all`: of everybody in the tenant, for its administrators.")
    ] = "me",
) -> Whose:
    """Which rows a list may show to the caller."""
    who = caller(request)
    if owner == "me":
        return own(who)
    authorization: AuthorizationPort = request.app.state.authorization
    if not await authorization.allows(who, "owner.all"):
        raise Forbidden("Only an administrator sees what others have.", hint="Leave out `owner`.")
    return Whose(tenant_id=who.tenant_id)


WhoseRows = Annotated[Whose, Depends(whose)]


def caller(request: Request) -> Principal:
    """Who asks, person or pod. Raises Unauthenticated for nobody, Forbidden for who is suspended."""
    who: Principal | None = request.scope.get("state", {}).get("principal")
    if who is None:
        raise Unauthenticated
    if who.suspended:
        raise Forbidden("Your account is suspended.", hint="Ask an administrator of your tenant.")
    return who
