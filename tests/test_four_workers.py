"""`volundr serve` with four workers on Postgres: twelve streams, a thousand changes, each heard once and in order."""

import asyncio
import json
from collections import defaultdict
from pathlib import Path

import httpx
import pytest

from tests.conftest import NO_POSTGRES, POSTGRES
from tests.server_kit import Server, schema, server

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(not POSTGRES, reason=NO_POSTGRES)]

STREAMS, SESSIONS, ROUNDS = 12, 20, 50
LIMIT = 120.0


async def listen(running: Server, wanted: int, ready: asyncio.Event) -> list[tuple[int, str, int]]:
    """(id, session, revision) of so many events, from one connection."""
    found: list[tuple[int, str, int]] = []
    async with (
        httpx.AsyncClient(base_url=running.url, headers=running.headers, timeout=LIMIT) as http,
        http.stream("GET", "/api/v1/stream") as answer,
    ):
        event_id, kind = 0, ""
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if line == ": hello":
                ready.set()
            elif name == "id":
                event_id = int(value)
            elif name == "event":
                kind = value
            elif name == "data":
                assert kind == "session", (kind, value)
                data = json.loads(value)
                found.append((event_id, data["id"], data["revision"]))
                if len(found) == wanted:
                    return found
    raise AssertionError(f"the stream ended after {len(found)} events")


async def change(running: Server, session_id: str) -> None:
    async with httpx.AsyncClient(base_url=running.url, headers=running.headers, timeout=LIMIT) as http:
        for number in range(ROUNDS):
            answer = await http.patch(f"/api/v1/sessions/{session_id}", json={"name": f"n{number}-{session_id[:8]}"})
            assert answer.status_code == 200, answer.text


async def play(running: Server) -> None:
    async with httpx.AsyncClient(base_url=running.url, headers=running.headers, timeout=LIMIT) as http:
        made = [
            (await http.post("/api/v1/sessions", json={"name": f"s{number}", "agent": "demo", "start": False})).json()["id"]
            for number in range(SESSIONS)
        ]
    ready = [asyncio.Event() for _ in range(STREAMS)]
    async with asyncio.timeout(LIMIT), asyncio.TaskGroup() as group:
        listening = [group.create_task(listen(running, SESSIONS * ROUNDS, one)) for one in ready]
        for one in ready:
            await one.wait()
        for session_id in made:
            group.create_task(change(running, session_id))
    heard = [task.result() for task in listening]
    assert all(one == heard[0] for one in heard)
    ids = [event_id for event_id, _, _ in heard[0]]
    assert ids == sorted(set(ids))
    revisions = defaultdict(list)
    for _, session_id, revision in heard[0]:
        revisions[session_id].append(revision)
    assert dict(revisions) == {session_id: list(range(2, ROUNDS + 2)) for session_id in made}


def test_twelve_streams_over_four_workers_hear_each_of_a_thousand_changes_once_and_in_order(tmp_path: Path) -> None:
    with schema() as url, server(tmp_path / "home", url) as started:
        running = started.up()
        assert len(running.workers()) == 4
        asyncio.run(play(running))


def test_forty_who_start_a_session_at_once_start_it_once(tmp_path: Path) -> None:
    async def main(running: Server) -> None:
        async with httpx.AsyncClient(base_url=running.url, headers=running.headers, timeout=LIMIT) as http:
            made = (await http.post("/api/v1/sessions", json={"name": "s", "agent": "demo", "start": False})).json()
            path = f"/api/v1/sessions/{made['id']}"
            archived = await asyncio.gather(*(http.post(f"{path}/archive", headers={"connection": "close"}) for _ in range(40)))
            assert sorted(one.status_code for one in archived) == [200] + [409] * 39

    with schema() as url, server(tmp_path / "home", url) as started:
        asyncio.run(main(started.up()))
