"""Who works on a session, when several replicas could: one at a time, and who was overtaken notices.

A lease has a fencing number that only grows. Work that holds one writes with it, and nothing is written with an old one.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from volundr.domain.errors import VolundrError
from volundr.process import Tasks

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Held by one worker for `seconds` from its last renewal on."""

    session_id: UUID
    fence: int
    seconds: float


HELD: ContextVar[Lease | None] = ContextVar("HELD", default=None)
"""The lease of the work that this task is: what it writes is guarded by it. Tasks inherit it, requests have none."""


class Leases(ABC):
    """Gives out leases. There is one giver for all replicas of a database."""

    @abstractmethod
    async def take(self, session_id: UUID, *, force: bool) -> Lease | None:
        """None while another worker holds it, unless by force: then that one's lease is over at once. One's own is taken anew."""

    @abstractmethod
    async def renew(self, lease: Lease) -> bool:
        """False when it is lost."""

    @abstractmethod
    async def release(self, lease: Lease) -> None:
        """Others may have it. A lost one is no error."""


class Unshared(Leases):
    """For a forge that is alone with its database: nobody to share with."""

    async def take(self, session_id: UUID, *, force: bool) -> Lease | None:  # noqa: ARG002 - always given
        return Lease(session_id=session_id, fence=0, seconds=0.0)

    async def renew(self, lease: Lease) -> bool:  # noqa: ARG002 - never lost
        return True

    async def release(self, lease: Lease) -> None: ...


async def leased(leases: Leases, lease: Lease, work: Coroutine[Any, Any, None]) -> None:
    """Do the work under this lease, which is renewed meanwhile. The work is cancelled when it is lost: another worker has it."""
    if not lease.seconds:
        await work
        return
    token, tasks = HELD.set(lease), Tasks()
    try:
        working = tasks.spawn(work, name=f"work on session {lease.session_id}")
        lost = tasks.spawn(_until_lost(leases, lease), name=f"renew lease {lease.session_id}")
        await asyncio.wait({working, lost}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
        else:
            log.warning("session was taken over by another worker", extra={"session": str(lease.session_id)})
    finally:
        HELD.reset(token)
        await tasks.close()
        await leases.release(lease)


async def _until_lost(leases: Leases, lease: Lease) -> None:
    """A database that does not answer once may answer the next time; until then nothing can be written anyway."""
    while True:
        await asyncio.sleep(lease.seconds / 3)
        try:
            if not await leases.renew(lease):
                return
        except VolundrError as error:
            log.warning("lease cannot be renewed", extra={"session": str(lease.session_id), "cause": str(error)})
