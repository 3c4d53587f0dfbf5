"""Who asked for which change, and what came of it: written down for administrators, and never changed."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from volundr.domain.errors import Unavailable
from volundr.domain.paging import Page, PageRequest

log = logging.getLogger(__name__)

WAITING_MOST = 20_000
"""Entries that may wait while the database is away; beyond it the oldest are lost, and the log says how many."""
AT_ONCE = 500
PAUSE_SECONDS = 0.2
AWAY_SECONDS = 2.0
SWEEP_SECONDS = 6 * 3600.0
CLOSE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One request of a person that would change something, done or refused.

    `action` is its method and route as it is declared; `subject` what the path named (`session_id=…`). Never a body, a query
    or a secret. `actor` is "" for somebody who was not known, as at a login; `via` is what they showed.
    """

    id: UUID = field(default_factory=uuid4)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    tenant_id: str
    actor: str
    via: str
    action: str
    subject: str
    status: int
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """All that is said must hold. `subject` is any of the ids in a path; `refused`: only, or only not, what was refused."""

    tenant_id: str
    actor: str = ""
    action: str = ""
    subject: str = ""
    refused: bool | None = None
    since: datetime | None = None
    until: datetime | None = None


class AuditRepository(ABC):
    """Keeps entries. There is no way to change one."""

    @abstractmethod
    async def add(self, entries: Sequence[AuditEntry]) -> None: ...

    @abstractmethod
    async def list(self, chosen: AuditFilter, page: PageRequest) -> Page[AuditEntry]:
        """Newest first unless `page` says otherwise."""

    @abstractmethod
    async def forget(self, before: datetime, limit: int) -> int:
        """Delete the oldest ones before that time, so many at most; how many went."""


class AuditLog:
    """Takes entries without waiting, and writes them in batches. A graceful end loses none."""

    def __init__(self, entries: AuditRepository, days: float = 0.0) -> None:
        """`days` after which entries go; 0: never."""
        self._entries = entries
        self._days = days
        self._waiting: deque[AuditEntry] = deque()
        self._some = asyncio.Event()
        self.lost = 0

    def note(self, entry: AuditEntry) -> None:
        """Stands in the way of a request: nothing is awaited."""
        if len(self._waiting) >= WAITING_MOST:
            self._waiting.popleft()
            self.lost += 1
            if self.lost == 1 or self.lost % 1000 == 0:
                log.error("audit entries lost: the database is away for too long", extra={"lost": self.lost})
        self._waiting.append(entry)
        self._some.set()

    async def list(self, chosen: AuditFilter, page: PageRequest) -> Page[AuditEntry]:
        await self.flush()
        return await self._entries.list(chosen, page)

    async def run(self) -> None:
        """Own this task: writes what was noted, and forgets what is old."""
        swept = float("-inf")
        loop = asyncio.get_running_loop()
        while True:
            try:
                await asyncio.wait_for(self._some.wait(), SWEEP_SECONDS)
            except TimeoutError:
                self._some.set()  # nothing was noted for long: sweep all the same
            await asyncio.sleep(PAUSE_SECONDS)
            try:
                await self.flush()
                if self._days and loop.time() - swept >= SWEEP_SECONDS:
                    swept = loop.time()
                    await self.sweep()
            except (Unavailable, TimeoutError, OSError) as error:
                log.warning("audit entries wait: the database is away", extra={"cause": str(error), "many": len(self._waiting)})
                await asyncio.sleep(AWAY_SECONDS)

    async def flush(self) -> None:
        """Returns when all that was noted is stored. Who fails puts back what it had."""
        self._some.clear()
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
            try:
                await self._store(batch)
            except BaseException:
                self._waiting.extendleft(reversed(batch))
                self._some.set()
                raise

    async def _store(self, batch: Sequence[AuditEntry]) -> None:
        """An entry that the database refuses is lost alone: those behind it are not kept waiting for ever."""
        try:
            await self._entries.add(batch)
        except (Unavailable, TimeoutError, OSError):
            raise
        except Exception:
            if len(batch) == 1:
                self.lost += 1
                log.exception("audit entry lost: the database refuses it", extra={"id": str(batch[0].id), "lost": self.lost})
                return
            for one in batch:
                await self._store([one])

    async def sweep(self) -> int:
        before, gone = datetime.now(UTC) - timedelta(days=self._days), 0
        while self._days and (now := await self._entries.forget(before, AT_ONCE)):
            gone += now
        return gone

    async def close(self) -> None:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.flush()
        except (Unavailable, TimeoutError, OSError) as error:
            log.error("audit entries lost at the end", extra={"many": len(self._waiting), "cause": str(error)})  # noqa: TRY400
