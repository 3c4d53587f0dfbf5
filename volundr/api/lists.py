"""How every list is asked for and answered: `cursor`, `limit`, `sort`; `items` and `next`."""

from typing import Annotated

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from volundr.domain.paging import LIMIT_MOST, Page, PageRequest


async def page_request(
    cursor: Annotated[str, Query(max_length=1000, description="`next` of the page before; empty for the first.")] = "",
    limit: Annotated[int, Query(ge=1, le=LIMIT_MOST)] = 50,
    sort: Annotated[str, Query(max_length=64, description="A field of the items, `-field` for descending.")] = "",
) -> PageRequest:
    return PageRequest(cursor=cursor, limit=limit, sort=sort)


Asked = Annotated[PageRequest, Depends(page_request)]


class PageOut[T](BaseModel):
    """Subclass it for each list, so that the list has a name in the document: `class PromptPage(PageOut[PromptOut])`."""

    items: list[T]
    next: str | None = Field(description="Give this as `cursor` for the following page; null at the end.")

    @classmethod
    def of[M](cls, page: Page[M]) -> "PageOut[T]":
        """The page with each item read from its object of the domain."""
        return cls.model_validate({"items": list(page.items), "next": page.next}, from_attributes=True)
