"""How a session comes up: contributors, then the pod, then waiting until it is ready."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from volundr.domain.errors import Unavailable, VolundrError
from volundr.domain.sessions.model import Session, Status
from volundr.domain.sessions.ports import PodManager, PodStatus, SessionContributor
from volundr.domain.sessions.progress import Progress
from volundr.domain.sessions.spec import SessionSpec, merge

log = logging.getLogger(__name__)

FIRST_LOOK = 0.02
LONGEST_PAUSE = 0.5
PATIENCE_SECONDS = 20.0


class Superseded(Exception):
    """Somebody else moved the session meanwhile, e.g. stopped or deleted it: there is nothing left to do here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """Brings sessions up. `timeout` bounds each contributor, and the time from the pod's start until it is ready."""

    pods: PodManager
    contributors: Sequence[SessionContributor]
    progress: Progress
    timeout: float

    async def run(self, session: Session) -> None:
        """From `starting` (or `provisioning`, when taken up again) to `running` or `failed`.

        Never raises but for cancellation: the cause stands in the session.
        """
        try:
            memory = session.pod if session.status is Status.PROVISIONING else await self._begin(session)
            await self._wait(session.id, memory)
        except Superseded:
            log.info("session was moved while it started", extra={"session": str(session.id)})
        except VolundrError as error:
            await self.fail(session.id, str(error), error.hint)
        except Exception as error:
            log.exception("session start failed", extra={"session": str(session.id)})
            await self.fail(session.id, f"Volundr failed while it started this session: {error!r}", "The forge's log says more.")

    async def _begin(self, session: Session) -> Mapping[str, Any]:
        """From `starting` to `provisioning`; returns the pod's memory."""
        spec = await self._prepare(session)
        await self._step(session.id, "starting the pod")
        memory = await self.pods.start(spec)
        changes = {"pod": memory, "workspace": spec.workspace, "branch": spec.branch, "step": "waiting for the agent"}
        if await self.progress.move(session.id, Status.PROVISIONING, changes) is None:
            raise Superseded
        return memory

    async def _wait(self, session_id: UUID, memory: Mapping[str, Any]) -> None:
        """From `provisioning` to `running`. Raises what is wrong."""
        pause, step = FIRST_LOOK, ""
        try:
            async with asyncio.timeout(self.timeout) as limit:
                while (found := await self._look(session_id, memory)).state == "starting":
                    if found.busy:
                        limit.reschedule(asyncio.get_running_loop().time() + self.timeout)
                    if found.step and found.step != step:
                        step = found.step
                        await self._step(session_id, step)
                    await asyncio.sleep(pause)
                    pause = min(LONGEST_PAUSE, pause * 1.5)
        except TimeoutError as error:
            await self._give_up(session_id, memory)
            raise Unavailable(
                f"The session was not ready within {self.timeout:.0f} s (last step: {step or 'waiting for the agent'}).",
                hint="Look at its logs and start it again; [sessions] start_timeout sets the limit.",
            ) from error
        if found.state != "ready":
            raise Unavailable(explain(found), hint=found.hint)
        await self.progress.move(session_id, Status.RUNNING, {"step": "", "error": "", "hint": ""})

    async def _look(self, session_id: UUID, memory: Mapping[str, Any]) -> PodStatus:
        """A place that does not answer is asked again for a while: its Skuld may just be starting anew."""
        end = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            try:
                return await self.pods.status(session_id, memory)
            except Unavailable:
                if asyncio.get_running_loop().time() >= end:
                    raise
            await asyncio.sleep(LONGEST_PAUSE)

    async def _give_up(self, session_id: UUID, memory: Mapping[str, Any]) -> None:
        """A pod that is late must not come up behind a session that has failed."""
        try:
            async with asyncio.timeout(self.timeout):
                await self.pods.stop(session_id, memory)
        except (VolundrError, TimeoutError) as error:
            log.warning("late pod is not stopped", extra={"session": str(session_id), "cause": str(error)})

    async def fail(self, session_id: UUID, error: str, hint: str) -> None:
        await self.progress.move(session_id, Status.FAILED, {"step": "", "error": error, "hint": hint})

    async def _prepare(self, session: Session) -> SessionSpec:
        contributions = []
        for contributor in self.contributors:
            await self._step(session.id, f"preparing: {contributor.name}")
            try:
                async with asyncio.timeout(max(self.timeout, contributor.limit)):
                    contributions.append(await contributor.contribute(session))
            except TimeoutError as error:
                raise Unavailable(f"Preparing the session's {contributor.name} took too long.") from error
        return merge(contributions)

    async def _step(self, session_id: UUID, step: str) -> None:
        if await self.progress.note(session_id, {"step": step}) is None:
            raise Superseded


def explain(found: PodStatus) -> str:
    """Why a pod is not there, with its last words."""
    if found.state == "absent":
        return "The pod went away while it started."
    tail = "\n".join(found.log_tail)
    return f"{found.error or 'The pod failed.'}\n\n{tail}".strip() if tail and tail not in found.error else found.error
