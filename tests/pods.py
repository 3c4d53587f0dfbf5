"""A pod manager whose pods are entries in a table, for tests of what the forge does with pods."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from volundr.domain.errors import Unavailable
from volundr.domain.sessions.ports import PodManager, PodStatus
from volundr.domain.sessions.spec import SessionSpec
from volundr.domain.upstream import Upstream


class TablePods(PodManager):
    """`outcome` is what new pods become; `hold` keeps them starting; `broken` makes every verb fail."""

    def __init__(self) -> None:
        self.pods: dict[UUID, PodStatus] = {}
        self.specs: dict[UUID, SessionSpec] = {}
        self.outcome = PodStatus(state="ready")
        self.hold = False
        self.broken = ""
        self.told: asyncio.Queue[UUID] = asyncio.Queue()
        self.starts = 0
        self.said: dict[UUID, bytes] = {}
        self.read: list[tuple[int | None, int]] = []

    async def start(self, spec: SessionSpec) -> Mapping[str, Any]:
        self._check()
        self.starts += 1
        session_id = UUID(spec.session_id)
        self.specs[session_id] = spec
        self.pods[session_id] = PodStatus(state="starting", step="booting") if self.hold else self.outcome
        return {"place": "table"}

    async def status(self, session_id: UUID, memory: Mapping[str, Any]) -> PodStatus:
        self._check()
        return self.pods.get(session_id, PodStatus(state="absent"))

    async def stop(self, session_id: UUID, memory: Mapping[str, Any]) -> None:
        self._check()
        self.pods.pop(session_id, None)

    async def discard(self, session_id: UUID, memory: Mapping[str, Any]) -> None:
        await self.stop(session_id, memory)

    async def logs(self, session_id: UUID, memory: Mapping[str, Any], lines: int) -> Sequence[str]:
        return ["a line"][:lines]

    async def history(self, session_id: UUID, memory: Mapping[str, Any], before: int | None, limit: int) -> bytes:
        self._check()
        self.read.append((before, limit))
        return self.said.get(session_id, b'{"epoch":"","records":[]}')

    def upstream(self, session_id: UUID, memory: Mapping[str, Any]) -> Upstream | None:
        return None

    async def changes(self) -> AsyncIterator[UUID]:
        while True:
            yield await self.told.get()

    def _check(self) -> None:
        if self.broken:
            raise Unavailable(self.broken, hint="mend it")
