"""`/s/{id}/changes`: what the agent changed, as diffs."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from volundr.broker.changes import LAST_COMMIT, Changes, FilePatch, changes, file_patch
from volundr.broker.files.roots import Access, root_folder
from volundr.broker.repository import Repository, open_repository
from volundr.broker.routes.entry import Entered

router = APIRouter(prefix="/s/{session_id}", tags=["Session changes"])


async def repository_of(broker: Entered) -> Repository | None:
    """The repository of the workspace; None when it has none."""
    spec = broker.spec
    return await open_repository(root_folder("workspace", spec.workspace, spec.env, Access()), spec.env)


type InRepository = Annotated[Repository | None, Depends(repository_of)]
type Against = Annotated[str, Query(min_length=1, max_length=250)]


@router.get("/changes", name="skuld_changes")
async def list_changes(repository: InRepository, against: Against = LAST_COMMIT) -> Changes:
    """The changed files. `against`: `last_commit`, `default_branch` (since it was left) or any branch, tag or commit."""
    return await changes(repository, against)


@router.get("/changes/file", name="skuld_changed_file")
async def changed_file(repository: InRepository, path: str, against: Against = LAST_COMMIT, whole: bool = False) -> FilePatch:
    """The patch of one file. One that is `large` is "" unless `whole`, and never longer than 20 MiB."""
    return await file_patch(repository, against, path, whole=whole)
