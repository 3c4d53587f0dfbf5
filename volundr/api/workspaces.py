"""/workspaces: the folders that were made for sessions"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field

from volundr.api.deps import service
from volundr.api.lists import Asked, PageOut
from volundr.api.security import WhoseRows, allowed, permit
from volundr.api.strict import Shown, Text
from volundr.domain.errors import NotFound
from volundr.domain.identity import Principal
from volundr.domain.storage import (
    StoredWorkspace,
    WorkspaceFilter,
    WorkspaceService,
    WorkspaceStatus,
    of_workspace,
)

router = APIRouter(prefix="/api/v1/workspaces", tags=["Workspaces"])

Workspaces = Annotated[WorkspaceService, Depends(service(WorkspaceService))]
Reader = Annotated[Principal, Depends(allowed("workspace.read"))]
Writer = Annotated[Principal, Depends(allowed("workspace.write"))]


class WorkspaceOut(Shown):
    id: UUID = Field(description="That of its session.")
    owner_id: str
    name: str = Field(description="Its session's name.")
    status: WorkspaceStatus = Field(
        description="`used`: its session runs; `resting`: it does not; `orphaned`: there is no such session any more."
    )
    path: str
    branch: str
    source_type: Literal["git", "local", "empty"]
    size: int | None = Field(description="Bytes on the disk when it was measured; null: not yet.")
    measured_at: datetime | None
    last_used: datetime


class WorkspacePage(PageOut[WorkspaceOut]):
    pass


class SnapshotOut(Shown):
    kept: Literal["commit", "bundle", "copy"]
    name: str = Field(description="A ref of the repository, or a file of the forge's machine.")
    restore: str = Field(description="The command that brings it back.")


class RemovedOut(Shown):
    there: bool = Field(description="False: its folder was gone already.")
    snapshot: SnapshotOut | None = Field(description="Where that of it is which is nowhere else; null: there was no such thing.")


async def _readable(request: Request, _: Reader, workspaces: Workspaces, workspace_id: UUID) -> StoredWorkspace:
    found = await workspaces.get(workspace_id)
    await permit(request, "workspace.read", of_workspace(found))
    return found


async def _writable(request: Request, _: Writer, workspaces: Workspaces, workspace_id: UUID) -> StoredWorkspace:
    found = await workspaces.get(workspace_id)
    await permit(request, "workspace.write", of_workspace(found))
    return found


@router.get("")
async def list_workspaces(
    _: Reader,
    workspaces: Workspaces,
    whose: WhoseRows,
    page: Asked,
    status: Annotated[WorkspaceStatus | None, Query()] = None,
    q: Annotated[Text, Query(max_length=200, description="In the name, the branch or the path.")] = "",
) -> WorkspacePage:
    """Used last first. Folders that sessions use in place are people's own and not in it."""
    found = await workspaces.list(WorkspaceFilter(whose=whose, status=status, q=q), page)
    return WorkspacePage(items=[_out(one) for one in found.items], next=found.next)


@router.get("/{workspace_id}")
async def get_workspace(stored: Annotated[StoredWorkspace, Depends(_readable)]) -> WorkspaceOut:
    return _out(stored)


@router.post("/{workspace_id}/snapshot", status_code=201)
async def snapshot_workspace(stored: Annotated[StoredWorkspace, Depends(_writable)], workspaces: Workspaces) -> SnapshotOut:
    """Keep what is in it now, also what is in no commit; what git ignores is left out. It stays as it is."""
    return SnapshotOut.model_validate(await workspaces.snapshot(stored))


@router.delete("/{workspace_id}")
async def delete_workspace(request: Request, _: Writer, workspaces: Workspaces, workspace_id: UUID) -> RemovedOut:
    """What is nowhere else is kept, and the answer says where. Its session stays, and begins anew from its source."""
    try:
        stored = await workspaces.get(workspace_id)
        await permit(request, "workspace.write", of_workspace(stored))
    except NotFound:
        return RemovedOut(there=False, snapshot=None)
    return RemovedOut.model_validate(await workspaces.remove(stored))


def _out(stored: StoredWorkspace) -> WorkspaceOut:
    return WorkspaceOut(
        id=stored.id,
        owner_id=stored.owner_id,
        name=stored.name,
        status=stored.status,
        path=stored.path,
        branch=stored.branch,
        source_type=stored.source.type,
        size=None if stored.size < 0 else stored.size,
        measured_at=stored.measured_at,
        last_used=stored.last_used,
    )
