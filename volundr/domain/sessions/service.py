"""Everything a person can do with sessions."""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from volundr.domain.errors import Changed, Conflict, Invalid, NotFound
from volundr.domain.identity import Principal
from volundr.domain.leases import Lease, Leases, Unshared, leased
from volundr.domain.paging import Page, PageRequest
from volundr.domain.sessions.definition import SessionDefinition
from volundr.domain.sessions.launch import Launch
from volundr.domain.sessions.model import Activity, LocalSource, Session, Status, check_name
from volundr.domain.sessions.ports import SessionFilter, SessionGate, SessionRepository
from volundr.domain.workspaces import Workspaces
from volundr.process import Tasks

log = logging.getLogger(__name__)

type Work = Callable[[Session], Coroutine[Any, Any, None]]

ALIVE = frozenset({Status.STARTING, Status.PROVISIONING, Status.RUNNING, Status.STOPPING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a session must fit: definitions that fill in what is empty, gates that fill in or refuse; and who may work on it."""

    definitions: Mapping[str, SessionDefinition] = field(default_factory=dict)
    gates: Sequence[SessionGate] = ()
    leases: Leases = field(default_factory=Unshared)


class SessionService:
    """Starts and stops return once the decision is stored; what follows runs in a task of its own that this service keeps."""

    def __init__(
        self,
        sessions: SessionRepository,
        workspaces: Workspaces,
        launch: Launch,
        agents: Collection[str],
        tasks: Tasks,
        rules: "Rules | None" = None,
    ) -> None:
        rules = rules or Rules()
        self.definitions = rules.definitions
        self._gates = rules.gates
        self._leases = rules.leases
        self._sessions = sessions
        self._agents = agents
        self._workspaces = workspaces
        self._launch = launch
        self._progress = launch.progress
        self._tasks = tasks
        self._busy: dict[UUID, asyncio.Task[None]] = {}
        self._going: dict[UUID, asyncio.Task[None]] = {}

    async def create(self, session: Session, *, start: bool) -> Session:
        """Keep a new session, and start it. Raises at once what is wrong with its agent or source."""
        check_name(session.name)
        session = self._defined(await self._admit(session, "create"))
        if session.agent not in self._agents:
            raise Invalid(f"There is no agent named {session.agent!r}.", hint=f"There is: {', '.join(self._agents)}.")
        await self._workspaces.check(session.source)
        await self._progress.add(session)
        return await self.start(session.id) if start else session

    def _defined(self, session: Session) -> Session:
        """With the agent and model that its definition names, if it names none itself."""
        name = session.options.definition
        if name and name not in self.definitions:
            known = ", ".join(sorted(self.definitions)) or "none"
            raise Invalid(f"There is no session definition called {name!r}.", hint=f"There is: {known}.")
        if not name:
            return session
        definition = self.definitions[name]
        return replace(session, agent=session.agent or definition.agent, model=session.model or definition.model)

    async def _admit(self, session: Session, verb: Literal["create", "start"]) -> Session:
        for gate in self._gates:
            session = await gate.admit(session, verb)
        return session

    async def fork(self, parent: Session, name: str, owner: Principal, *, start: bool) -> Session:
        """A new session in the same workspace that begins with this one's conversation, which stays as it is."""
        if not parent.workspace:
            raise Conflict(f"Session {parent.name!r} was never started.", hint="There is nothing to fork yet.")
        forked = Session(
            name=name,
            agent=parent.agent,
            model=parent.model,
            source=LocalSource(path=parent.workspace, mode="in_place"),
            options=replace(parent.options, fork_of=str(parent.id)),
            owner_id=owner.user_id,
            tenant_id=parent.tenant_id,
        )
        return await self.create(forked, start=start)

    async def get(self, session_id: UUID) -> Session:
        session = await self._sessions.get(session_id)
        if session is None:
            raise NotFound("There is no such session.")
        return session

    async def list(self, chosen: SessionFilter, page: PageRequest) -> Page[Session]:
        return await self._sessions.list(chosen, page)

    async def rename(self, session_id: UUID, name: str, revision: int | None) -> Session:
        check_name(name)
        return await self._note(session_id, {"name": name}, revision)

    async def start(self, session_id: UUID) -> Session:
        """Bring it up; one that is on its way or running already is left as it is."""
        self._must_stay(session_id)
        if self._gates:
            await self._admit(await self.get(session_id), "start")
        fresh = {"error": "", "hint": "", "step": "starting"}
        session = await self._progress.move(session_id, Status.STARTING, fresh)
        if session is not None:
            self._spawn(session, self._launch.run, "start")
            return session
        session = await self.get(session_id)
        if session.status in {Status.STARTING, Status.PROVISIONING, Status.RUNNING}:
            return session
        raise _cannot(session, "started")

    async def stop(self, session_id: UUID) -> Session:
        """Bring it down gracefully; one that does not run is left as it is."""
        self._must_stay(session_id)
        return await self._stop(session_id, {"step": "stopping the agent", "error": "", "hint": ""})

    async def pause(self, session_id: UUID, reason: str, hint: str) -> Session:
        """Stop it, and say on its page why and what can be done about it, until it is started again."""
        self._must_stay(session_id)
        return await self._stop(session_id, {"step": "stopping the agent", "error": reason, "hint": hint})

    async def _stop(self, session_id: UUID, changes: Mapping[str, Any]) -> Session:
        session = await self._progress.move(session_id, Status.STOPPING, changes)
        if session is not None:
            self._spawn(session, self.bring_down, "stop")
            return session
        return await self.get(session_id)

    async def archive(self, session_id: UUID) -> Session:
        session = await self.get(session_id)
        if session.status in {*ALIVE, Status.FAILED}:
            await self.stop(session_id)
            await self.settled(session_id)
        return await self._step(await self.get(session_id), Status.ARCHIVED, "archived")

    async def restore(self, session_id: UUID) -> Session:
        session = await self.get(session_id)
        return session if session.status is not Status.ARCHIVED else await self._step(session, Status.STOPPED, "restored")

    async def delete(self, session_id: UUID) -> None:
        """Remove the session, its pod, its history and the workspace Volundr made for it. Legal from every state, and twice.

        Once begun it goes on, whether or not the caller waits; while it does, nothing else can be done with the session.
        """
        task = self._going.get(session_id)
        if task is None:
            session = await self._sessions.get(session_id)
            if session is None:
                return
            if (other := await self._sessions.shares(session)) is not None and _owns_workspace(session):
                raise Conflict(
                    f"Session {other.name!r} works in the folder of {session.name!r}.", hint=f"Delete {other.name!r} first."
                )
            task = self._going.get(session_id) or self._tasks.spawn(
                self._alone(None, self._erase, session, None), name=f"delete session {session_id}"
            )
            self._going[session_id] = task
            task.add_done_callback(lambda _: self._going.pop(session_id, None))
        await asyncio.shield(task)

    async def _erase(self, session: Session) -> None:
        await self._cancel(session.id)
        current = await self._sessions.get(session.id) or session
        await self._launch.pods.discard(current.id, current.pod)
        for contributor in reversed(self._launch.contributors):
            await contributor.withdraw(current)
        await self._progress.remove(current)

    async def report(self, session_id: UUID, activity: Activity) -> None:
        """What the broker says. A session that does not run any more has nothing to say, which is no error."""
        await self._progress.report(session_id, activity)

    async def logs(self, session_id: UUID, lines: int) -> Sequence[str]:
        session = await self.get(session_id)
        return await self._launch.pods.logs(session_id, session.pod, lines)

    async def history(self, session_id: UUID, before: int | None, limit: int) -> bytes:
        """What was said and done, as JSON; the session need not run."""
        session = await self.get(session_id)
        return await self._launch.pods.history(session_id, session.pod, before, limit)

    async def settled(self, session_id: UUID) -> None:
        """Wait until what was begun for this session is over."""
        if task := self._busy.get(session_id):
            await asyncio.wait({task})

    def is_busy(self, session_id: UUID) -> bool:
        return session_id in self._busy or session_id in self._going

    async def take_up(self, session: Session) -> bool:
        """Go on with what somebody who is gone had begun, if it is still as it was seen and nobody else works on it."""
        lease = await self._leases.take(session.id, force=False)
        if lease is None:
            return False
        claimed = await self._progress.note(session.id, {"step": "taken up again"}, session.revision)
        if claimed is None or self.is_busy(session.id):
            await self._leases.release(lease)
            return False
        if claimed.status is Status.STOPPING:
            self._spawn(claimed, self.bring_down, "stop", lease)
        else:
            self._spawn(claimed, self._launch.run, "start", lease)
        return True

    async def bring_down(self, session: Session) -> None:
        """From `stopping` to `stopped`, with the reason that it was stopped for, if there is one."""
        try:
            await self._launch.pods.stop(session.id, session.pod)
        except Exception as error:
            log.exception("session does not stop", extra={"session": str(session.id)})
            await self._launch.fail(session.id, f"The session could not be stopped: {error}", "Stop or delete it once more.")
        else:
            await self._progress.move(session.id, Status.STOPPED, {"step": "", "error": session.error, "hint": session.hint})

    async def stop_all(self, limit: float) -> None:
        """The forge ends: bring everything down that is up, for at most `limit` seconds."""
        cursor: str | None = ""
        while cursor is not None:
            page = await self._sessions.list(SessionFilter(status=ALIVE), PageRequest(cursor=cursor, limit=200))
            for session in page.items:
                await self.stop(session.id)
            cursor = page.next
        if self._busy:
            await asyncio.wait(set(self._busy.values()), timeout=limit)

    def _spawn(self, session: Session, work: Work, verb: str, lease: Lease | None = None) -> None:
        previous = self._busy.pop(session.id, None)
        task = self._tasks.spawn(self._alone(previous, work, session, lease), name=f"{verb} session {session.id}")
        self._busy[session.id] = task
        task.add_done_callback(lambda done: self._busy.pop(session.id) if self._busy.get(session.id) is done else None)

    async def _alone(self, previous: asyncio.Task[None] | None, work: Work, session: Session, lease: Lease | None) -> None:
        """Two works on one session never overlap: an earlier one, here or on another worker, is ended first."""
        if previous is not None:
            previous.cancel()
            await asyncio.wait({previous})
        lease = lease or await self._leases.take(session.id, force=True)
        assert lease is not None  # by force
        await leased(self._leases, lease, work(session))

    async def _cancel(self, session_id: UUID) -> None:
        task = self._busy.pop(session_id, None)
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    def _must_stay(self, session_id: UUID) -> None:
        if session_id in self._going:
            raise Conflict("This session is being deleted.")

    async def _step(self, session: Session, target: Status, word: str) -> Session:
        changes = {"archived_at": datetime.now(UTC) if target is Status.ARCHIVED else None, "step": ""}
        moved = await self._progress.move(session.id, target, changes, session.revision)
        if moved is None:
            raise _cannot(await self.get(session.id), word)
        return moved

    async def _note(self, session_id: UUID, changes: Mapping[str, Any], revision: int | None) -> Session:
        session = await self._progress.note(session_id, changes, revision)
        if session is None:
            await self.get(session_id)
            raise Changed("session")
        return session


def _owns_workspace(session: Session) -> bool:
    """Whether deleting the session deletes its folder."""
    return not (isinstance(session.source, LocalSource) and session.source.mode == "in_place")


def _cannot(session: Session, word: str) -> Conflict:
    return Conflict(f"Session {session.name!r} is {session.status} and cannot be {word} now.")
