"""What the session service and its reconciler promise when verbs, pods and forges get in each other's way."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import sqlite_file
from tests.pods import TablePods
from volundr.db.migrate import migrate
from volundr.domain.errors import Conflict, Invalid, VolundrError
from volundr.domain.sessions.launch import Launch
from volundr.domain.sessions.model import WAYS, Activity, Session, Source, Status
from volundr.domain.sessions.ports import PodStatus, SessionContributor
from volundr.domain.sessions.progress import Progress
from volundr.domain.sessions.reconcile import Reconciler, decide
from volundr.domain.sessions.service import ALIVE, SessionService
from volundr.domain.sessions.spec import SessionContribution, SessionSpec, merge
from volundr.domain.workspaces import FolderListing, Workspace, Workspaces
from volundr.local.broadcaster import LocalBroadcaster
from volundr.process import Tasks
from volundr.store.sessions import MIGRATIONS, SessionStore


class SlowPods(TablePods):
    """Every verb lets others go first; a stop waits for `let_stop`."""

    def __init__(self) -> None:
        super().__init__()
        self.let_stop = asyncio.Event()
        self.let_stop.set()

    async def start(self, spec: SessionSpec) -> Mapping[str, Any]:
        await asyncio.sleep(0)
        return await super().start(spec)

    async def stop(self, session_id: UUID, memory: Mapping[str, Any]) -> None:
        await self.let_stop.wait()
        await super().stop(session_id, memory)


class AnyFolder(Workspaces):
    async def check(self, source: Source) -> None: ...

    async def prepare(self, session: Session) -> Workspace:
        raise NotImplementedError

    async def remove(self, session: Session) -> None: ...

    async def folders(self, path: str) -> FolderListing:
        raise NotImplementedError


class Part(SessionContributor):
    """`gate` holds it up; `withdrawn` is what it was told to take back."""

    name = "part"

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.withdrawn: list[UUID] = []

    async def contribute(self, session: Session) -> SessionContribution:
        await self.gate.wait()
        if self.error:
            raise self.error
        values = {"session_id": str(session.id), "name": session.name, "agent": session.agent, "workspace": "/w", "branch": "b"}
        return SessionContribution(by=self.name, values=values)

    async def withdraw(self, session: Session) -> None:
        self.withdrawn.append(session.id)


class World:
    """The service over a real SQLite file."""

    def __init__(self, store: SessionStore, limit: float = 5.0) -> None:
        self.store = store
        self.pods = SlowPods()
        self.part = Part()
        self.tasks = Tasks()
        self.events = LocalBroadcaster()
        self.progress = Progress(store, self.events)
        self.launch = Launch(pods=self.pods, contributors=(self.part,), progress=self.progress, timeout=limit)
        self.service = SessionService(store, AnyFolder(), self.launch, ("demo",), self.tasks)
        self.reconciler = Reconciler(store, self.pods, self.service, self.progress)

    async def created(self, name: str = "one", *, start: bool = True) -> UUID:
        return (await self.service.create(Session(name=name, agent="demo"), start=start)).id

    async def settled(self, session_id: UUID) -> Session:
        async with asyncio.timeout(5):
            await self.service.settled(session_id)
        return await self.service.get(session_id)


def in_world(tmp_path: Path, scenario: Any, limit: float = 5.0) -> None:
    async def main() -> None:
        async with sqlite_file(tmp_path) as db:
            await migrate(db, {"sessions": MIGRATIONS})
            world = World(SessionStore(db), limit)
            try:
                await scenario(world)
            finally:
                await world.tasks.close()

    asyncio.run(main())


def test_a_start_leads_through_its_states_and_tells_each(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        told = asyncio.Queue[Session]()

        async def watch() -> None:
            async for _, event in world.events.watch():
                assert event is not None and event.session is not None
                told.put_nowait(event.session)

        world.tasks.spawn(watch(), "watch")
        await asyncio.sleep(0)
        session = await world.settled(await world.created())
        assert (session.status, session.workspace, session.branch, session.step) == (Status.RUNNING, "/w", "b", "")
        seen: list[Session] = []
        async with asyncio.timeout(2):
            while not seen or seen[-1] != session:
                seen.append(await told.get())
        assert list(dict.fromkeys(s.status for s in seen)) == ["created", "starting", "provisioning", "running"]
        assert "preparing: part" in [s.step for s in seen]
        assert [s.revision for s in seen] == list(range(1, len(seen) + 1))

    in_world(tmp_path, scenario)


def test_a_contributor_that_refuses_is_the_cause_of_the_failure(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.part.error = Invalid("The branch 'x' does not exist.", hint="Choose another one.")
        failed = await world.settled(await world.created())
        assert (failed.status, failed.error, failed.hint) == ("failed", "The branch 'x' does not exist.", "Choose another one.")
        assert failed.activity.state == "failed" and world.pods.starts == 0

    in_world(tmp_path, scenario)


def test_a_contributor_that_hangs_is_ended_at_its_limit(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.part.gate.clear()
        failed = await world.settled(await world.created())
        assert failed.status == "failed" and "part took too long" in failed.error

    in_world(tmp_path, scenario, limit=0.05)


def test_a_pod_that_is_late_is_stopped_and_the_session_says_so(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.pods.hold = True
        failed = await world.settled(await world.created())
        assert failed.status == "failed" and "last step: booting" in failed.error
        assert world.pods.pods == {}

    in_world(tmp_path, scenario, limit=0.1)


def test_a_fault_of_ours_becomes_a_failed_session_not_a_stuck_one(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.part.error = KeyError("oops")
        failed = await world.settled(await world.created())
        assert failed.status == "failed" and "oops" in failed.error

    in_world(tmp_path, scenario)


def test_deleting_in_the_middle_of_a_start_leaves_no_pod(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        for number in range(30):
            session_id = await world.created(f"s{number}")
            for _ in range(number):
                await asyncio.sleep(0)
            await world.service.delete(session_id)
            assert await world.store.get(session_id) is None
            assert session_id in world.part.withdrawn
        assert world.pods.pods == {}

    in_world(tmp_path, scenario)


def test_while_a_session_is_being_deleted_nothing_brings_it_back(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        session_id = await world.created()
        await world.settled(session_id)
        world.pods.let_stop.clear()
        first = world.tasks.spawn(world.service.delete(session_id), "first")
        second = world.tasks.spawn(world.service.delete(session_id), "second")
        async with asyncio.timeout(5):
            while not world.service.is_busy(session_id):
                await asyncio.sleep(0)
        with pytest.raises(Conflict, match="being deleted"):
            await world.service.start(session_id)
        await world.reconciler.all()
        first.cancel()
        world.pods.let_stop.set()
        await second
        assert await world.store.get(session_id) is None
        assert world.pods.starts == 1

    in_world(tmp_path, scenario)


def test_a_pod_manager_that_is_away_fails_the_stop_and_both_can_be_tried_again(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        session_id = await world.created()
        await world.settled(session_id)
        world.pods.broken = "Skuld does not answer."
        await world.service.stop(session_id)
        failed = await world.settled(session_id)
        assert failed.status == "failed" and "Skuld does not answer." in failed.error
        with pytest.raises(VolundrError, match="Skuld"):
            await world.service.delete(session_id)
        world.pods.broken = ""
        await world.service.stop(session_id)
        assert (await world.settled(session_id)).status == "stopped"
        await world.service.delete(session_id)
        assert world.pods.pods == {}

    in_world(tmp_path, scenario)


def test_what_the_broker_says_first_may_overtake_the_forge(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.pods.hold = True
        session_id = await world.created()
        async with asyncio.timeout(5):
            while (await world.service.get(session_id)).status != "provisioning":
                await asyncio.sleep(0.001)
        await world.service.report(session_id, Activity(state="idle", model="m"))
        world.pods.pods[session_id] = PodStatus(state="ready")
        assert (await world.settled(session_id)).activity == Activity(state="idle", model="m")

    in_world(tmp_path, scenario)


def test_archiving_a_failed_session_takes_its_pod_away_first(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        session_id = await world.created()
        await world.settled(session_id)
        await world.progress.move(session_id, Status.FAILED, {"error": "x"})
        assert (await world.service.archive(session_id)).status == "archived"
        assert world.pods.pods == {}

    in_world(tmp_path, scenario)


def test_a_repair_holds_only_for_the_session_that_was_looked_at(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        session_id = await world.created()
        old = await world.settled(session_id)
        await world.service.stop(session_id)
        await world.settled(session_id)
        await world.service.start(session_id)
        await world.settled(session_id)
        await world.reconciler._repair(old, PodStatus(state="absent"))
        await world.reconciler._repair(replace(old, status=Status.STARTING), PodStatus(state="absent"))
        assert (await world.service.get(session_id)).status == "running"
        assert world.pods.starts == 2

    in_world(tmp_path, scenario)


def test_every_state_of_session_and_pod_has_one_repair() -> None:
    for status in Status:
        for state in ("absent", "starting", "ready", "failed"):
            pod = PodStatus(state=state)
            assert decide(status, busy=True, pod=pod) == "nothing"
            repair = decide(status, busy=False, pod=pod)
            if status not in ALIVE:
                assert repair == "nothing"
            elif status is not Status.RUNNING:
                assert repair == "resume", "what nobody works on must be taken up, or it would stay for ever"
            else:
                assert repair == {"absent": "stopped", "failed": "failed"}.get(state, "nothing")


def test_from_every_state_a_session_can_run_again() -> None:
    for status in Status:
        reached, new = {status}, {status}
        while new:
            new = {target for source in new for target in WAYS[source]} - reached
            reached |= new
        assert Status.RUNNING in reached, status


VERBS = st.sampled_from(["start", "stop", "archive", "restore", "delete", "break", "mend", "die", "look", "wait"])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(verbs=st.lists(VERBS, min_size=1, max_size=10))
def test_whatever_is_asked_in_whatever_order_a_session_ends_up_deletable(tmp_path: Path, verbs: list[str]) -> None:
    async def scenario(world: World) -> None:
        session_id = await world.created(start=False)
        verb: Any
        for verb in verbs:
            await _do(world, session_id, verb)
        world.pods.broken = ""
        await world.reconciler.all()
        await world.service.settled(session_id)
        stored = await world.store.get(session_id)
        assert stored is None or stored.status in {"created", "running", "stopped", "failed", "archived"}
        await world.service.delete(session_id)
        assert world.pods.pods == {} and await world.store.get(session_id) is None

    folder = tmp_path / uuid4().hex
    folder.mkdir()
    in_world(folder, scenario)


async def _do(world: World, session_id: UUID, verb: str) -> None:
    """One thing that a person, a pod or the clock does; refusals are part of life."""
    match verb:
        case "break":
            world.pods.broken = "Away."
        case "mend":
            world.pods.broken = ""
        case "die":
            world.pods.pods.pop(session_id, None)
        case "look":
            await world.reconciler.all()
        case "wait":
            await world.service.settled(session_id)
        case _:
            verbs = {"start": world.service.start, "stop": world.service.stop, "archive": world.service.archive}
            verbs |= {"restore": world.service.restore, "delete": world.service.delete}  # type: ignore[dict-item]
            with suppress(VolundrError):
                await verbs[verb](session_id)


def test_two_contributors_that_disagree_are_both_named() -> None:
    one = SessionContribution(by="one", values={"workspace": "/a"}, env={"X": "1"})
    with pytest.raises(Conflict, match="'one' and 'two' disagree about 'workspace'"):
        merge([one, SessionContribution(by="two", values={"workspace": "/b"})])
    with pytest.raises(Conflict, match="'one' and 'two' disagree about 'X'"):
        merge([one, SessionContribution(by="two", env={"X": "2"})])
