"""What is kept of sessions that rest, and what of it may go."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from volundr.domain.chronicles import Chronicle, DraftRepository, words_of
from volundr.domain.errors import Conflict, Invalid, Unavailable
from volundr.domain.identity import Whose
from volundr.domain.paging import PageRequest
from volundr.domain.storage import StoredWorkspace, WorkspaceFilter, WorkspaceService

log = logging.getLogger(__name__)

LOOK_SECONDS = 6 * 3600.0
CHRONICLES_MOST = 1000
PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Expendable:
    """One thing that the policy lets go, of a session that may be gone itself. `size` in bytes."""

    session: str
    name: str
    what: Literal["conversation", "attachments", "chronicle", "workspace"]
    size: int
    reason: str
    problem: str = ""


class Retention(ABC):
    """Lets go of what is kept longer than the settings say. By default nothing ever goes."""

    @abstractmethod
    async def plan(self, tenant_id: str | None = None) -> Sequence[Expendable]:
        """What would go now of this tenant's (None: of all), largest first. Removes nothing."""

    @abstractmethod
    async def apply(self, tenant_id: str | None = None) -> Sequence[Expendable]:
        """Remove that, and say what went; `problem` tells of what could not be removed."""


class Retentions(Retention):
    """Several kinds of things, by the same settings."""

    def __init__(self, parts: Sequence[Retention]) -> None:
        self._parts = parts

    async def plan(self, tenant_id: str | None = None) -> Sequence[Expendable]:
        return _by_size([one for part in self._parts for one in await part.plan(tenant_id)])

    async def apply(self, tenant_id: str | None = None) -> Sequence[Expendable]:
        return _by_size([one for part in self._parts for one in await part.apply(tenant_id)])

    async def run(self) -> None:
        """Own this task: applies the policy now and then."""
        while True:
            try:
                gone = await self.apply()
                if gone:
                    log.info("retention applied", extra={"removed": sum(not one.problem for one in gone)})
            except (Unavailable, TimeoutError) as error:
                log.warning("retention not applied", extra={"cause": str(error)})
            await asyncio.sleep(LOOK_SECONDS)


class ChronicleRetention(Retention):
    """Complete chronicles that nobody touched for so many days, once their session is gone or archived."""

    def __init__(self, drafts: DraftRepository, days: float) -> None:
        self._drafts = drafts
        self._days = days

    async def plan(self, tenant_id: str | None = None) -> Sequence[Expendable]:
        before = self._before()
        return _by_size(
            [self._shown(one) for one in await self._drafts.old(before, tenant_id, CHRONICLES_MOST)] if before else []
        )

    async def apply(self, tenant_id: str | None = None) -> Sequence[Expendable]:
        before = self._before()
        if before is None:
            return []
        found = await self._drafts.old(before, tenant_id, CHRONICLES_MOST)
        return _by_size([self._shown(one) for one in found if await self._drafts.forget(one.id, before)])

    def _before(self) -> datetime | None:
        return datetime.now(UTC) - timedelta(days=self._days) if self._days else None

    def _shown(self, chronicle: Chronicle) -> Expendable:
        reason = f"untouched since {chronicle.updated_at:%Y-%m-%d}, kept for {self._days:g} days"
        size = len(words_of(chronicle).encode())
        return Expendable(session=str(chronicle.origin), name=chronicle.name, what="chronicle", size=size, reason=reason)


class WorkspaceRetention(Retention):
    """Workspaces of sessions that do not run, and those without one, that nobody used for so many days.

    Another server's are that one's to remove.
    """

    def __init__(self, workspaces: WorkspaceService, days: float) -> None:
        self._workspaces = workspaces
        self._days = days

    async def plan(self, tenant_id: str | None = None) -> Sequence[Expendable]:
        return _by_size([self._shown(one) for one in await self._old(tenant_id)])

    async def apply(self, tenant_id: str | None = None) -> Sequence[Expendable]:
        return _by_size([await self._gone(one) for one in await self._old(tenant_id)])

    async def _gone(self, stored: StoredWorkspace) -> Expendable:
        shown = self._shown(stored)
        try:
            await self._workspaces.remove(stored)
        except (Conflict, Invalid, Unavailable) as error:
            return replace(shown, problem=str(error))
        return shown

    async def _old(self, tenant_id: str | None) -> Sequence[StoredWorkspace]:
        if not self._days:
            return ()
        before, found = datetime.now(UTC) - timedelta(days=self._days), list[StoredWorkspace]()
        here = await self._workspaces.here()
        whose = None if tenant_id is None else Whose(tenant_id=tenant_id)
        for status in ("resting", "orphaned"):
            cursor: str | None = ""
            while cursor is not None:
                wanted = PageRequest(cursor=cursor, limit=PAGE, sort="last_used")
                page = await self._workspaces.list(WorkspaceFilter(whose=whose, status=status), wanted)
                old = [one for one in page.items if one.last_used < before]
                found += [one for one in old if one.id in here]
                cursor = page.next if len(old) == len(page.items) else None
        return found

    def _shown(self, stored: StoredWorkspace) -> Expendable:
        reason = f"unused since {stored.last_used:%Y-%m-%d}, kept for {self._days:g} days"
        return Expendable(session=str(stored.id), name=stored.name, what="workspace", size=max(0, stored.size), reason=reason)


def _by_size(found: Sequence[Expendable]) -> Sequence[Expendable]:
    return sorted(found, key=lambda one: (-one.size, one.session, one.what))
