"""What 10,000 sessions and 1,000,000 events cost those who ask: each figure beside the same with next to nothing stored.

`python -m tests.bench.stored` measures on SQLite, and on Postgres when VOLUNDR_TEST_POSTGRES says where one is.
"""

import asyncio
import json
import os
import socket
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from statistics import median

from tests import crowd
from tests.bench._kit import Row, cpu, memory, percentile, printing_forge, show
from tests.conftest import POSTGRES, postgres_url
from tests.e2e.forge import Forge
from volundr.db.database import Database
from volundr.store.opening import open_database

SESSIONS = 10_000
EVENTS = 1_000_000
USES = 1_000_000
LARGE = 20_000
"""Events of the one session that has many."""
SECONDS = 2.0
WARM = 20
BATCH = 100
KINDS = ("message_user", "message_assistant", "tool_use", "file_modified", "token_usage")

type Request = Callable[[], tuple[str, str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    p50: float
    p99: float
    of_core: float
    """How many a second one core of the forge would answer, whatever else the machine does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Things:
    """Ids of what is measured; `told` is told of events, so that `session` keeps as many as it had, and `large` is the one
    with many, once there is one."""

    session: str
    told: str
    large: str = ""
    cursor: str = ""


class Client:
    """One connection, one request after the other, by a client that costs next to nothing."""

    def __init__(self, forge: Forge) -> None:
        host, _, port = forge.url.removeprefix("http://").partition(":")
        self._head = f"host: {host}:{port}\r\nauthorization: Bearer {forge.token}\r\n"
        self._socket = socket.create_connection((host, int(port)), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, method: str, path: str, body: object = None) -> bytes:
        text = b"" if body is None else json.dumps(body).encode()
        kind = "content-type: application/json\r\n" if text else ""
        head = f"{method} /api/v1{path} HTTP/1.1\r\n{self._head}{kind}content-length: {len(text)}\r\n\r\n"
        self._socket.sendall(head.encode() + text)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._socket.recv(1 << 20)
        top, _, found = answer.partition(b"\r\n\r\n")
        assert top.startswith(b"HTTP/1.1 2"), (path, top, found)
        length = int(top.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        while len(found) < length:
            found += self._socket.recv(1 << 20)
        return found

    def close(self) -> None:
        self._socket.close()


def measured(forge: Forge, client: Client, request: Request) -> Found:
    for _ in range(WARM):
        client.ask(*request())
    spent, pid = list[float](), forge.pid("forge")
    used, end = cpu(pid), time.perf_counter() + SECONDS
    while time.perf_counter() < end or len(spent) < WARM:
        asked = request()
        begun = time.perf_counter()
        client.ask(*asked)
        spent.append(time.perf_counter() - begun)
    used = max(cpu(pid) - used, 0.01)
    return Found(p50=median(spent) * 1000, p99=percentile(spent, 99) * 1000, of_core=len(spent) / used)


# --- what is asked ----------------------------------------------------------------------------------------------------


def event(sequence: int) -> dict[str, object]:
    now, kind = datetime.now(UTC).isoformat(), KINDS[sequence % len(KINDS)]
    told = {"type": kind, "sequence": sequence, "at": now, "id": str(uuid.uuid4()), "data": {"text": "a few words"}}
    return told | ({"tokens_in": 1000, "tokens_out": 50, "model": "sonnet"} if kind == "token_usage" else {})


def requests(things: Things) -> Iterator[tuple[str, Request]]:
    run, numbers = uuid.uuid4().hex[:6], count(1000)

    def get(path: str) -> Request:
        return lambda: ("GET", path, None)

    def create() -> tuple[str, str, object]:
        return "POST", "/sessions", {"name": f"n-{run}-{next(numbers)}", "agent": "claude", "start": False}

    def tell() -> tuple[str, str, object]:
        return "POST", f"/sessions/{things.told}/events", event(next(numbers))

    def tell_many() -> tuple[str, str, object]:
        return "POST", f"/sessions/{things.told}/events/batch", {"events": [event(next(numbers)) for _ in range(BATCH)]}

    session = f"/sessions/{things.session}"
    yield "list 20 sessions", get("/sessions?limit=20")
    if things.cursor:
        yield "… a page far behind the first", get(f"/sessions?limit=20&cursor={things.cursor}")
    yield "… of one agent and status", get("/sessions?limit=20&agent=claude&status=created")
    yield "… of everybody", get("/sessions?limit=20&owner=all")
    yield "… by last use", get("/sessions?limit=20&sort=-last_active")
    yield "… with a word that is in few", get("/sessions?limit=20&q=measured")
    yield "get a session", get(session)
    yield "query 50 events", get(f"{session}/events")
    yield "… of one type, newest first", get(f"{session}/events?type=token_usage&sort=-sequence")
    yield "counts of events", get(f"{session}/events/counts")
    yield "token timeline", get(f"{session}/events/tokens")
    if things.large:
        yield f"query 50 of {LARGE:,} events", get(f"/sessions/{things.large}/events?sort=-sequence")
        yield f"counts of {LARGE:,} events", get(f"/sessions/{things.large}/events/counts")
        yield f"token timeline of {LARGE:,} events", get(f"/sessions/{things.large}/events/tokens?bucket_seconds=3600")
    yield "usage of a session", get(f"{session}/usage")
    yield "list 20 chronicles", get("/chronicles?limit=20")
    yield "search chronicles", get("/chronicles?q=measured&limit=20")
    yield "open questions", get("/permissions")
    yield "workspaces", get("/workspaces")
    yield "statistics", get("/stats")
    yield "statistics of 30 days by day", get("/stats/usage?by=day")
    yield "statistics of 30 days by session", get("/stats/usage?by=session")
    yield "create a session", create
    yield "tell one event", tell
    yield f"tell {BATCH} events", tell_many


def asked(forge: Forge, things: Things) -> Mapping[str, Found]:
    client = Client(forge)
    try:
        return {what: measured(forge, client, request) for what, request in requests(things)}
    finally:
        client.close()


# --- what is stored ---------------------------------------------------------------------------------------------------


def settle(forge: Forge) -> Things:
    """The first rows, which the others are made from."""
    made = [forge.api("POST", "/sessions", {"name": f"measured-{n}", "agent": "claude", "start": False}) for n in range(20)]
    for session in made:
        forge.api("POST", "/chronicles", {"session_id": session["id"]})
    first = str(made[0]["id"])
    forge.api("POST", f"/sessions/{first}/events/batch", {"events": [event(number) for number in range(BATCH)]})
    return Things(session=first, told=str(made[1]["id"]))


async def fill(url: str, file: Path, things: Things) -> str:
    """Returns the id of the session with many events."""
    db = await open_database(url, file)
    try:
        say, now = crowd.Dialect(db.kind), datetime.now(UTC).timestamp() - 3600
        await _sessions(db, say, now)
        await _events(db, say, now, things)
        await _uses(db, say, now)
        await db.run("ANALYZE" if db.kind == "postgres" else "PRAGMA wal_checkpoint(TRUNCATE)")
        return str((await db.fetch(f"SELECT {say.uuid('1')} AS id"))[0]["id"])
    finally:
        await db.close()


async def _sessions(db: Database, say: crowd.Dialect, now: float) -> None:
    whose = {"owner_id": "CASE WHEN n % 2 = 1 THEN first.owner_id ELSE 'o' || n % 50 END"}
    whose["tenant_id"] = "CASE WHEN n % 4 = 0 THEN 't' || n % 8 ELSE first.tenant_id END"
    times = {name: say.time(now, 300) for name in ("created_at", "updated_at", "last_active")}
    status = "CASE WHEN n < 5000 THEN 'archived' WHEN n % 10 = 0 THEN 'created' ELSE 'stopped' END"
    made = {"id": say.uuid(), "name": "'session-' || n", "status": status, "workspace": "'/nowhere/' || n"}
    archived = "CASE WHEN n < 5000 THEN first.created_at ELSE NULL END"
    await crowd.multiply(db, "sessions", SESSIONS, {**made, **whose, **times, "archived_at": archived})
    times.pop("last_active")
    words = "'fix the ' || n || CASE WHEN n % 500 = 0 THEN ' lighthouse' ELSE ' harbour' END || ' repository branch words'"
    ids = {"id": say.uuid("n + 1000000"), "origin": say.uuid(), "session_id": say.uuid()}
    told = {"status": "CASE WHEN n % 10 = 0 THEN 'draft' ELSE 'complete' END", "completed_at": "first.created_at"}
    told |= {"name": "'session-' || n", "place": "first.place + n", "words": words, "summary": words}
    await crowd.multiply(db, "chronicles", SESSIONS, {**ids, **told, **whose, **times})


async def _events(db: Database, say: crowd.Dialect, now: float, things: Things) -> None:
    kinds = " ".join(f"WHEN {number} THEN '{kind}'" for number, kind in enumerate(KINDS))
    last = (await db.fetch("SELECT MAX(number) AS last FROM session_events"))[0]["last"]
    place = f"CASE WHEN n <= {LARGE} THEN 1 ELSE n % {SESSIONS - 1} + 2 END"
    made = {"number": f"{last} + n", "id": say.uuid(), "session_id": say.uuid(place), "sequence": "n"}
    made |= {"type": f"CASE n % {len(KINDS)} {kinds} END", "at": say.time(now, 3), "stored_at": say.time(now, 3)}
    for name, value in (("tokens_in", 1000), ("tokens_out", 50)):
        made[name] = f"CASE WHEN n % {len(KINDS)} = 4 THEN {value} ELSE NULL END"
    await crowd.multiply(db, "session_events", EVENTS, made, f"session_id = '{things.session}'")
    await db.run("UPDATE event_counter SET last = :last", last=last + EVENTS)


async def _uses(db: Database, say: crowd.Dialect, now: float) -> None:
    """A million, and what is added up of them."""
    for table in ("token_uses", "usage_sessions", "usage_slots", "usage_periods"):
        await crowd.begin(db, table)
    first = (await db.fetch("SELECT tenant_id, owner_id FROM sessions ORDER BY created_at DESC LIMIT 1"))[0]
    tenant, owner = f"'{first['tenant_id']}'", f"'{first['owner_id']}'"
    model, counts = "'model ' || n % 5", {"input": "1000", "output": "50", "uses": "100"}
    whose = {"tenant_id": tenant, "owner_id": f"CASE WHEN n % 2 = 1 THEN {owner} ELSE 'o' || n % 50 END"}
    place = f"n % {SESSIONS} + 1"
    use = {"session_id": say.uuid(place), "epoch": "'e'", "seq": "n", "model": model, "at": say.time(now, 3), "turn": "n"}
    priced = {"cost_micros": "3000", "input": "1000", "output": "50"}
    await crowd.multiply(db, "token_uses", USES, use | whose | priced)
    names = {"name": "'session-' || n", "repo": "'repo ' || n % 40"}
    times = {"first_at": say.time(now, 300), "last_at": say.time(now, 300)}
    await crowd.multiply(db, "usage_sessions", SESSIONS, {"session_id": say.uuid()} | whose | names | times | counts)
    slots = {"slot": f"{int(now) // 900} - n / 10", "model": model, "repo": names["repo"]}
    await crowd.multiply(db, "usage_slots", 10 * 96 * 60, whose | slots | counts)


# --- both together ----------------------------------------------------------------------------------------------------


def compare(title: str, url: str) -> None:
    with printing_forge() as forge:
        if url:
            with (forge.home / "config.toml").open("a") as config:
                config.write(f'\n[database]\nurl = "{url}"\n')
            forge.down()
            forge.up()
        things = settle(forge)
        empty = asked(forge, things)
        forge.down()
        begun = time.perf_counter()
        large = asyncio.run(fill(url, forge.home / "volundr.db", things))
        print(f"{title}: filled in {time.perf_counter() - begun:.0f} s", file=sys.stderr)
        begun = time.perf_counter()
        forge.up()
        start = time.perf_counter() - begun
        quiet = until_quiet(forge)
        things = replace(things, large=large, cursor=far(forge))
        full = asked(forge, things)
        weight = memory(forge.pid("forge"))[0]
    rows = [Row(what="start, until it listens", value=start, unit="s", budget="< 5")]
    rows.append(Row(what="… until all that was missed is made up for", value=start + quiet, unit="s"))
    rows.append(Row(what="the forge's memory after all this, PSS", value=weight, unit="MB", budget="< 500"))
    for what, found in full.items():
        before = empty.get(what)
        rows.append(Row(what=f"{what}, p50", value=found.p50, unit="ms", floor=before.p50 if before else None))
        budget = "< 50" if what.startswith(("list", "…")) else ""
        rows.append(Row(what=f"{what}, p99", value=found.p99, unit="ms", floor=before.p99 if before else None, budget=budget))
        rows.append(Row(what=f"{what}, one core", value=found.of_core, unit="1/s", floor=before.of_core if before else None))
    show(f"{title}: {SESSIONS:,} sessions, {EVENTS:,} events, {USES:,} uses; the floor is the same with 20 sessions", rows)


def until_quiet(forge: Forge) -> float:
    """Seconds until the forge has nothing to do."""
    begun, pid = time.perf_counter(), forge.pid("forge")
    used = -1.0
    while (now := cpu(pid)) - used > 0.03:
        used = now
        time.sleep(1)  # a measurement, not a test
    return time.perf_counter() - begun


def far(forge: Forge) -> str:
    """A cursor some thousands of sessions behind the first page."""
    cursor = ""
    for _ in range(20):
        cursor = forge.api("GET", f"/sessions?limit=100&cursor={cursor}")["next"] or cursor
    return cursor


async def on_postgres() -> None:
    async with postgres_url() as url:
        await asyncio.to_thread(compare, "Postgres", url)


if __name__ == "__main__":
    only = os.environ.get("VOLUNDR_BENCH_DATABASE", "")
    if only in {"", "sqlite"}:
        compare("SQLite", "")
    if only in {"", "postgres"} and POSTGRES:
        asyncio.run(on_postgres())
    elif not POSTGRES:
        print("Postgres is not measured: VOLUNDR_TEST_POSTGRES says of none.", file=sys.stderr)
