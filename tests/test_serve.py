"""`volundr serve` with real processes: the parent, its workers, Skuld, and a real Postgres."""

import asyncio
import importlib.util
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from tests.conftest import NO_POSTGRES, POSTGRES
from tests.rules.tree import ROOT
from tests.server_kit import Server, schema, server, wait_for
from volundr.api.security import server_site
from volundr.cli.main import volundr
from volundr.domain.errors import Invalid
from volundr.local import runfile
from volundr.local.keepers import Condition, Keepers
from volundr.local.listeners import names
from volundr.store.opening import open_up_to_date

needs_postgres = pytest.mark.skipif(not POSTGRES, reason=NO_POSTGRES)


def test_several_workers_need_postgres_and_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOLUNDR_HOME", str(tmp_path))
    monkeypatch.delenv("VOLUNDR_DATABASE_URL", raising=False)
    done = CliRunner().invoke(volundr, ["serve"])
    assert done.exit_code == 1
    assert "4 workers need a Postgres database" in done.output
    assert "--workers 1" in done.output


def test_a_server_answers_to_its_public_urls_and_its_own_names() -> None:
    site = server_site(8080, names("10.0.0.7"), ["https://forge.example.com/", "http://other:81"])
    assert site.url == "https://forge.example.com"
    assert {"forge.example.com", "other:81", "10.0.0.7:8080", "localhost:8080"} <= site.hosts
    assert {"https://forge.example.com", "http://other:81"} <= site.origins
    assert "http://forge.example.com" not in site.origins
    with pytest.raises(Invalid, match="not the address of a site"):
        server_site(8080, [], ["forge.example.com"])
    assert all(name for name in names("0.0.0.0"))


def test_whoever_waits_for_skuld_hears_that_it_is_up_or_hopeless() -> None:
    async def scenario() -> None:
        board = Keepers(["skuld"])
        waiting = asyncio.gather(board.ready(5))
        await asyncio.sleep(0)
        board.learn("skuld", Condition(up=True))
        await waiting
        board.learn("skuld", Condition(problem="no such file", failures=2))
        with pytest.raises(Exception, match="Skuld is not running: no such file"):
            await board.ready(5)
        assert not board.is_up("skuld")

    asyncio.run(scenario())


@pytest.mark.e2e
def test_one_worker_may_use_sqlite_and_sessions_outlive_the_server(tmp_path: Path) -> None:
    with server(tmp_path / "home", "", "--workers", "1") as one:
        one.up()
        made = one.ask("POST", "/api/v1/sessions", json={"name": "x", "agent": "demo"}).json()
        wait_for("the session to run", lambda: _status(one, made["id"]) == "running")
        skuld = runfile.read(one.home, "skuld")
        assert one.end() == 0
        assert skuld is not None
        assert skuld.alive()
        with server(one.home, "", "--workers", "1") as again:
            again.up()
            assert _status(again, made["id"]) == "running"
            assert runfile.read(one.home, "skuld") == skuld


def _until_ready(at: Server) -> None:
    wait_for("the server to be ready", lambda: at.ask("GET", "/readyz").status_code == 200)


def _status(at: Server, session_id: str) -> str:
    return str(at.ask("GET", f"/api/v1/sessions/{session_id}").json()["status"])


@pytest.mark.e2e
@needs_postgres
def test_whoever_comes_first_migrates_an_empty_database_and_the_others_wait(tmp_path: Path) -> None:
    """Twenty times, eight at once, as two replicas with four workers each."""

    async def at_once(url: str) -> None:
        for db in await asyncio.gather(*(open_up_to_date(url, tmp_path / "none", 2) for _ in range(8))):
            assert await db.fetch("SELECT id FROM sessions") == []
            await db.close()

    for _ in range(20):
        with schema() as url:
            asyncio.run(at_once(url))


@pytest.mark.e2e
@needs_postgres
def test_two_replicas_with_all_their_workers_start_on_an_empty_database(tmp_path: Path) -> None:
    with schema() as url, server(tmp_path / "a", url) as one, server(tmp_path / "b", url) as two:
        for replica in (one.up(), two.up()):
            assert len(replica.workers()) == 4
        two.token = one.token = max(one.token, two.token)  # one of them made the first administrator
        for replica in (one, two):
            assert replica.ask("GET", "/healthz").status_code == 200
            _until_ready(replica)
        made = one.ask("POST", "/api/v1/sessions", json={"name": "x", "agent": "demo", "start": False}).json()
        assert _status(two, made["id"]) == "created"
        assert (one.end(), two.end()) == (0, 0)


