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
NOTHING: Mapping[str, Any] = {}
ABSENT = PodStatus(state="absent")
LOG_TAIL = 20
ENDING_PAUSES = (0.1, 0.5)
"""Seconds before an ending that Skuld did not answer is asked for again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSettings:
    """`[pods.process]` has no settings."""


class ProcessPods(PodManager):
    """`stop_grace` is what Skuld gives an agent before it forces it; a stop may take that long and a little more."""

    def __init__(self, skuld: Skuld, keepers: Keepers, poll_seconds: float = POLL_SECONDS, place: str = "") -> None:
        """`place` names this home: a pod that remembers another one runs where another replica has its Skuld."""
        self._place = place
        self._skuld = skuld
        self._keepers = keepers
        self._poll_seconds = poll_seconds

    def upstream(self, session_id: UUID, memory: Mapping[str, Any]) -> Upstream | None:  # noqa: ARG002
        return Upstream(socket=str(self._skuld.socket)) if self._is_here(memory) else None

    async def start(self, spec: SessionSpec) -> Mapping[str, Any]:
        await self._keepers.ready(START_SECONDS)
        await self._skuld.ask("PUT", f"/manage/sessions/{spec.session_id}", asdict(spec))
        return {"pods": "process", "place": self._place}

    async def status(self, session_id: UUID, memory: Mapping[str, Any]) -> PodStatus:
        await self._reachable(memory)
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

    async def stop(self, session_id: UUID, memory: Mapping[str, Any]) -> None:
        await self._end(memory, "POST", f"/manage/sessions/{session_id}/stop")

    async def discard(self, session_id: UUID, memory: Mapping[str, Any]) -> None:
        await self._end(memory, "DELETE", f"/manage/sessions/{session_id}")

    async def logs(self, session_id: UUID, memory: Mapping[str, Any], lines: int) -> Sequence[str]:
        await self._reachable(memory)
        try:
            found = await self._skuld.ask("GET", f"/manage/sessions/{session_id}/logs?lines={lines}")
        except NotFound:
            return ()
        return [str(line) for line in found.get("lines", ())]

    async def history(self, session_id: UUID, memory: Mapping[str, Any], before: int | None, limit: int) -> bytes:
        await self._reachable(memory)
        older = "" if before is None else f"&before={before}"
        return await self._skuld.fetch(f"/manage/sessions/{session_id}/history?limit={limit}{older}", HISTORY_SECONDS)

    async def check(self) -> None:
        await self._reachable()

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

    async def _end(self, memory: Mapping[str, Any], method: str, path: str) -> None:
        """A session whose Skuld is being started again is ended by the new one: it reads its sessions from disk.

        A Skuld that dies while it is asked is known to be dead a moment later, so the second try waits for the new one.
        """
        self._must_be_here(memory)
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

    def _is_here(self, memory: Mapping[str, Any]) -> bool:
        return bool(memory.get("place", self._place) == self._place)

    def _must_be_here(self, memory: Mapping[str, Any]) -> None:
        if not self._is_here(memory):
            raise Unavailable(
                "This session runs on the machine of another replica, which this one cannot reach.",
                hint="Ask that replica, or let sessions run where all replicas reach them ([pods] use).",
            )

    async def _reachable(self, memory: Mapping[str, Any] = NOTHING) -> None:
        """Give a Skuld that is being started again a moment; then fail with the cause."""
        self._must_be_here(memory)
        if not self._keepers.is_up("skuld"):
            await self._keepers.ready(PATIENCE_SECONDS)


def _state(found: Json) -> Literal["absent", "starting", "ready", "failed"]:
    state = found.get("state")
    if state in {"absent", "starting", "ready", "failed"}:
        return cast(Literal["absent", "starting", "ready", "failed"], state)
    raise Unavailable(f"Skuld says that the session is {state!r}, which this forge does not know.")
