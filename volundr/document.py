"""The OpenAPI document: what the forge serves and what Skuld serves, two processes and one contract."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI

from volundr.api import openapi
from volundr.api.http import build_api
from volundr.api.security import local_site
from volundr.domain.roles import AllowAll
from volundr.local.identity import FileLogins, Keys, LocalIdentity


def described(api: FastAPI) -> FastAPI:
    """With Skuld's frames and routes in its OpenAPI document: two processes, one contract."""
    openapi.install(api, _skulds_part)
    return api


def _skulds_part() -> tuple[Sequence[Any], Sequence[APIRouter]]:
    from volundr.broker import frames, manage, records
    from volundr.broker.routes import SESSION_ROUTERS

    return (records.Record, frames.Live, frames.FromClient), (manage.router, *SESSION_ROUTERS)


def openapi_document() -> dict[str, Any]:
    """The API as an OpenAPI document; needs no database and no home."""
    nothing = Keys(master="", token="")
    identity = LocalIdentity(nothing, FileLogins(Path("/nonexistent")))
    return dict(described(build_api({}, local_site(8080), identity, AllowAll(), 0)).openapi())
