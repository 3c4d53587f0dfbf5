"""Pods as processes of this machine: all sessions share one Skuld and one shim, which the supervisor keeps alive."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast
from uuid import UUID

from volundr.domain.errors import NotFound, Unavailable
from volundr.domain.sessions.ports import PodManager, PodStatus
from volundr.domain.sessions.spec import SessionSpec
from volundr.domain.upstream import Upstream
from volundr.local.keepers import START_SECONDS, Keepers
from volundr.local.skuld import LONG, Json, Skuld

POLL_SECONDS = 5.0
PATIENCE_SECONDS = 3.0
HISTORY_SECONDS = 20.0
ABSENT = PodStatus(state="absent")
LOG_TAIL = 20
ENDING_PAUSES = (0.1, 0.5)
"""Seconds before an ending that Skuld did not answer is asked for again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSettings:
    """`[pods.process]` has no settings."""


class ProcessPods(PodManager):
    """`stop_grace` is what Skuld gives an agent before it forces it; a stop may take that long and a little more."""

    def __init__(self, skuld: Skuld, keepers: Keepers, poll_seconds: float = POLL_SECONDS) -> None:
        self._skuld = skuld
        self._keepers = keepers
        self._poll_seconds = poll_seconds

    def upstream(self, session_id: UUID, memory: Mapping[str, Any]) -> Upstream | None:  # noqa: ARG002 - all share one Skuld
        return Upstream(socket=str(self._skuld.socket))

    async def start(self, spec: SessionSpec) -> Mapping[str, Any]:
        await self._keepers.ready(START_SECONDS)
        await self._skuld.ask("PUT", f"/manage/sessions/{spec.session_id}", asdict(spec))
        return {"pods": "process"}

    async def status(self, session_id: UUID, memory: Mapping[str, Any]) -> PodStatus:
        await self._reachable()
        try:
            found = await self._skuld.ask("GET", f"/manage/sessions/{session_id}")
        except NotFound:
            return ABSENT
        state = _state(found)
        tail = await self.logs(session_id, memory, LOG_TAIL) if state == "failed" else ()
        return PodStatus(
            state=state,
            step=str(found.get("step") or ""),
            error=str(found.get("error") or ""),
            hint=str(found.get("hint") or ""),
            log_tail=tail,
            busy=bool(found.get("busy")),
        )

    async def stop(self, session_id: UUID, memory: Mapping[str, Any]) -> None:  # noqa: ARG002 - Skuld knows all
        await self._end("POST", f"/manage/sessions/{session_id}/stop")

    async def discard(self, session_id: UUID, memory: Mapping[str, Any]) -> None:  # noqa: ARG002 - Skuld knows all
        await self._end("DELETE", f"/manage/sessions/{session_id}")

    async def logs(self, session_id: UUID, memory: Mapping[str, Any], lines: int) -> Sequence[str]:  # noqa: ARG002
        await self._reachable()
        try:
            found = await self._skuld.ask("GET", f"/manage/sessions/{session_id}/logs?lines={lines}")
        except NotFound:
            return ()
        return [str(line) for line in found.get("lines", ())]

    async def history(self, session_id: UUID, memory: Mapping[str, Any], before: int | None, limit: int) -> bytes:  # noqa: ARG002
        await self._reachable()
        older = "" if before is None else f"&before={before}"
        return await self._skuld.fetch(f"/manage/sessions/{session_id}/history?limit={limit}{older}", HISTORY_SECONDS)

    async def changes(self) -> AsyncIterator[UUID]:
        known: dict[str, str] = {}
        seen = 0
        while True:
            try:
                now = await self._states()
            except Unavailable:
                now = dict.fromkeys(known, "unreachable")
            for name in known | now:
                if known.get(name) != now.get(name):
                    yield UUID(name)
            known = now
            before = seen
            try:
                async with asyncio.timeout(self._poll_seconds):
                    seen = await self._keepers.next_change(seen)
            except TimeoutError:
                continue
            if before:
                known = dict.fromkeys(known, "")

    async def _states(self) -> dict[str, str]:
        found = await self._skuld.ask("GET", "/manage/sessions")
        return {str(item["session"]): str(item.get("state")) for item in found.get("items", ())}

    async def _end(self, method: str, path: str) -> None:
        """A session whose Skuld is being started again is ended by the new one: it reads its sessions from disk.

        A Skuld that dies while it is asked is known to be dead a moment later, so the second try waits for the new one.
        """
        for pause in ENDING_PAUSES:
            await self._keepers.ready(START_SECONDS)
            try:
                await self._skuld.ask(method, path, limit=LONG)
            except NotFound:
                return
            except Unavailable:
                await asyncio.sleep(pause)
            else:
                return
        with suppress(NotFound):
            await self._keepers.ready(START_SECONDS)
            await self._skuld.ask(method, path, limit=LONG)

    async def _reachable(self) -> None:
        """Give a Skuld that is being started again a moment; then fail with the cause."""
        if not self._keepers.is_up("skuld"):
            await self._keepers.ready(PATIENCE_SECONDS)


def _state(found: Json) -> Literal["absent", "starting", "ready", "failed"]:
    state = found.get("state")
    if state in {"absent", "starting", "ready", "failed"}:
        return cast(Literal["absent", "starting", "ready", "failed"], state)
    raise Unavailable(f"Skuld says that the session is {state!r}, which this forge does not know.")
