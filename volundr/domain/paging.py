"""Lists come in pages. A page is asked for with a cursor, never with an offset: rows that come and go move nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

LIMIT_MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """`cursor`: `Page.next` of the page before, "" for the first. `sort`: a field of the list, `-field` for descending,
    "" for the list's own order."""

    cursor: str = ""
    limit: int = 50
    sort: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page[T]:
    """`next` is the cursor of the following page, None at the end."""

    items: Sequence[T]
    next: str | None = None
