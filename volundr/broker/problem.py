"""Errors as Skuld answers them: problem details, RFC 9457."""

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from volundr.domain.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable, VolundrError

_STATUS: Mapping[type[VolundrError], HTTPStatus] = {
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    Forbidden: HTTPStatus.FORBIDDEN,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}


def answer(error: VolundrError) -> Response:
    return _told(_STATUS.get(type(error), HTTPStatus.INTERNAL_SERVER_ERROR), str(error), error.hint)


async def of_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, VolundrError)
    return answer(error)


async def of_request(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:3])
    return _told(HTTPStatus.UNPROCESSABLE_ENTITY, f"This request cannot be read: {told}.", "")


def _told(status: HTTPStatus, detail: str, hint: str) -> Response:
    problem = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    return JSONResponse(problem | ({"hint": hint} if hint else {}), status, media_type="application/problem+json")
