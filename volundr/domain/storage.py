"""Where workspaces lie: how large they are, whose they are, snapshots of them, and how they go."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from volundr.domain.errors import Conflict, NotFound
from volundr.domain.identity import Resource, Whose
from volundr.domain.paging import Page, PageRequest
from volundr.domain.sessions.model import EmptySource, Session, Source, Status
from volundr.domain.sessions.ports import SessionGate, SessionRepository
from volundr.domain.tenants import Tenant, TenantRepository

type WorkspaceStatus = Literal["used", "resting", "orphaned"]

GIB = 2**30
MEASURE_AGAIN = timedelta(days=1)
"""A workspace that nobody used is measured again after this time; one that was used, soon after."""
AT_ONCE = 100
ATTEMPTS = 5
"""To write to a session that others write to at the same time."""
_IDLE = frozenset({Status.CREATED, Status.STOPPED, Status.FAILED, Status.ARCHIVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredWorkspace:
    """A folder that was made for a session; its `id` is the session's.

    `used`: the session runs or is on its way; `resting`: it does not; `orphaned`: there is no such session any more. `size` is
    what was measured at `measured_at`, in bytes; -1 before. Folders that sessions use in place are people's own and none of it.
    """

    id: UUID
    tenant_id: str
    owner_id: str
    name: str
    status: WorkspaceStatus
    path: str
    branch: str
    source: Source
    size: int
    measured_at: datetime | None
    last_used: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceFilter:
    """All that is said must hold; `q` is looked for in the name, the branch and the path."""

    whose: Whose | None = None
    status: WorkspaceStatus | None = None
    q: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is in a workspace, kept apart from it. `restore` is the command that brings it back, for people."""

    kept: Literal["commit", "bundle", "copy"]
    name: str
    restore: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """How a workspace went. `snapshot`: where that of it is which is nowhere else; None when there was no such thing."""

    there: bool
    snapshot: Snapshot | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFolder:
    """A workspace's folder as it lies in the storage, whoever knows of it."""

    id: UUID
    path: str
    used_at: datetime


class StoragePort(ABC):
    """Where workspaces lie, one a session, and the homes of people. Never deletes what is nowhere else: it keeps it first.

    Nothing here is done to a folder that somebody else makes or removes at the same time; `idle` is asked once nobody can.
    """

    @abstractmethod
    async def found(self) -> Sequence[FoundFolder]:
        """Every workspace there is in this storage."""

    @abstractmethod
    async def measure(self, workspace_id: UUID) -> int | None:
        """Bytes on the disk; None when it is not in this storage."""

    @abstractmethod
    async def snapshot(self, session: Session) -> Snapshot:
        """Keep what is in the session's workspace now, also what is in no commit. The workspace stays as it is.

        What git ignores is not kept. Raises Conflict when there is no workspace.
        """

    @abstractmethod
    async def remove(self, session: Session, idle: Callable[[], Awaitable[bool]]) -> Removed | None:
        """Remove the session's workspace, unless it is not `idle`: then None, and nothing was done."""

    @abstractmethod
    async def remove_orphan(self, workspace_id: UUID, name: str, idle: Callable[[], Awaitable[bool]]) -> Removed | None:
        """The same for a workspace whose session is gone."""

    @abstractmethod
    async def home(self, owner_id: str) -> str:
        """The folder that is this person's home in every session of theirs."""


class WorkspaceRepository(ABC):
    """Knows which workspaces there are, and how large they were."""

    @abstractmethod
    async def list(self, chosen: WorkspaceFilter, page: PageRequest) -> Page[StoredWorkspace]:
        """Used last first unless `page` says otherwise. Raises Invalid for a cursor or a sort that is not ours."""

    @abstractmethod
    async def get(self, workspace_id: UUID) -> StoredWorkspace | None: ...

    @abstractmethod
    async def stale(self, before: datetime, limit: int) -> Sequence[StoredWorkspace]:
        """Those that were never measured, were used since, or were measured before; the longest ago first."""

    @abstractmethod
    async def measured(self, workspace: StoredWorkspace, size: int) -> None:
        """Keep how large it is now. For one that nobody knew: a workspace without a session."""

    @abstractmethod
    async def forget(self, workspace_id: UUID) -> None:
        """It is gone. What is known of others whose session is gone too, and which are no orphans, goes with it."""

    @abstractmethod
    async def without_session(self, ids: Sequence[UUID]) -> Sequence[UUID]:
        """Those of these that no session is called."""

    @abstractmethod
    async def orphans(self) -> Sequence[UUID]:
        """Those that are kept as orphaned."""

    @abstractmethod
    async def taken(self, tenant_path: str) -> int:
        """Bytes that the workspaces of the tenant with this path and of those below it had when they were measured."""


def of_workspace(workspace: StoredWorkspace) -> Resource:
    """What an action on this workspace is done to."""
    return Resource(kind="workspace", id=str(workspace.id), owner_id=workspace.owner_id, tenant_id=workspace.tenant_id)


