"""`/s/{id}/git`: history, state and names of the workspace's repository."""

from typing import Annotated

from fastapi import APIRouter, Query

from volundr.broker.commits import Commits, GitState, Refs, commits, refs, state
from volundr.broker.routes.changes import InRepository

router = APIRouter(prefix="/s/{session_id}/git", tags=["Session changes"])


@router.get("/log", name="skuld_git_log")
async def git_log(
    repository: InRepository, path: str = "", cursor: str = "", limit: Annotated[int, Query(ge=1, le=500)] = 50
) -> Commits:
    """The commits of the workspace, or of a file or folder in it, newest first."""
    return await commits(repository, path, cursor, limit)


@router.get("/state", name="skuld_git_state")
async def git_state(repository: InRepository) -> GitState:
    """Branch, commit, upstream, and whether anything is not committed."""
    return await state(repository)


@router.get("/refs", name="skuld_git_refs")
async def git_refs(repository: InRepository) -> Refs:
    """Branches and tags, newest first, and the default branch."""
    return await refs(repository)
