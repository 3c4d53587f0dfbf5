"""Sessions over HTTP, through the whole forge but its processes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.forge import Site, forge_in, in_forge
from volundr.domain.sessions.model import Activity, Status
from volundr.domain.sessions.ports import PodStatus


async def made(site: Site, name: str = "one", **more: Any) -> dict[str, Any]:
    answer = await site.http.post("/api/v1/sessions", json={"name": name, "agent": "demo", **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_created_session_starts_and_runs(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        session = await made(site)
        assert session["status"] == "starting"
        running = await site.until(session["id"], "running")
        assert running["error"] == running["step"] == ""
        spec = next(iter(site.pods.specs.values()))
        assert (spec.agent, spec.workspace) == ("demo", running["workspace"])
        assert (site.home / "workspaces" / session["id"]).is_dir()

    in_forge(tmp_path, scenario)


def test_a_session_may_wait_to_be_started(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        session = await made(site, start=False)
        assert session["status"] == "created"
        assert site.pods.starts == 0
        await site.http.post(f"/api/v1/sessions/{session['id']}/start")
        await site.until(session["id"], "running")

    in_forge(tmp_path, scenario)


def test_two_starts_at_once_make_one_pod(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        session = await made(site, start=False)
        answers = await asyncio.gather(*(site.http.post(f"/api/v1/sessions/{session['id']}/start") for _ in range(8)))
        assert {answer.status_code for answer in answers} == {200}
        await site.until(session["id"], "running")
        assert site.pods.starts == 1

    in_forge(tmp_path, scenario)


def test_a_failed_start_says_why_with_the_pods_last_words_and_can_be_tried_again(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        site.pods.outcome = PodStatus(state="failed", error="claude: not found", hint="Install it.", log_tail=["last words"])
        session = await made(site)
        failed = await site.until(session["id"], "failed")
        assert "claude: not found" in failed["error"] and "last words" in failed["error"]
        assert failed["hint"] == "Install it."
        site.pods.outcome = PodStatus(state="ready")
        await site.http.post(f"/api/v1/sessions/{session['id']}/start")
        assert (await site.until(session["id"], "running"))["error"] == ""

    in_forge(tmp_path, scenario)


@pytest.mark.parametrize("verb", ["stop", "delete"])
@pytest.mark.parametrize("state", list(Status))
def test_stop_and_delete_are_legal_in_every_state_and_twice(tmp_path: Path, state: Status, verb: str) -> None:
    async def scenario(site: Site) -> None:
        session = await made(site, start=False)
        await site.forge.db.run("UPDATE sessions SET status = :s", s=state.value)
        url = f"/api/v1/sessions/{session['id']}"
        for _ in range(2):
            answer = await (site.http.delete(url) if verb == "delete" else site.http.post(url + "/stop"))
            assert answer.status_code == (204 if verb == "delete" else 200), answer.text
        if verb == "delete":
            assert (await site.http.get(url)).status_code == 404
        else:
            await site.forge.service.settled(next(iter(site.pods.specs), None) or uuid4())

    in_forge(tmp_path, scenario)


def test_stopping_a_session_that_starts_ends_the_start(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        site.pods.hold = True
        session = await made(site)
        await site.until(session["id"], "provisioning")
        await site.http.post(f"/api/v1/sessions/{session['id']}/stop")
        await site.until(session["id"], "stopped")
        assert site.pods.pods == {}

    in_forge(tmp_path, scenario)


def test_a_forge_that_crashed_in_the_middle_is_taken_up_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with forge_in(tmp_path / "home") as site:
            ids = {}
            for state in ("starting", "provisioning", "stopping", "running"):
                session = await made(site, name=state, start=False)
                ids[state] = session["id"]
                await site.forge.db.run("UPDATE sessions SET status = :s WHERE id = :id", s=state, id=session["id"])
        async with forge_in(tmp_path / "home") as site:
            from uuid import UUID

            site.pods.pods[UUID(ids["provisioning"])] = PodStatus(state="ready")
            site.forge.start()
            await site.until(ids["starting"], "running")
            await site.until(ids["provisioning"], "running")
            await site.until(ids["stopping"], "stopped")
            gone = await site.until(ids["running"], "stopped")
            assert "pod is gone" in gone["error"]

    asyncio.run(main())


def test_a_pod_that_dies_is_noticed(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        site.forge.start()
        session = await made(site)
        await site.until(session["id"], "running")
        (pod,) = site.pods.pods
        site.pods.pods[pod] = PodStatus(state="failed", error="out of memory")
        site.pods.told.put_nowait(pod)
        failed = await site.until(session["id"], "failed")
        assert "out of memory" in failed["error"]

    in_forge(tmp_path, scenario)


def test_archive_hides_and_restore_brings_back(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        session = await made(site)
        await site.until(session["id"], "running")
        url = f"/api/v1/sessions/{session['id']}"
        archived = (await site.http.post(url + "/archive")).json()
        assert archived["status"] == "archived" and archived["archived_at"]
        assert (await site.http.get("/api/v1/sessions")).json()["items"] == []
        assert (await site.http.post(url + "/start")).status_code == 409
        assert (await site.http.post(url + "/restore")).json()["status"] == "stopped"

    in_forge(tmp_path, scenario)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"name": "Not A Label", "agent": "demo"}, "not a valid session name"),
        ({"name": "a", "agent": "demo", "colour": "red"}, "colour"),
        ({"name": "a", "agent": "demo", "source": {"type": "local", "path": "/nowhere/at/all"}}, "/nowhere/at/all"),
        ({"name": "a", "agent": "demo", "source": {"type": "git", "url": "ext::sh -c evil"}}, "ext"),
        ({"name": "a", "agent": "demo", "source": {"type": "moon"}}, "moon"),
        ({"name": "a", "agent": "no-such-agent"}, "no-such-agent"),
    ],
)
def test_bad_input_is_told_at_once_and_leaves_nothing(tmp_path: Path, body: dict[str, Any], says: str) -> None:
    async def scenario(site: Site) -> None:
        answer = await site.http.post("/api/v1/sessions", json=body)
        assert answer.status_code == 422, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert says in answer.text
        assert (await site.http.get("/api/v1/sessions")).json()["items"] == []

    in_forge(tmp_path, scenario)


def test_a_taken_name_is_a_conflict(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        await made(site)
        answer = await site.http.post("/api/v1/sessions", json={"name": "one", "agent": "demo"})
        assert (answer.status_code, "already" in answer.json()["detail"]) == (409, True)

    in_forge(tmp_path, scenario)


def test_a_rename_with_an_old_revision_is_a_conflict(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        session = await made(site, start=False)
        url = f"/api/v1/sessions/{session['id']}"
        renamed = await site.http.patch(url, json={"name": "two", "revision": session["revision"]})
        assert renamed.json()["name"] == "two"
        again = await site.http.patch(url, json={"name": "three", "revision": session["revision"]})
        assert again.status_code == 409

    in_forge(tmp_path, scenario)


def test_a_body_over_the_limit_is_refused(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield b"x" * 100_000

        for content in (b"x" * 2_000_000, pieces()):
            answer = await site.http.post("/api/v1/sessions", content=content)
            assert answer.status_code == 413, answer.text

    in_forge(tmp_path, scenario)


def test_tickets_are_for_sessions_that_run(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        session = await made(site, start=False)
        url = f"/api/v1/sessions/{session['id']}"
        assert (await site.http.post(url + "/ticket")).status_code == 409
        await site.http.post(url + "/start")
        await site.until(session["id"], "running")
        ticket = (await site.http.post(url + "/ticket")).json()
        assert ticket["path"] == f"/s/{session['id']}/ws/chat" and ticket["ticket"]

    in_forge(tmp_path, scenario)


def test_what_is_unknown_is_a_problem_document(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        for path in ("/api/v1/nothing", f"/api/v1/sessions/{uuid4()}"):
            answer = await site.http.get(path)
            assert (answer.status_code, answer.json()["status"]) == (404, 404)
        assert (await site.http.put("/api/v1/me")).status_code == 405

    in_forge(tmp_path, scenario)


def test_the_conversation_is_read_without_starting_the_session(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        session = await made(site, start=False)
        path = f"/api/v1/sessions/{session['id']}/history"
        assert (await site.http.get(path)).json() == {"epoch": "", "records": []}
        site.pods.said[UUID(session["id"])] = b'{"epoch":"e","records":[{"seq":1}]}'
        answer = await site.http.get(path, params={"before": 2, "limit": 7})
        assert (answer.content, answer.headers["content-type"]) == (b'{"epoch":"e","records":[{"seq":1}]}', "application/json")
        assert site.pods.read == [(None, 500), (2, 7)]
        assert (await site.http.get(path, params={"before": 0})).status_code == 422
        assert (await site.http.get(f"/api/v1/sessions/{uuid4()}/history")).status_code == 404
        assert (await site.http.get(path, headers={"authorization": "Bearer no"})).status_code == 401
        site.pods.broken = "Skuld does not answer"
        assert (await site.http.get(path)).status_code == 503

    in_forge(tmp_path, scenario)


def test_what_is_known_of_the_conversation_outlives_a_stop_and_a_failure(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        session = await made(site)
        path = f"/api/v1/sessions/{session['id']}"
        await site.until(session["id"], "running")
        known: dict[str, Any] = {"messages": 7, "model": "big", "cost_usd": 0.5}
        told = Activity(state="working", what="ls", **known)
        await site.forge.service.report(UUID(session["id"]), told)
        await site.http.post(f"{path}/stop")
        activity = (await site.until(session["id"], "stopped"))["activity"]
        assert activity | known == activity
        assert (activity["state"], activity["what"]) == ("stopped", "")
        assert activity["since"]
        site.pods.outcome = PodStatus(state="failed", error="no")
        activity = (await site.http.post(f"{path}/start")).json()["activity"]
        assert activity | known | {"state": "starting"} == activity
        activity = (await site.until(session["id"], "failed"))["activity"]
        assert activity | known | {"state": "failed"} == activity
        activity = (await site.http.post(f"{path}/archive")).json()["activity"]
        assert activity | known | {"state": "stopped"} == activity

    in_forge(tmp_path, scenario)
