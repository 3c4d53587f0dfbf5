"""Several workers on one Postgres: changes are told by all of them alike, and one works on a session at a time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import NO_POSTGRES, POSTGRES, postgres_url
from tests.pods import TablePods
from volundr.db.migrate import migrate
from volundr.db.postgres import PostgresDatabase
from volundr.domain.errors import Unavailable
from volundr.domain.leases import HELD, Lease, Unshared, duty, leased
from volundr.domain.paging import PageRequest
from volundr.domain.sessions.contributors.core import CoreContributor
from volundr.domain.sessions.launch import Launch
from volundr.domain.sessions.model import Options, Session, Status
from volundr.domain.sessions.ports import Event, SessionFilter
from volundr.domain.sessions.progress import Progress
from volundr.domain.sessions.reconcile import Reconciler
from volundr.domain.sessions.service import Rules, SessionService
from volundr.local.git import Git
from volundr.local.shared_broadcaster import SharedBroadcaster
from volundr.local.workspaces import LocalWorkspaces
from volundr.process import Tasks
from volundr.store.changes import ChangeLog
from volundr.store.leases import LeaseStore
from volundr.store.opening import MIGRATIONS
from volundr.store.sessions import SessionStore

pytestmark = pytest.mark.skipif(not POSTGRES, reason=NO_POSTGRES)
LEASE = 0.6


@dataclass(slots=True)
class Worker:
    """What one worker has of its own. `die` is what a kill leaves: everything stops, nothing is released."""

    db: PostgresDatabase
    store: SessionStore
    events: SharedBroadcaster
    leases: LeaseStore
    service: SessionService
    reconciler: Reconciler
    tasks: Tasks


@asynccontextmanager
async def worker(url: str, home: Path, pods: TablePods) -> AsyncIterator[Worker]:
    db = await PostgresDatabase.open(url)
    tasks, changes = Tasks(), ChangeLog(db)
    store, events, leases = SessionStore(db, changes), SharedBroadcaster(db, changes, 50), LeaseStore(db, LEASE)
    progress = Progress(store, events)
    core = CoreContributor(lambda session_id: f"key of {session_id}", "http://127.0.0.1:1")
    launch = Launch(pods=pods, contributors=(core,), progress=progress, timeout=20)
    workspaces = LocalWorkspaces(home=home, git=Git())
    service = SessionService(store, workspaces, launch, ("demo",), tasks, Rules(leases=leases))
    tasks.spawn(events.run(), name="hear changes")
    try:
        yield Worker(db, store, events, leases, service, Reconciler(store, pods, service, progress), tasks)
    finally:
        await tasks.close()
        await db.close()


def on_workers(tmp_path: Path, many: int, scenario: Callable[[list[Worker], TablePods], Awaitable[None]]) -> None:
    async def main() -> None:
        async with postgres_url() as url:
            first = await PostgresDatabase.open(url)
            await migrate(first, MIGRATIONS)
            await first.close()
            pods = TablePods()
            managers = [worker(url, tmp_path, pods) for _ in range(many)]
            workers = [await one.__aenter__() for one in managers]
            try:
                async with asyncio.timeout(60):
                    await scenario(workers, pods)
            finally:
                for one in managers:
                    await one.__aexit__(None, None, None)

    asyncio.run(main())


async def heard(events: SharedBroadcaster, count: int, after: str = "") -> list[tuple[str, Event | None]]:
    found: list[tuple[str, Event | None]] = []
    async with aclosing(events.watch(after)) as watching:  # type: ignore[type-var]
        async for one in watching:
            found.append(one)
            if len(found) == count:
                break
    return found


async def ready(*workers: Worker) -> None:
    for one in workers:
        await one.events._begun.wait()


def test_every_watcher_at_every_worker_hears_each_change_once_and_in_order(tmp_path: Path) -> None:
    async def scenario(workers: list[Worker], pods: TablePods) -> None:
        await ready(*workers)
        sessions = [Session(name=f"s{n}", agent="demo") for n in range(10)]
        watchers = [asyncio.get_running_loop().create_task(heard(one.events, 310)) for one in workers for _ in range(4)]
        await asyncio.sleep(0)
        for one in sessions:
            await workers[0].store.add(one)

        async def write(number: int) -> None:
            for step in range(10):
                for session in sessions:
                    await workers[number].store.update(session.id, {"step": f"{number}-{step}"})

        await asyncio.gather(*(write(number) for number in range(len(workers))))
        told = await asyncio.gather(*watchers)
        assert all(one == told[0] for one in told)
        ids = [int(event_id) for event_id, _ in told[0]]
        assert ids == sorted(set(ids))
        for session in sessions:
            revisions = [e.session.revision for _, e in told[0] if e and e.session and e.session_id == session.id]
            assert revisions == list(range(1, 32))

    on_workers(tmp_path, 3, scenario)


def test_a_client_goes_on_at_another_worker_and_after_a_long_time(tmp_path: Path) -> None:
    async def scenario(workers: list[Worker], pods: TablePods) -> None:
        one, other = workers
        await ready(one, other)
        session = Session(name="s", agent="demo", options=Options(system_prompt="long " * 1000, env={"A": "b"}))
        listening = asyncio.get_running_loop().create_task(heard(one.events, 200))
        await asyncio.sleep(0)
        await one.store.add(session)
        for step in range(199):
            await one.store.update(session.id, {"step": str(step)})
        told = await listening
        place = told[2][0]  # far behind what is in memory (50)
        rest = await heard(other.events, 197, place)
        assert [event_id for event_id, _ in rest] == [event_id for event_id, _ in told[3:]]
        last = rest[-1][1]
        assert last is not None
        assert last.session is not None
        assert (last.session.step, last.session.options.system_prompt) == ("198", "")
        assert await heard(other.events, 1, "999999999") == [(told[-1][0], None)]
        await one.db.run("DELETE FROM changes WHERE id < :id", id=int(told[100][0]))
        assert (await heard(other.events, 1, place))[0][1] is None

    on_workers(tmp_path, 2, scenario)


def test_a_lost_connection_is_made_again_and_nothing_is_missed(tmp_path: Path) -> None:
    async def scenario(workers: list[Worker], pods: TablePods) -> None:
        one, other = workers
        await ready(one, other)
        session = Session(name="s", agent="demo")
        listening = asyncio.get_running_loop().create_task(heard(other.events, 3))
        await asyncio.sleep(0)
        await one.store.add(session)
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND pid <> pg_backend_pid()"
        await one.db.run(query)
        await one.store.update(session.id, {"step": "a"})
        await one.store.update(session.id, {"step": "b"})
        assert [event.session.step for _, event in await listening if event and event.session] == ["", "a", "b"]

    on_workers(tmp_path, 2, scenario)


def test_of_many_who_move_a_session_at_once_one_wins(tmp_path: Path) -> None:
    async def scenario(workers: list[Worker], pods: TablePods) -> None:
        session = Session(name="s", agent="demo")
        await workers[0].store.add(session)
        moves = [one.store.move(session.id, Status.STARTING, {}) for one in workers for _ in range(5)]
        assert len([one for one in await asyncio.gather(*moves) if one is not None]) == 1

    on_workers(tmp_path, 3, scenario)


# Leases


def test_one_holds_a_lease_until_it_is_over_or_taken_by_force(tmp_path: Path) -> None:
    async def scenario(workers: list[Worker], pods: TablePods) -> None:
        one, other = (worker.leases for worker in workers)
        session = uuid4()
        first = await one.take(session, force=False)
        assert first is not None
        assert await other.take(session, force=False) is None
        assert await one.renew(first)
        taken = await other.take(session, force=True)
        assert taken is not None
        assert taken.fence == first.fence + 1
        assert not await one.renew(first)
        await one.release(first)  # not its own any more: no effect
        assert await one.take(session, force=False) is None
        await other.release(taken)
        assert await one.take(session, force=False) is not None

    on_workers(tmp_path, 2, scenario)


def test_who_was_overtaken_writes_nothing_more(tmp_path: Path) -> None:
    async def scenario(workers: list[Worker], pods: TablePods) -> None:
        one, other = workers
        session = Session(name="s", agent="demo")
        await one.store.add(session)
        held = await one.leases.take(session.id, force=False)
        assert held is not None
        token = HELD.set(held)
        assert await one.store.update(session.id, {"step": "mine"}) is not None
        assert await other.leases.take(session.id, force=True) is not None
        assert await one.store.update(session.id, {"step": "too late"}) is None
        assert await one.store.move(session.id, Status.STARTING, {}) is None
        assert not await one.store.delete(session.id)
        HELD.reset(token)
        found = await one.store.get(session.id)
        assert found is not None
        assert found.step == "mine"

    on_workers(tmp_path, 2, scenario)


def test_work_ends_when_its_lease_is_lost(tmp_path: Path) -> None:
    async def scenario(workers: list[Worker], pods: TablePods) -> None:
        one, other = workers
        session, over = uuid4(), asyncio.Event()
        lease = await one.leases.take(session, force=False)
        assert lease is not None

        async def work() -> None:
            try:
                await asyncio.sleep(60)
            finally:
                over.set()

        working = asyncio.get_running_loop().create_task(leased(one.leases, lease, work()))
        await asyncio.sleep(0)
        assert await other.leases.take(session, force=True) is not None
        await working
        assert over.is_set()

    on_workers(tmp_path, 2, scenario)


def test_one_worker_of_all_does_a_duty_and_another_when_that_one_is_gone(tmp_path: Path) -> None:
    async def scenario(workers: list[Worker], _: TablePods) -> None:
        at_work, most = set[int](), 0

        async def work(number: int) -> None:
            nonlocal most
            at_work.add(number)
            most = max(most, len(at_work))
            try:
                await asyncio.Event().wait()
            finally:
                at_work.discard(number)

        tasks = [Tasks() for _ in workers]
        for number, one in enumerate(workers):
            tasks[number].spawn(duty(one.leases, "sweep", partial(work, number), LEASE / 5), name="sweep")
        async with asyncio.timeout(20):
            for turn in range(3):
                while not at_work:
                    await asyncio.sleep(0.01)
                (busy,) = at_work
                await asyncio.sleep(2 * LEASE)  # long enough to be renewed, and for the others to try
                assert at_work == {busy}, turn
                await tasks[busy].close()
        assert most == 1
        for mine in tasks:
            await mine.close()

    on_workers(tmp_path, 3, scenario)


def test_a_duty_ends_though_its_lease_cannot_be_released(tmp_path: Path) -> None:
    class Away(LeaseStore):
        async def release(self, lease: Lease) -> None:
            raise Unavailable("The database does not answer.")

    async def scenario(workers: list[Worker], _: TablePods) -> None:
        begun, tasks = asyncio.Event(), Tasks()

        async def work() -> None:
            begun.set()
            await asyncio.Event().wait()

        tasks.spawn(duty(Away(workers[0].db, LEASE), "sweep", work, 0.01), name="sweep")
        async with asyncio.timeout(5):
            await begun.wait()
            await tasks.close()

    on_workers(tmp_path, 1, scenario)


def test_an_error_of_the_work_is_its_own(tmp_path: Path) -> None:
    async def scenario(workers: list[Worker], pods: TablePods) -> None:
        lease = await workers[0].leases.take(uuid4(), force=False)
        assert lease is not None

        async def work() -> None:
            raise ValueError("mine")

        with pytest.raises(ValueError, match="mine"):
            await leased(workers[0].leases, lease, work())

    on_workers(tmp_path, 1, scenario)


def test_a_forge_alone_pays_nothing_for_leases() -> None:
    async def main() -> None:
        lease = await Unshared().take(uuid4(), force=False)
        assert lease == Lease(session_id=lease.session_id, fence=0, seconds=0.0) if lease else False
        seen: list[object] = []

        async def work() -> None:
            seen.append(HELD.get())

        assert lease is not None
        await leased(Unshared(), lease, work())
        assert seen == [None]

    asyncio.run(main())


def test_a_start_whose_worker_died_is_finished_by_another_within_two_leases(tmp_path: Path) -> None:
    async def scenario(workers: list[Worker], pods: TablePods) -> None:
        one, other = workers
        pods.hold = True
        session = await one.service.create(Session(name="s", agent="demo"), start=True)
        await until(other, session, Status.PROVISIONING)
        await other.reconciler.all()
        assert not other.service.is_busy(session.id)  # somebody is at work on it
        renewals = [task for task in asyncio.all_tasks() if "session" in task.get_name() or "lease" in task.get_name()]
        one.leases._holder = uuid4()  # what it would release or renew is not its own: as if it were killed
        for task in renewals:
            task.cancel()
        pods.hold = False
        for session_id in pods.pods:
            pods.pods[session_id] = pods.outcome
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while (found := await other.store.get(session.id)) and found.status is not Status.RUNNING:
            await other.reconciler.all()
            await asyncio.sleep(0.02)
        assert loop.time() - begun < 2 * LEASE
        assert pods.starts == 1  # it went on waiting for the pod that was there

    on_workers(tmp_path, 2, scenario)


def test_a_stop_at_another_worker_ends_the_start_that_goes_on(tmp_path: Path) -> None:
    async def scenario(workers: list[Worker], pods: TablePods) -> None:
        one, other = workers
        pods.hold = True
        session = await one.service.create(Session(name="s", agent="demo"), start=True)
        await until(other, session, Status.PROVISIONING)
        await other.service.stop(session.id)
        await until(one, session, Status.STOPPED)
        async with asyncio.timeout(5):
            while one.service.is_busy(session.id):
                await asyncio.sleep(0.02)
        assert pods.pods == {}
        assert not (await one.store.list(SessionFilter(status=[Status.RUNNING]), PageRequest())).items

    on_workers(tmp_path, 2, scenario)


async def until(at: Worker, session: Session, status: Status) -> None:
    async with asyncio.timeout(10):
        while (found := await at.store.get(session.id)) is None or found.status is not status:
            await asyncio.sleep(0.01)
