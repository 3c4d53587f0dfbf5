"""The OpenAPI document: our routes, and beside them what Skuld serves and the frames it speaks."""

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from volundr.api.errors import Problem
from volundr.api.routes import routers
from volundr.api.segments import together

REF = "#/components/schemas/{model}"


def install(app: FastAPI, also: Callable[[], tuple[Sequence[Any], Sequence[APIRouter]]]) -> None:
    """Make `app.openapi()` describe also these frame unions, and routers that another process serves; asked when it is read."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            frames_from, more = also()
            routes = [*together(routers()).routes, *(route for router in more for route in router.routes)]
            found = get_openapi(title=app.title, version=app.version, routes=routes, description=DESCRIPTION)
            schemas = found.setdefault("components", {}).setdefault("schemas", {})
            schemas["Problem"] = Problem.model_json_schema(ref_template=REF)
            schemas.update(schemas["Problem"].pop("$defs"))
            for union in frames_from:
                schema = TypeAdapter(union).json_schema(ref_template=REF)
                schemas.update(schema.pop("$defs", {}))
                schemas[getattr(union, "__name__", "Frame")] = schema
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


DESCRIPTION = """A self-hosted forge for AI coding agents.

`Record`, `Live` and `FromClient` are the frames of a session's socket, `/s/{session_id}/ws/chat`; see docs/reference/wire.md."""
