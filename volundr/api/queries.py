"""Query parameters read as one model: for lists that are asked for all the time, where FastAPI's own way, parameter by
parameter, would cost more than the list."""

from collections.abc import Callable
from typing import Any, get_origin

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError


def reading[M: BaseModel](model: type[M]) -> Callable[[Request], M]:
    """What reads the query of a request as this model. Unknown parameters are ignored, as everywhere.

    Raises what FastAPI raises, so that wrong ones are answered the same.
    """
    several = {name for name, field in model.model_fields.items() if get_origin(field.annotation) is list}

    def read(request: Request) -> M:
        query = request.query_params
        values: dict[str, Any] = {name: query.getlist(name) if name in several else query[name] for name in query}
        try:
            return model.model_validate(values)
        except ValidationError as error:
            raise RequestValidationError([{**one, "loc": ("query", *one["loc"])} for one in error.errors()]) from error

    return read


def documented(model: type[BaseModel]) -> dict[str, Any]:
    """The parameters for a route's `openapi_extra`."""
    schema = model.model_json_schema()
    known = schema.get("$defs", {})
    found = [
        {"name": name, "in": "query", "required": False, "schema": _whole(one, known)}
        for name, one in schema["properties"].items()
    ]
    return {"parameters": found}


def _whole(schema: Any, known: dict[str, Any]) -> Any:
    """With what it refers to in its place: FastAPI does not know of these models."""
    match schema:
        case {"$ref": str(name)}:
            return _whole(known[name.rpartition("/")[2]], known)
        case dict():
            return {key: _whole(value, known) for key, value in schema.items()}
        case list():
            return [_whole(one, known) for one in schema]
        case _:
            return schema
