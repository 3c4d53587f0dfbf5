"""All routes as one ASGI app, and the house around it."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from volundr import __version__
from volundr.api import errors, idempotency, security
from volundr.api.auditing import Audited
from volundr.api.metered import Metered
from volundr.api.routes import EARLY, TABLE
from volundr.api.security import Site
from volundr.api.segments import Segments
from volundr.domain.audit import AuditLog
from volundr.domain.identity import AuthorizationPort, IdentityPort
from volundr.domain.metrics import Meter


def build_api(
    services: Mapping[type, Any], site: Site, identity: IdentityPort, authorization: AuthorizationPort, limit: int
) -> FastAPI:
    """The API over these services, which routes find by their type. `limit` is what a body may have, in bytes."""
    app = FastAPI(
        title="Volundr",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.services = services
    app.state.site = site
    errors.install(app)
    app.add_middleware(idempotency.IdempotentPosts, services=services)
    app.add_middleware(errors.Answered)
    app.add_middleware(errors.BodyLimit, limit=limit)
    app.add_middleware(Audited, audit=services.get(AuditLog))
    security.install(app, site=site, identity=identity, authorization=authorization)
    app.add_middleware(Metered, meter=services.get(Meter) or Meter())
    app.router.default = app.state.segments = Segments(TABLE, EARLY, app.router.default)
    return app


class Rooms:
    """Leads a request to the API, the gateway or the web UI by the first part of its path."""

    def __init__(self, api: ASGIApp, webui: ASGIApp, gateway: ASGIApp) -> None:
        self._rooms = {"api": api, "healthz": api, "readyz": api, "metrics": api, "s": gateway}
        self._webui = webui

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        first = scope["path"].split("/", 2)[1] if scope["type"] == "http" else ""
        await self._rooms.get(first, self._webui)(scope, receive, send)
