"""Retention on this machine: conversations and their files in the home folder."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from volundr.broker import retention
from volundr.broker.retention import Policy, Removal, Resting
from volundr.domain.identity import Whose
from volundr.domain.paging import PageRequest
from volundr.domain.retention import Expendable, Retention
from volundr.domain.sessions.model import Status
from volundr.domain.sessions.ports import SessionFilter, SessionRepository
from volundr.settings import RetentionSettings

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

    async def plan(self, tenant_id: str | None = None) -> Sequence[Expendable]:
        return [_shown(one) for one in await self._removals(tenant_id, datetime.now(UTC))]

    async def apply(self, tenant_id: str | None = None) -> Sequence[Expendable]:
        now = datetime.now(UTC)
        outcome = await asyncio.to_thread(retention.apply, self._folder, await self._removals(tenant_id, now), now)
        return [_shown(one) for one in outcome.removed] + [_shown(one, cause) for one, cause in outcome.refused]

    async def _removals(self, tenant_id: str | None, now: datetime) -> Sequence[Removal]:
        if self._policy == Policy():
            return ()
        resting: list[Resting] = []
        whose = None if tenant_id is None else Whose(tenant_id=tenant_id)
        resting_ones = SessionFilter(status=(Status.STOPPED, Status.ARCHIVED), whose=whose)
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
