"""People come and go: reconnects, aborted sockets, sessions made and deleted. Processes, descriptors and memory stay as they are.

A part of each crowd warms the processes up; then they are measured, before and after the rest of it.
"""

import asyncio
import json
import os
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.bench._kit import memory, printing_forge
from tests.e2e.forge import Forge, wait_for
from tests.kill.cuts import CutClient, Line
from volundr.process import Tasks

pytestmark = pytest.mark.e2e

RECONNECTS, ABORTS, SESSIONS = 1000, 5000, 200
AT_ONCE = 8
SPARE_DESCRIPTORS = 3
SPARE_MB = 3.0
"""What a Python process may take in addition over a minute of work: a leak of 1 kB a socket would be 4 MB."""
SPARE_MB_SESSIONS = 4.0
"""What the forge keeps is bounded, but not full after so many: its last 4,096 events, rows it read, pages of the database. It
grows by 6 MB over the first 160 sessions, by 2 over the next 200, and not at all any more from 1,600 to 2,000."""
ROLES = ("forge", "skuld", "shim")


@pytest.fixture(scope="module")
def forge() -> Iterator[Forge]:
    """Its agent only prints: what is measured is not the agent."""
    with printing_forge() as running:
        yield running


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    processes: int
    descriptors: Mapping[str, int]
    pss: Mapping[str, float]
    own: Mapping[str, float]
    """MB that are this process's alone: what it shares is counted by PSS, and changes with who else runs."""


def look(forge: Forge) -> Look:
    pids = {role: forge.pid(role) for role in ROLES}
    return Look(
        processes=len(forge.processes()),
        descriptors={role: len(os.listdir(f"/proc/{pid}/fd")) for role, pid in pids.items()},
        pss={role: memory(pid)[0] for role, pid in pids.items()},
        own={role: own(pid) for role, pid in pids.items()},
    )


def own(pid: int) -> float:
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(float(row.split()[1]) for row in rows if row.startswith("Private_Dirty")) / 1000


