"""The API with much stored: 10,000 sessions, 1,000,000 events and their sums, beside the same forge when it was empty.

Requests go through the whole app in one process, one after the other, without a network: what is compared is the databases'
part. On Postgres too when VOLUNDR_TEST_POSTGRES names one.
"""

import asyncio
import random
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import UUID, uuid4

import httpx

from tests.bench._kit import Row, percentile, show
from tests.conftest import POSTGRES, postgres_url
from tests.forge import Site, forge_in
from volundr.domain.chronicles import Telling
from volundr.domain.events import EventType, SessionEvent, event_id
from volundr.domain.sessions.model import Session, Status
from volundr.domain.tokens import TokenUse
from volundr.store.chronicles import ChronicleStore
from volundr.store.events import EventStore
from volundr.store.sessions import SessionStore
from volundr.store.tokens import TokenStore

SESSIONS, EVENTS, BATCH = 10_000, 1_000_000, 1000
TOLD = 2000
"""Sessions that have a chronicle and uses of tokens."""
ROUNDS = 200
NOW = datetime.now(UTC)
KINDS = (EventType.TOOL_USE, EventType.MESSAGE_ASSISTANT, EventType.TOKEN_USAGE, EventType.FILE_MODIFIED)

type Ask = Callable[[httpx.AsyncClient, int], Awaitable[httpx.Response]]


def session(number: int) -> Session:
    at = NOW - timedelta(minutes=number)
    return Session(
        name=f"session-{number}",
        agent="demo",
        owner_id="local" if number % 10 else "ann",
        branch=f"volundr/session-{number}",
        created_at=at,
        updated_at=at,
        last_active=at,
        status=Status.STOPPED if number % 3 else Status.CREATED,
    )


def event(whose: UUID, number: int) -> SessionEvent:
    kind = KINDS[number % len(KINDS)]
    return SessionEvent(
        id=event_id(whose, "e", number, kind),
        session_id=whose,
        tenant_id="default",
        owner_id="local",
        epoch="e",
        sequence=number,
        type=kind,
        at=NOW - timedelta(seconds=number),
        data={"tool": "Bash"},
        tokens_in=number % 1000,
        model="claude-sonnet-4-5",
    )


