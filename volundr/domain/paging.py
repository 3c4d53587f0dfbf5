"""Lists come in pages. A page is asked for with a cursor, never with an offset: rows that come and go move nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from volundr.domain.errors import Invalid

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


def page_of[N](items: Sequence[N], request: PageRequest, key: Callable[[N], str], field: str = "name") -> Page[N]:
    """A page of a list that is all in memory, in the order of its keys. `field`: what the list calls the key.

    The cursor is the last key of the page before. Raises Invalid for another sort.
    """
    if request.sort not in {"", field, f"-{field}"}:
        raise Invalid(f"This list cannot be sorted by {request.sort!r}.", hint=f"It can by: {field}.")
    down = request.sort == f"-{field}"
    left = sorted(items, key=key, reverse=down)
    if request.cursor:
        left = [one for one in left if (key(one) < request.cursor if down else key(one) > request.cursor)]
    shown = left[: request.limit]
    return Page(items=shown, next=key(shown[-1]) if len(left) > len(shown) else None)