def flat(forge: Forge, what: str, crowd: Callable[[int], object], count: int, spare: float = SPARE_MB, warm: int = 0) -> None:
    """The crowd of `count` after one of `warm`, else after a fifth of its own."""
    crowd(warm or count // 5)
    before = settled(forge, None)
    begun = time.monotonic()
    crowd(count if warm else count - count // 5)
    spent = time.monotonic() - begun
    after = settled(forge, before)
    print(f"\n{count} {what}, {spent:.0f} s: processes {before.processes} -> {after.processes}")
    for role in ROLES:
        print(
            f"  {role:6} descriptors {before.descriptors[role]} -> {after.descriptors[role]}, "
            f"PSS {before.pss[role]:.1f} -> {after.pss[role]:.1f} MB, of its own {before.own[role]:.1f} -> {after.own[role]:.1f}"
        )
    assert after.processes == before.processes
    for role in ROLES:
        assert after.descriptors[role] <= before.descriptors[role] + SPARE_DESCRIPTORS, role
        assert after.own[role] <= before.own[role] + spare, role


def settled(forge: Forge, before: Look | None) -> Look:
    """Once the last sockets are closed: when nothing has changed for a moment, or all is as it was."""
    seen: list[Look] = []

    def calm() -> Look | None:
        seen.append(look(forge))
        newest = seen[-1]
        if before is not None and newest.processes == before.processes and newest.descriptors == before.descriptors:
            return newest
        last = [(one.processes, dict(one.descriptors)) for one in seen[-20:]]
        return newest if len(last) == 20 and all(one == last[0] for one in last) else None

    return wait_for("the processes to be calm", calm, 40)


def test_a_thousand_reconnects(forge: Forge) -> None:
    session = forge.session("reconnects", agent="claude")["id"]

    async def crowd(count: int) -> None:
        async with Line(random.Random(0), int(forge.url.rpartition(":")[2]), whole=True).open() as line:
            client = CutClient(session, lambda: (forge.url, forge.token), line=line)
            tasks = Tasks()
            running = tasks.spawn(client.run(), name="chat")
            async with asyncio.timeout(120):
                for _ in range(count):
                    await client.attached.wait()
                    assert not running.done()
                    client.attached.clear()
                    assert client.socket is not None
                    await client.socket.close()
            await tasks.close()
            assert client.connections >= count

    flat(forge, "reconnects", lambda count: asyncio.run(crowd(count)), RECONNECTS)


def test_five_thousand_sockets_that_are_opened_and_aborted(forge: Forge) -> None:
    """At every stage: right after the connection, after half a request, after the handshake, in the middle of the records."""
    session = forge.session("aborts", agent="claude")["id"]
    port, chance = int(forge.url.rpartition(":")[2]), random.Random(5)
    stages = {"connected": 0, "half a request": 0, "request": 0, "handshake": 0, "attached": 0}

    async def one(http: httpx.AsyncClient) -> None:
        stage = chance.choice([*stages])
        stages[stage] += 1
        ticket = (await http.post(f"/api/v1/sessions/{session}/ticket")).json() if stage in {"handshake", "attached"} else None
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with suppress(ConnectionError):
            request = upgrade(session, port, forge.token, ticket["ticket"] if ticket else "none")
            if stage != "connected":
                writer.write(request[: len(request) // 2] if stage == "half a request" else request)
            if ticket:
                answer = await reader.readuntil(b"\r\n\r\n")
                assert b" 101 " in answer, answer
            if stage == "attached":
                writer.write(frame(json.dumps({"type": "attach", "epoch": "", "after": 0, "tail": 500})))
                await reader.readexactly(chance.randrange(2, 200))
        writer.transport.abort()

    async def crowd(count: int) -> None:
        headers = {"authorization": f"Bearer {forge.token}"}
        async with httpx.AsyncClient(base_url=forge.url, headers=headers, timeout=20) as http:
            await many(count, lambda: one(http))

    flat(forge, "sockets opened and aborted", lambda count: asyncio.run(crowd(count)), ABORTS)
    print(f"  {stages}")


async def many(count: int, one: Callable[[], Awaitable[None]]) -> None:
    """So many of it, a few at once."""
    left = count

    async def some() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            async with asyncio.timeout(30):
                await one()

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(some())


def upgrade(session: str, port: int, token: str, ticket: str) -> bytes:
    return (
        f"GET /s/{session}/ws/chat HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Authorization: Bearer {token}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Protocol: volundr.chat.v1, volundr.ticket.{ticket}\r\n\r\n"
    ).encode()


def frame(text: str) -> bytes:
    """A masked text frame; the mask is zero."""
    body = text.encode()
    assert len(body) < 126
    return bytes([0x81, 0x80 | len(body), 0, 0, 0, 0]) + body


def test_two_hundred_sessions_made_run_stopped_and_deleted(forge: Forge) -> None:
    async def one(http: httpx.AsyncClient) -> None:
        made = await http.post("/sessions", json={"name": f"s-{uuid4().hex}", "agent": "claude"})
        assert made.status_code < 300, made.text
        place = f"/sessions/{made.json()['id']}"
        await status(http, place, "running")
        assert (await http.post(f"{place}/stop")).status_code < 300
        await status(http, place, "stopped")
        assert (await http.delete(place)).status_code < 300

    async def crowd(count: int) -> None:
        headers = {"authorization": f"Bearer {forge.token}"}
        async with httpx.AsyncClient(base_url=f"{forge.url}/api/v1", headers=headers, timeout=20) as http:
            await many(count, lambda: one(http))

    kept = folders(forge)
    what = "sessions made, run, stopped and deleted"
    flat(forge, what, lambda count: asyncio.run(crowd(count)), SESSIONS, SPARE_MB_SESSIONS, warm=SESSIONS)
    assert folders(forge) == kept


async def status(http: httpx.AsyncClient, place: str, wanted: str) -> None:
    while (found := (await http.get(place)).json())["status"] != wanted:
        assert found["status"] != "failed", found
        await asyncio.sleep(0.02)


def folders(forge: Forge) -> set[Path]:
    return {path for kind in ("sessions", "workspaces") for path in (forge.home / kind).glob("*")}
