"""Process pods with a real Skuld, a real shim and the demo agent; each test in a home of its own."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from tests.contracts_pods import Memory, PodManagerContract, ready
from volundr.domain.errors import Unavailable
from volundr.domain.sessions.ports import PodManager
from volundr.domain.sessions.spec import SessionSpec
from volundr.local import runfile
from volundr.local.identity import keys_of
from volundr.local.pods import ProcessPods
from volundr.local.skuld import Skuld
from volundr.local.supervisor import Supervisor, roles
from volundr.process import Running

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("VOLUNDR_")}


def supervisor_of(home: Path) -> tuple[Supervisor, Skuld]:
    key = keys_of(home).manage
    return Supervisor(home, roles(home, key, 1.0), ENVIRONMENT), Skuld(socket=runfile.socket_path(home, "skuld"), key=key)


@asynccontextmanager
async def process_pods(home: Path) -> AsyncIterator[ProcessPods]:
    """As a forge has them; Skuld and shim go on afterwards."""
    runfile.prepare(home)
    supervisor, skuld = supervisor_of(home)
    supervisor.start()
    try:
        await supervisor.ready()
        yield ProcessPods(skuld, supervisor, poll_seconds=0.5)
    finally:
        await supervisor.close()


def spec_in(home: Path, session_id: UUID, agent: str = "demo") -> SessionSpec:
    workspace = home / "workspaces" / str(session_id)
    workspace.mkdir(parents=True, exist_ok=True)
    return SessionSpec(
        session_id=str(session_id),
        name="x",
        agent=agent,
        workspace=str(workspace),
        project=str(workspace),
        secret=keys_of(home).session(session_id),
        env={"POD_OF": str(session_id)},
    )


def marked(session_id: UUID) -> Mapping[int, str]:
    """The processes that have this session's environment: agents and whatever they started."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"POD_OF={session_id}".encode() in (process / "environ").read_bytes():
                found[int(process.name)] = (process / "comm").read_text().strip()
        except OSError:
            continue
    return found


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path) -> Iterator[None]:
    yield
    home = tmp_path / "home"
    if (home / "run").exists():
        asyncio.run(supervisor_of(home)[0].end())


def running(home: Path, name: str) -> Running:
    found = runfile.read(home, name)
    assert found is not None
    return found


@pytest.mark.e2e
class TestProcessPods(PodManagerContract):
    @asynccontextmanager
    async def opened(self, place: Path) -> AsyncIterator[PodManager]:
        async with process_pods(place / "home") as pods:
            yield pods

    def spec(self, place: Path, session_id: UUID) -> SessionSpec:
        return spec_in(place / "home", session_id)

    def broken_spec(self, place: Path, session_id: UUID) -> SessionSpec:
        return spec_in(place / "home", session_id, agent="nobody")

    async def kill(self, pods: PodManager, session_id: UUID, memory: Memory) -> None:
        upstream = pods.upstream(session_id, memory)
        assert upstream is not None
        running(Path(upstream.socket).parent.parent, "skuld").signal(signal.SIGKILL)


@pytest.mark.e2e
def test_a_session_is_ready_soon_and_nothing_of_it_is_left_after_stop(tmp_path: Path) -> None:
    home = tmp_path / "home"

    async def story() -> None:
        async with process_pods(home) as pods:
            warm, session = uuid4(), uuid4()
            await ready(pods, warm, await pods.start(spec_in(home, warm)))
            begun = time.perf_counter()
            memory = await pods.start(spec_in(home, session))
            await ready(pods, session, memory)
            assert time.perf_counter() - begun < 5  # the budget, 0.3 s, is measured by the bench on a machine at rest
            assert marked(session)
            await pods.stop(session, memory)
            assert not marked(session)
            assert marked(warm)
            await pods.discard(warm, {})
            assert not (home / "sessions" / str(warm)).exists()

    asyncio.run(story())


@pytest.mark.e2e
def test_a_killed_skuld_comes_back_with_its_sessions_and_their_agents(tmp_path: Path) -> None:
    home = tmp_path / "home"

    async def story() -> None:
        async with process_pods(home) as pods:
            session = uuid4()
            memory = await pods.start(spec_in(home, session))
            await ready(pods, session, memory)
            agents = marked(session)
            before = running(home, "skuld")
            before.signal(signal.SIGKILL)
            async with asyncio.timeout(20):
                while running(home, "skuld") == before:
                    await asyncio.sleep(0.01)
            await ready(pods, session, memory)
            assert marked(session) == agents
            await pods.stop(session, memory)
            assert not marked(session)

    asyncio.run(story())


@pytest.mark.e2e
def test_ending_on_purpose_leaves_no_process_and_no_socket(tmp_path: Path) -> None:
    home = tmp_path / "home"

    async def story() -> None:
        async with process_pods(home) as pods:
            session = uuid4()
            await ready(pods, session, await pods.start(spec_in(home, session)))
            processes = [running(home, name) for name in ("skuld", "shim")]
        await supervisor_of(home)[0].end()
        assert not any(process.alive() for process in processes)
        assert not marked(session)
        assert not list((home / "run").glob("*.sock"))
        assert not list((home / "run").glob("*.json"))

    asyncio.run(story())


@pytest.mark.e2e
def test_no_secret_is_in_the_arguments_or_the_environment_of_a_process(tmp_path: Path) -> None:
    home = tmp_path / "home"

    async def story() -> None:
        async with process_pods(home):
            keys = keys_of(home)
            for name in ("skuld", "shim"):
                process = Path("/proc") / str(running(home, name).pid)
                said = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
                for secret in (keys.master, keys.token, keys.manage):
                    assert secret.encode() not in said

    asyncio.run(story())


def test_pods_of_a_skuld_that_cannot_start_say_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("volundr.local.supervisor.START_SECONDS", 3.0)
    monkeypatch.setattr("volundr.local.pods.PATIENCE_SECONDS", 3.0)
    home = tmp_path / "home"
    runfile.prepare(home)
    (home / "config.toml").write_text("[nonsense]\n")

    async def story() -> None:
        supervisor, skuld = supervisor_of(home)
        supervisor.start()
        with pytest.raises(Unavailable, match="nonsense"):
            await ProcessPods(skuld, supervisor).status(uuid4(), {})
        await supervisor.end()

    asyncio.run(story())