async def fill(site: Site) -> tuple[Sequence[Session], float]:
    """Everything that is stored, and how many events a second went in."""
    db = site.forge.db
    store, events = SessionStore(db), EventStore(db)
    sessions = [session(number) for number in range(SESSIONS)]
    for one in sessions:
        await store.add(one)
    each, begun = EVENTS // SESSIONS, perf_counter()
    for first in range(0, SESSIONS, BATCH // each):
        some = sessions[first : first + BATCH // each]
        await events.add([event(one.id, number) for one in some for number in range(1, each + 1)])
    rate = EVENTS / (perf_counter() - begun)
    chronicles, tokens = ChronicleStore(db), TokenStore(db)
    for number, one in enumerate(sessions[:TOLD]):
        words = random.Random(number).choices(("login", "cache", "parser", "retry", "socket", "ledger", "harbor"), k=5)
        await chronicles.tell(one, Telling(epoch="e", seq=1, summary=" ".join(words)))
        at = NOW - timedelta(hours=number % 700)
        use = TokenUse(epoch="e", seq=1, turn=1, model=f"model-{number % 7}", input=900, output=90, cost_usd=0.01, at=at)
        await tokens.add(replace(one, owner_id="local"), [use])
    if db.kind == "postgres":
        await db.run("ANALYZE")
    return sessions, rate


def asks(known: Sequence[Session], cursor: str) -> Mapping[str, Ask]:
    """What is asked, with things that are there."""

    def get(path: str, **params: Any) -> Ask:
        return lambda http, number: http.get(f"/api/v1/{path.format(id=known[number % len(known)].id)}", params=params)

    def create(http: httpx.AsyncClient, _: int) -> Awaitable[httpx.Response]:
        body = {"name": f"n{uuid4().hex[:12]}", "agent": "demo", "source": {"type": "empty"}, "start": False}
        return http.post("/api/v1/sessions", json=body)

    def one(http: httpx.AsyncClient, number: int) -> Awaitable[httpx.Response]:
        return http.post(f"/api/v1/sessions/{known[number % len(known)].id}/events", json=_told())

    def batch(http: httpx.AsyncClient, number: int) -> Awaitable[httpx.Response]:
        path = f"/api/v1/sessions/{known[number % len(known)].id}/events/batch"
        return http.post(path, json={"events": [_told() for _ in range(100)]})

    return {
        "list of 20 sessions": get("sessions", limit=20),
        "the same, far down": get("sessions", limit=20, cursor=cursor),
        "by status": get("sessions", limit=20, status="stopped"),
        "of everybody": get("sessions", limit=20, owner="all"),
        "one session": get("sessions/{id}"),
        "create a session": create,
        "one event in": one,
        "100 events in": batch,
        "events of a session": get("sessions/{id}/events", limit=50),
        "counts of events": get("sessions/{id}/events/counts"),
        "tokens in time": get("sessions/{id}/events/tokens"),
        "chronicles by words": get("chronicles", q="harbor cache", limit=20),
        "workspaces": get("workspaces", limit=20),
        "statistics": get("stats"),
        "usage by day": get("stats/usage", by="day"),
        "usage by session": get("stats/usage", by="session", limit=50),
        "audit log": get("audit", limit=50),
    }


def _told() -> dict[str, Any]:
    sequence = random.randrange(10**6, 10**9)
    return {"type": "tool_use", "at": NOW.isoformat(), "sequence": sequence, "data": {"tool": "Bash"}, "tokens_in": 3}


async def timed(site: Site, known: Sequence[Session]) -> Mapping[str, Sequence[float]]:
    """Milliseconds of each request."""
    deep = (await site.http.get("/api/v1/sessions", params={"limit": 200})).json()
    for _ in range(20):
        if deep["next"]:
            deep = (await site.http.get("/api/v1/sessions", params={"limit": 200, "cursor": deep["next"]})).json()
    found: dict[str, Sequence[float]] = {}
    for name, ask in asks(known, deep["next"] or "").items():
        times = []
        for number in range(ROUNDS if "100" not in name else ROUNDS // 4):
            begun = perf_counter()
            answer = await ask(site.http, number)
            times.append((perf_counter() - begun) * 1000)
            if answer.status_code not in {200, 201}:
                raise RuntimeError(f"{name}: {answer.status_code} {answer.text}")
        found[name] = times[5:]
    return found


async def measured(place: str, home: Path, url: str) -> None:
    async with forge_in(home, url) as site:
        first = replace(session(1), name="first", created_at=NOW + timedelta(hours=1))
        await SessionStore(site.forge.db).add(first)
        empty = await timed(site, [first])
        begun = perf_counter()
        sessions, rate = await fill(site)
        seconds = perf_counter() - begun
        mine = [one for one in sessions if one.owner_id == "local"]
        full = await timed(site, random.Random(1).choices(mine, k=500))
    rows = []
    for name, times in full.items():
        note = f"ms; p99 {percentile(times, 99):.1f}"
        rows.append(Row(what=name, value=percentile(times, 50), unit=note, floor=percentile(empty[name], 50)))
    rows.append(Row(what=f"{EVENTS:,} events stored, {BATCH} at once", value=rate, unit=f"1/s; all of it took {seconds:.0f} s"))
    show(f"{place}: {SESSIONS:,} sessions, {EVENTS:,} events; the floor is the same forge when it was empty", rows)


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        await measured("SQLite", Path(folder) / "home", "")
    if not POSTGRES:
        print("Postgres is left out: set VOLUNDR_TEST_POSTGRES to the address of one.", file=sys.stderr)
        return
    async with postgres_url() as url:
        with tempfile.TemporaryDirectory() as folder:
            await measured("Postgres", Path(folder) / "home", url)


if __name__ == "__main__":
    asyncio.run(main())
