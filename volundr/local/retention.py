"""Retention on this machine: conversations and their files in the home folder."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from volundr.broker import retention
from volundr.broker.retention import Policy, Removal, Resting
from volundr.domain.paging import PageRequest
from volundr.domain.retention import Expendable, Retention
from volundr.domain.sessions.model import Status
from volundr.domain.sessions.ports import SessionFilter, SessionRepository
from volundr.settings import RetentionSettings

log = logging.getLogger(__name__)

LOOK_SECONDS = 6 * 3600.0
PAGE = 200


class LocalRetention(Retention):
    def __init__(self, sessions: SessionRepository, home: Path, settings: RetentionSettings) -> None:
        self._sessions = sessions
        self._folder = home / "sessions"
        self._policy = Policy(
            archived_days=settings.archived_days,
            stopped_days=settings.stopped_days,
            attachments_days=settings.attachments_days,
        )

    async def plan(self) -> Sequence[Expendable]:
        return [_shown(one) for one in await self._removals(datetime.now(UTC))]

    async def apply(self) -> Sequence[Expendable]:
        now = datetime.now(UTC)
        outcome = await asyncio.to_thread(retention.apply, self._folder, await self._removals(now), now)
        return [_shown(one) for one in outcome.removed] + [_shown(one, cause) for one, cause in outcome.refused]

    async def run(self) -> None:
        """Own this task: applies the policy now and then, if there is one."""
        if self._policy == Policy():
            return
        while True:
            gone = await self.apply()
            log.info("retention applied", extra={"removed": sum(not one.problem for one in gone)})
            await asyncio.sleep(LOOK_SECONDS)

    async def _removals(self, now: datetime) -> Sequence[Removal]:
        if self._policy == Policy():
            return ()
        resting: list[Resting] = []
        resting_ones = SessionFilter(status=(Status.STOPPED, Status.ARCHIVED))
        cursor: str | None = ""
        while cursor is not None:
            page = await self._sessions.list(resting_ones, PageRequest(cursor=cursor, limit=PAGE))
            resting += [
                Resting(session=str(one.id), name=one.name, status=one.status.value, since=one.archived_at or one.last_active)
                for one in page.items
            ]
            cursor = page.next
        kept = await asyncio.to_thread(retention.measure, self._folder)
        return retention.plan(resting, kept, self._policy, now)


def _shown(one: Removal, problem: str = "") -> Expendable:
    return Expendable(**asdict(one), problem=problem)