@pytest.mark.e2e
@needs_postgres
def test_a_killed_worker_is_replaced_and_the_others_answer_meanwhile(tmp_path: Path) -> None:
    with schema() as url, server(tmp_path / "home", url, "--workers", "2") as one:
        one.up()
        before = set(one.workers())
        os.kill(min(before), signal.SIGKILL)
        wait_for("a new worker", lambda: len(set(one.workers()) - before) == 1)
        wait_for("it to say so", lambda: one.said().count("worker started") == 3)
        assert all(one.ask("GET", "/api/v1/sessions").status_code == 200 for _ in range(20))


@pytest.mark.e2e
@needs_postgres
def test_workers_are_renewed_without_a_request_that_fails(tmp_path: Path) -> None:
    with schema() as url, server(tmp_path / "home", url, "--workers", "2") as one:
        one.up()
        before, over = set(one.workers()), threading.Event()
        with ThreadPoolExecutor() as pool:
            asking = [pool.submit(_ask_until, one, over) for _ in range(4)]
            one.process.send_signal(signal.SIGHUP)
            wait_for("new workers", lambda: "workers renewed" in one.said())
            over.set()
            answers = [status for future in asking for status in future.result()]
        assert set(answers) == {200}
        assert len(answers) > 20
        assert before.isdisjoint(one.workers())


def _ask_until(at: Server, over: threading.Event) -> list[int]:
    found = []
    while not over.is_set():
        found.append(at.ask("GET", "/api/v1/sessions").status_code)
    return found


@pytest.mark.e2e
@needs_postgres
def test_streams_end_in_good_order_when_the_server_ends(tmp_path: Path) -> None:
    with schema() as url, server(tmp_path / "home", url, "--workers", "2") as one:
        one.up()
        with httpx.stream("GET", f"{one.url}/api/v1/stream", headers=one.headers, timeout=30) as answer:
            lines = answer.iter_lines()
            assert next(lines).startswith("retry")
            begun = time.monotonic()
            one.process.send_signal(signal.SIGTERM)
            list(lines)  # raises when the connection is cut within an answer
        assert one.process.wait(30) == 0
        assert time.monotonic() - begun < 10


@pytest.mark.e2e
@needs_postgres
def test_workers_end_when_their_parent_was_killed(tmp_path: Path) -> None:
    with schema() as url, server(tmp_path / "home", url, "--workers", "2") as one:
        workers = one.up().workers()
        one.process.kill()
        one.process.wait(10)
        wait_for("the workers to be gone", lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


def _build() -> Any:
    spec = importlib.util.spec_from_file_location("build", ROOT / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.e2e
def test_without_postgres_requests_are_told_so_and_with_it_they_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build = _build()
    if build.postgres_binaries() is None:
        pytest.skip("PostgreSQL is not installed")
    monkeypatch.delenv("VOLUNDR_TEST_POSTGRES", raising=False)
    cluster = build.Postgres()
    with cluster as url:
        with server(tmp_path / "home", url, "--workers", "2") as one:
            one.up()
            data, log = os.path.join(cluster.folder, "data"), os.path.join(cluster.folder, "log")
            options = Path(data, "postmaster.opts").read_text().split(" ", 1)[1].strip().replace('"', "")
            options = options.partition(f"-D {data}")[2]
            cluster.call("pg_ctl", "-D", data, "-m", "fast", "-w", "stop")
            paths = [
                "/healthz",
                "/readyz",
                "/api/v1/sessions",
                "/api/v1/presets",
                "/api/v1/sessions/00000000-0000-0000-0000-000000000000",
            ]
            for path in paths * 3:
                answer = one.ask("GET", path)
                assert answer.status_code == 503, (path, answer.text)
                assert answer.headers["content-type"] == "application/problem+json", path
            post = one.ask("POST", "/api/v1/sessions", json={"name": "x", "agent": "demo"})
            assert post.status_code == 503
            keyed = httpx.post(
                f"{one.url}/api/v1/sessions",
                headers={**one.headers, "idempotency-key": "k"},
                json={"name": "x", "agent": "demo", "start": False},
                timeout=20,
            )
            assert keyed.status_code == 503
            before = one.workers()
            cluster.call("pg_ctl", "-D", data, "-w", "-l", log, "-o", options, "start")
            wait_for("the server to be well again", lambda: one.ask("GET", "/readyz").status_code == 200, 20)
            assert all(one.ask("GET", "/api/v1/sessions").status_code == 200 for _ in range(20))
            assert sorted(one.workers()) == sorted(before), "no worker had to be started again"
            cluster.call("pg_ctl", "-D", data, "-m", "fast", "-w", "stop")  # now it is killed: see that its workers end even so
        cluster.call("pg_ctl", "-D", data, "-w", "-l", log, "-o", options, "start")