class WorkspaceService:
    """Lists, measures, snapshots and removes workspaces. Whoever calls has checked that the caller may.

    `orphans_are`: the tenant and the owner of a folder that no session knows.
    """

    def __init__(
        self, storage: StoragePort, workspaces: WorkspaceRepository, sessions: SessionRepository, orphans_are: tuple[str, str]
    ) -> None:
        self._storage = storage
        self._workspaces = workspaces
        self._sessions = sessions
        self._orphans_are = orphans_are

    async def list(self, chosen: WorkspaceFilter, page: PageRequest) -> Page[StoredWorkspace]:
        return await self._workspaces.list(chosen, page)

    async def get(self, workspace_id: UUID) -> StoredWorkspace:
        found = await self._workspaces.get(workspace_id)
        if found is None:
            raise NotFound("There is no such workspace.")
        return found

    async def snapshot(self, stored: StoredWorkspace) -> Snapshot:
        return await self._storage.snapshot(as_session(stored))

    async def remove(self, stored: StoredWorkspace) -> Removed:
        """The session stays, and begins anew from its source when it is started again. Raises Conflict while it is used."""
        if stored.status == "orphaned":
            removed = await self._storage.remove_orphan(stored.id, stored.name, lambda: self._has_no_session(stored.id))
        else:
            session = await self._sessions.get(stored.id)
            if session is not None and (other := await self._sessions.shares(session)) is not None:
                raise Conflict(f"Session {other.name!r} works in this folder too.", hint=f"Delete {other.name!r} first.")
            removed = await self._storage.remove(session or as_session(stored), lambda: self._rests(stored.id))
        if removed is None:
            raise Conflict(f"Session {stored.name!r} uses this workspace.", hint="Stop the session first.")
        if stored.status != "orphaned":
            await self._has_none(stored.id)
        await self._workspaces.forget(stored.id)
        return removed

    async def _has_none(self, session_id: UUID) -> None:
        """Unless it was started meanwhile: then it has a new one."""
        for _ in range(ATTEMPTS):
            session = await self._sessions.get(session_id)
            if session is None or session.status not in _IDLE or not session.workspace:
                return
            if await self._sessions.update(session_id, {"workspace": ""}, session.revision) is not None:
                return

    async def here(self) -> frozenset[UUID]:
        """Those that lie in this storage: another server of the same database has its own."""
        return frozenset(folder.id for folder in await self._storage.found())

    async def look(self, now: datetime | None = None) -> int:
        """Find what no session knows, and measure what was used or not measured for long. Returns how many were measured."""
        await self._find_orphans()
        measured = 0
        for stored in await self._workspaces.stale((now or datetime.now(UTC)) - MEASURE_AGAIN, AT_ONCE):
            size = await self._storage.measure(stored.id)
            if size is not None:
                await self._workspaces.measured(stored, size)
                measured += 1
        return measured

    async def _find_orphans(self) -> None:
        found = {folder.id: folder for folder in await self._storage.found()}
        tenant, owner = self._orphans_are
        for workspace_id in await self._workspaces.without_session(list(found)):
            folder = found[workspace_id]
            orphan = StoredWorkspace(
                id=workspace_id,
                tenant_id=tenant,
                owner_id=owner,
                name=str(workspace_id),
                status="orphaned",
                path=folder.path,
                branch="",
                source=EmptySource(),
                size=-1,
                measured_at=None,
                last_used=folder.used_at,
            )
            if (size := await self._storage.measure(workspace_id)) is not None:
                await self._workspaces.measured(orphan, size)
        for workspace_id in await self._workspaces.orphans():
            if workspace_id not in found:
                await self._workspaces.forget(workspace_id)

    async def _rests(self, session_id: UUID) -> bool:
        session = await self._sessions.get(session_id)
        return session is None or session.status in _IDLE

    async def _has_no_session(self, session_id: UUID) -> bool:
        return await self._sessions.get(session_id) is None


def as_session(stored: StoredWorkspace) -> Session:
    """As much of its session as the storage needs to know."""
    return Session(
        id=stored.id,
        name=stored.name,
        agent="",
        source=stored.source,
        workspace=stored.path,
        branch=stored.branch,
        owner_id=stored.owner_id,
        tenant_id=stored.tenant_id,
    )


class StorageQuota(SessionGate):
    """Refuses new and further work in a tenant whose workspaces take more room than it, or one above it, may have."""

    def __init__(self, tenants: TenantRepository, workspaces: WorkspaceRepository) -> None:
        self._tenants = tenants
        self._workspaces = workspaces

    async def admit(self, session: Session, verb: Literal["create", "start"]) -> Session:
        tenant = await self._tenants.get(session.tenant_id)
        for tenant_id in tenant.lineage if tenant else ():
            found = await self._tenants.get(tenant_id)
            if found is not None and found.max_storage_gb is not None:
                await self._check(found, found.max_storage_gb, verb)
        return session

    async def _check(self, tenant: Tenant, most: int, verb: Literal["create", "start"]) -> None:
        taken = await self._workspaces.taken(tenant.path)
        if taken >= most * GIB:
            raise Conflict(
                f"The workspaces of the tenant {tenant.name!r} take {taken / GIB:.1f} GiB of the {most} GiB it may have, "
                f"so no session can be {'created' if verb == 'create' else 'started'}.",
                hint="Delete sessions or workspaces, or ask an administrator for a larger quota (max_storage_gb).",
            )
