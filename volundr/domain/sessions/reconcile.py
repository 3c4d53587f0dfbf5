"""Keeps what is stored and what is true the same. Looks at levels, not at edges: it may run at any time and often."""

import asyncio
import logging
from typing import Literal
from uuid import UUID

from volundr.domain.errors import VolundrError
from volundr.domain.paging import PageRequest
from volundr.domain.sessions.launch import explain
from volundr.domain.sessions.model import Session, Status
from volundr.domain.sessions.ports import PodManager, PodStatus, SessionFilter, SessionRepository
from volundr.domain.sessions.progress import Progress
from volundr.domain.sessions.service import ALIVE, SessionService
from volundr.process import Tasks

log = logging.getLogger(__name__)

PERIOD_SECONDS = 10.0
PAGE = 200
AT_ONCE = 16

type Repair = Literal["nothing", "resume", "stopped", "failed"]


def decide(status: Status, *, busy: bool, pod: PodStatus) -> Repair:
    """What to do about a session in this state whose pod is in that one. `busy`: somebody here is at work on it."""
    if busy or status not in ALIVE:
        return "nothing"
    if status is not Status.RUNNING:
        return "resume"
    if pod.state == "absent":
        return "stopped"
    return "failed" if pod.state == "failed" else "nothing"


class Reconciler:
    """Runs at start, when the pod manager says that something may have changed, and every PERIOD_SECONDS."""

    def __init__(self, sessions: SessionRepository, pods: PodManager, service: SessionService, progress: Progress) -> None:
        self._sessions = sessions
        self._pods = pods
        self._service = service
        self._progress = progress
        self._few = asyncio.Semaphore(AT_ONCE)

    def start(self, tasks: Tasks) -> None:
        tasks.spawn(self._periodically(), name="reconcile sessions")
        tasks.spawn(self._when_told(), name="watch pods")

    async def all(self) -> None:
        cursor = ""
        while True:
            page = await self._sessions.list(SessionFilter(status=ALIVE), PageRequest(cursor=cursor, limit=PAGE))
            async with asyncio.TaskGroup() as group:
                for session in page.items:
                    group.create_task(self._look(session), name=f"look at session {session.id}")
            if page.next is None:
                return
            cursor = page.next

    async def one(self, session_id: UUID) -> None:
        session = await self._sessions.get(session_id)
        if session is not None and session.status in ALIVE:
            await self._look(session)

    async def _look(self, session: Session) -> None:
        try:
            pod = PodStatus(state="absent")
            if session.status is Status.RUNNING:
                async with self._few:
                    pod = await self._pods.status(session.id, session.pod)
        except VolundrError as error:
            log.warning("pod cannot be asked", extra={"session": str(session.id), "cause": str(error)})
            return
        await self._repair(session, pod)

    async def _repair(self, session: Session, pod: PodStatus) -> None:
        match decide(session.status, busy=self._service.is_busy(session.id), pod=pod):
            case "resume":
                await self._resume(session)
            case "stopped":
                log.warning("session has no pod any more", extra={"session": str(session.id)})
                gone = {"error": "Its pod is gone.", "hint": "Start the session: the conversation goes on where it was."}
                await self._progress.move(session.id, Status.STOPPED, gone, session.revision)
            case "failed":
                cause = {"error": explain(pod), "hint": pod.hint, "step": ""}
                await self._progress.move(session.id, Status.FAILED, cause, session.revision)
            case "nothing":
                return

    async def _resume(self, session: Session) -> None:
        """Only what is still as it was seen: somebody may have gone on with it meanwhile, here or elsewhere."""
        if await self._service.take_up(session):
            log.info("session is taken up again", extra={"session": str(session.id), "status": session.status})

    async def _periodically(self) -> None:
        while True:
            try:
                await self.all()
            except Exception:
                log.exception("reconciling failed")
            await asyncio.sleep(PERIOD_SECONDS)

    async def _when_told(self) -> None:
        while True:
            try:
                async for session_id in self._pods.changes():
                    await self.one(session_id)
            except Exception:
                log.exception("watching pods failed")
            await asyncio.sleep(1.0)
