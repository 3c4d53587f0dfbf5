"""`/s/{id}/search`: find a line or a file."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from volundr.broker.files.roots import RootName
from volundr.broker.files.search import SearchResult, Wanted, search_contents, search_names
from volundr.broker.routes.entry import Entered
from volundr.broker.routes.files import find_root

router = APIRouter(prefix="/s/{session_id}", tags=["Session files"])


class SearchFor(BaseModel):
    """What to search. `include`: patterns like `*.py,docs`."""

    root: RootName = "workspace"
    q: str = Field(min_length=1, max_length=1000)
    kind: Literal["content", "name"] = "content"
    regex: bool = False
    case: bool = False
    include: str = Field(default="", max_length=1000)
    limit: int = Field(default=200, ge=1, le=2000)


@router.get("/search", name="skuld_search")
async def search(request: Request, broker: Entered, asked: Annotated[SearchFor, Query()]) -> SearchResult:
    """Lines (`content`) or files (`name`). Ignored and binary files are left out; at most ten seconds."""
    wanted = Wanted(text=asked.q, regex=asked.regex, case=asked.case, include=asked.include, limit=asked.limit)
    find = search_names if asked.kind == "name" else search_contents
    return await find(find_root(request, broker, asked.root), broker.spec.env, wanted)
