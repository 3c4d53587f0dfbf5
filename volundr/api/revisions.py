"""ETag and If-Match: an update says which state it was made from, and is refused when there is another by now.

An entity tag is the revision in quotes. Without If-Match the last writer wins, as HTTP has it.
"""

import re
from typing import Annotated

from fastapi import Depends, Header
from starlette.responses import Response

from volundr.domain.errors import Invalid

_TAG = re.compile(r'(?:W/)?"(\d{1,15})"')


async def if_match(
    if_match: Annotated[str, Header(description='The `ETag` of what you change: `"<revision>"`; `*` for any.')] = "",
) -> int | None:
    """The revision that the caller saw; None when they do not say."""
    if if_match in {"", "*"}:
        return None
    found = _TAG.fullmatch(if_match.strip())
    if found is None:
        raise Invalid(f"If-Match must be the ETag of an earlier answer, not {if_match!r}.")
    return int(found[1])


IfMatch = Annotated[int | None, Depends(if_match)]


def tag(response: Response, revision: int) -> None:
    """Give this answer its ETag."""
    response.headers["etag"] = f'"{revision}"'
