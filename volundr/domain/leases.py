"""Who works on a session, when several replicas could: one at a time, and who was overtaken notices.

A lease has a fencing number that only grows. Work that holds one writes with it, and nothing is written with an old one. By
leases it is also known who does what one worker does for all (`duty`).
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from volundr.domain.errors import VolundrError
from volundr.process import Tasks

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Held by one worker for `seconds` from its last renewal on. `session_id`: of a duty, the id that stands for it."""

    session_id: UUID
    fence: int
    seconds: float


DUTY_SECONDS = 20.0
"""How often a worker looks whether a duty of all is free."""
_DUTIES = UUID("3d8c7c0e-5a6e-4f0b-9f4e-2b9a3f6f1c55")

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
    """Do the work on a session under this lease: what it writes is guarded by it. It is cancelled when the lease is lost."""
    if not lease.seconds:
        await work
        return
    token = HELD.set(lease)
    try:
        if not await _kept(leases, lease, work):
            log.warning("session was taken over by another worker", extra={"session": str(lease.session_id)})
    finally:
        HELD.reset(token)


async def duty(leases: Leases, name: str, work: Callable[[], Coroutine[Any, Any, None]], pause: float = DUTY_SECONDS) -> None:
    """Own this task: one worker of all does the work, and another one goes on with it when that one is gone."""
    while True:
        try:
            lease = await leases.take(uuid5(_DUTIES, name), force=False)
            if lease is not None and not lease.seconds:
                await work()
            elif lease is not None:
                await _kept(leases, lease, work())
        except VolundrError as error:
            log.warning("duty is put off", extra={"duty": name, "cause": str(error)})
        await asyncio.sleep(pause)


async def _kept(leases: Leases, lease: Lease, work: Coroutine[Any, Any, None]) -> bool:
    """Do the work while the lease is renewed. False when the lease was lost, and the work cancelled."""
    tasks = Tasks()
    try:
        working = tasks.spawn(work, name=f"work under lease {lease.session_id}")
        lost = tasks.spawn(_until_lost(leases, lease), name=f"renew lease {lease.session_id}")
        await asyncio.wait({working, lost}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
        return working.done()
    finally:
        await tasks.close()
        try:
            await leases.release(lease)
        except VolundrError as error:  # it runs out by itself; what ended the work is what counts
            log.info("lease is not released", extra={"session": str(lease.session_id), "cause": str(error)})


async def _until_lost(leases: Leases, lease: Lease) -> None:
    """A database that does not answer once may answer the next time; until then nothing can be written anyway."""
    while True:
        await asyncio.sleep(lease.seconds / 3)
        try:
            if not await leases.renew(lease):
                return
        except VolundrError as error:
            log.warning("lease cannot be renewed", extra={"session": str(lease.session_id), "cause": str(error)})
