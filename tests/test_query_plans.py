"""No query of a route reads a table from end to end: every GET route is asked, what it asks of the database is written down
and asked again of 10,000 rows a table. A new route is covered as soon as it is in the document."""

import asyncio
import json
import re
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from tests import crowd
from tests.conftest import NO_POSTGRES, POSTGRES, postgres_url
from tests.forge import Site, forge_in
from volundr.db import postgres, sqlite
from volundr.db.database import Connection, Database, Query, Row
from volundr.document import openapi_document
from volundr.store.changes import ChangeLog
from volundr.store.event_cursors import CursorStore, EventSweep
from volundr.store.events import EventStore

ROWS = 10_000
READ_MOST = 3_000
"""Rows that one query may look at of those 10,000: a page and what a filter passes over on its way there."""
STEPS_MOST = 30_000
"""The same for SQLite, in steps of its machine: a look at every row takes more."""
MAY_READ_ALL: Mapping[str, str] = {
    r"strpos\(lower|instr\(lower": "words looked for in a list of one's own: it ends with the page when there are many",
    r"FROM sessions (WHERE .*)?GROUP BY status": "counts of sessions: metrics and statistics, from an index alone",
    r"json_each\(tags\)|jsonb_array_elements_text\(tags\)": "tags: passes over those without it until the page is full",
    r"FROM (tenants|users) ": "a tree of tenants and its people: administrators look at it, and there are not many",
    r"\) AS stored": "workspaces: of two tables, sorted by size or last use",
    r"\) AS waiting": "how many events wait for a sink: counts no further than LAG_MOST",
    r"DELETE FROM changes": "removes what it reads",
}
FEW: Mapping[str, int] = {"open_questions": 50}
"""Of which there are never many: an agent waits for each."""
PREFIX = "/api/v1/"
CAN = "It can by: "
SKIPPED = re.compile(r"^/(s/|manage/|api/v1/stream)|/(logs|history)$")
"""What Skuld answers, and the stream, which does not end."""


@dataclass(slots=True)
class Asked:
    params: Mapping[str, Any]
    by: str


@dataclass(slots=True)
class Book:
    """Every query once, with what was asked first and by which route."""

    by: str = "start"
    found: dict[str, Asked] = field(default_factory=dict)

    def note(self, sql: str, params: Mapping[str, Any]) -> None:
        if sql.lstrip()[:6].upper() in {"SELECT", "INSERT", "UPDATE", "DELETE"} or sql.lstrip().startswith("WITH"):
            self.found.setdefault(sql, Asked(dict(params), self.by))


class Noted(Connection):
    def __init__(self, inner: Connection, kind: str, book: Book) -> None:
        self._inner, self._kind, self._book = inner, kind, book

    async def run(self, query: Query, **params: Any) -> list[Row]:
        self._note(query, params)
        return await self._inner.run(query, **params)

    async def fetch(self, query: Query, **params: Any) -> list[Row]:
        self._note(query, params)
        return await self._inner.fetch(query, **params)

    def _note(self, query: Query, params: Mapping[str, Any]) -> None:
        text = query if isinstance(query, str) else query.sqlite if self._kind == "sqlite" else query.postgres
        self._book.note(text, params)


class NotedDatabase(Noted, Database):
    def __init__(self, inner: Database, book: Book) -> None:
        super().__init__(inner, inner.kind, book)
        self.kind = inner.kind
        self.whole = inner

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        async with self.whole.transaction() as tx:
            yield Noted(tx, self.kind, self._book)

    def heard(self, channel: str, seconds: float) -> AsyncGenerator[None]:
        return self.whole.heard(channel, seconds)

    async def close(self) -> None:
        await self.whole.close()


# --- asking -----------------------------------------------------------------------------------------------------------


async def settle(http: httpx.AsyncClient) -> dict[str, str]:
    """A few of everything that can be made, so that lists have a second page; ids by the name that paths have for them."""
    ids: dict[str, str] = {}

    async def make(path: str, parameter: str, key: str = "id", **body: object) -> str:
        answer = await http.post(PREFIX + path, json=body)
        assert answer.is_success, (path, answer.text)
        ids[parameter] = str(answer.json()[key])
        return ids[parameter]

    for name in ("one", "two", "three"):
        session = await make("sessions", "session_id", name=name, agent="demo", start=False)
        await make("chronicles", "chronicle_id", session_id=session)
        await make("presets", "preset_id", name=name)
        await make("prompts", "prompt_id", name=name, content="words", tags=["a"])
        await make("tracker/mappings", "mapping_id", repo=name, provider="p", project="A")
        await make("tenants", "tenant_id", id=name, name=name, parent_id="default")
        await make("users", "user_id", id=name, name=name, email=f"{name}@example.org")
        await make("access-tokens", "token_id", name=name)
        for what in (f"credentials/{name}", f"secrets/{name}"):
            put = await http.put(PREFIX + what, json={"type": "api_key", "values": {"api_key": "x"}})
            put = put if put.is_success else await http.put(PREFIX + what, json={"values": {"api_key": "x"}})
            assert put.is_success, put.text
    ids["workspace_id"] = ids["session_id"]
    await make("budgets", "budget_id", scope="tenant", period="month", limit_usd=1e6)
    return ids


document = lru_cache(openapi_document)


def sample(schema: Mapping[str, Any]) -> str:
    """A value that this filter takes."""
    for one in schema.get("anyOf", [schema]):
        if "$ref" in one:
            one = document()["components"]["schemas"][one["$ref"].rpartition("/")[2]]  # noqa: PLW2901
        if one.get("type") == "array":
            return sample(one["items"])
        if "enum" in one:
            return str(one["enum"][0])
        if one.get("format") in {"date-time", "date"}:
            at = (datetime.now(UTC) - timedelta(days=2)).isoformat(timespec="seconds")
            return at if one["format"] == "date-time" else at[:10]
        if one.get("type") in {"integer", "number"}:
            return str(one.get("default", 900))
        if one.get("type") == "boolean":
            return "true"
    return "one"


def questions(operation: Mapping[str, Any], sorts: list[str]) -> Iterator[dict[str, str]]:
    """As it is, then by each filter, each way to sort it, and of all owners."""
    asked = {one["name"]: one for one in operation.get("parameters", ()) if one["in"] == "query"}
    given = {name: sample(one["schema"]) for name, one in asked.items() if one.get("required")}
    yield given
    whole = {"owner": "all"} if "owner" in asked else {}
    if whole:
        yield given | whole
    for name in asked.keys() - {"cursor", "limit", "sort", "owner", *given}:
        yield given | {name: sample(asked[name]["schema"])}
        yield given | whole | {name: sample(asked[name]["schema"])}
    for sort in sorts:
        yield given | {"sort": sort}
        yield given | whole | {"sort": "-" + sort}


async def sorts_of(site: Site, url: str) -> list[str]:
    """As the refusal of a wrong one says them; none where nothing can be sorted."""
    refused = await site.http.get(url, params={"sort": "nothing"})
    hint = str(refused.json().get("hint") or "") if refused.status_code == 422 else ""
    return hint.removeprefix(CAN).rstrip(".").split(", ") if hint.startswith(CAN) else []


async def ask(site: Site, book: Book, ids: Mapping[str, str]) -> None:
    """Every GET route of the document."""
    for path, operations in sorted(document()["paths"].items()):
        if "get" not in operations or SKIPPED.search(path):
            continue
        book.by = path
        url = re.sub(r"{(\w+)}", lambda match: ids.get(match[1], "one"), path)
        sorts = await sorts_of(site, url)
        for question in questions(operations["get"], sorts):
            answer = await site.http.get(url, params=question | ({"limit": "1"} if sorts else {}))
            assert answer.status_code < 500 or answer.status_code == 503, (url, question, answer.text)
            if sorts and answer.is_success and (following := answer.json()["next"]):
                await site.http.get(url, params=question | {"limit": "1", "cursor": following})


async def work(site: Site, db: Database, book: Book, ids: Mapping[str, str]) -> None:
    """What is done without a GET: a session's life, sweeps, couriers, the stream."""
    book.by = "changes of a session"
    session = f"{PREFIX}sessions/{ids['session_id']}"
    await site.http.patch(session, json={"name": "renamed"})
    event = {"id": str(UUID(int=9)), "type": "token_usage", "sequence": 1, "at": datetime.now(UTC).isoformat(), "data": {}}
    event |= {"tokens_in": 1, "tokens_out": 1, "model": "m"}
    told = await site.http.post(f"{session}/events", json=event)
    assert told.is_success, told.text
    await site.http.post(f"{session}/archive")
    await site.http.post(f"{PREFIX}retention")
    book.by = "background"
    await EventStore(db).following(0, 100)
    await CursorStore(db).claim("sink", "me", 10)
    await CursorStore(db).health(["sink"])
    if db.kind == "postgres":
        await ChangeLog(db).after(0, 100)
        await ChangeLog(db).ends()
        await ChangeLog(db).trim()
    sweep = EventSweep(db, ["sink"])
    await sweep.orphans()
    await sweep.old(datetime.now(UTC) - timedelta(days=7))
    await sweep.of(UUID(int=3))


# --- judging ----------------------------------------------------------------------------------------------------------


async def fill(db: Database) -> None:
    newest, say = datetime.now(UTC).timestamp() - 60, crowd.Dialect(db.kind)
    for table in await crowd.tables(db):
        await crowd.begin(db, table)
        known = await crowd.columns(db, table)
        row = dict(zip(known, await crowd.first(db, table) or (), strict=True))
        made = {name: text for name, one in known.items() if (text := crowd.some(name, one, row, say, newest))}
        await crowd.multiply(db, table, FEW.get(table, ROWS), made)


def excused(sql: str) -> bool:
    return any(re.search(pattern, sql) for pattern in MAY_READ_ALL)


def judge_sqlite(file: Path, found: Mapping[str, Asked]) -> list[str]:
    wrong = []
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        for sql, asked in found.items():
            values = {name: sqlite.encode(value) for name, value in asked.params.items()}
            plan = [str(row[3]) for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
            steps = _steps(db, sql, values)
            scans = [one for one in plan if one.startswith("SCAN ") and not _harmless(one, sql) and steps > 5_000]
            if scans or steps > STEPS_MOST:
                wrong.append(f"{asked.by}: {steps} steps; {plan}\n    {' '.join(sql.split())}")
    return wrong


def _harmless(line: str, sql: str) -> bool:
    """No table: an index, or rows that the query itself made."""
    made = rf"\) AS {line.split()[1]}\b|\b{line.split()[1]} \([\w, ]+\) AS \("
    return "INDEX" in line or "CONSTANT ROW" in line or re.search(made, sql) is not None


def _steps(db: sqlite3.Connection, sql: str, values: Mapping[str, Any]) -> int:
    taken = 0

    def tick() -> int:
        nonlocal taken
        taken += 100
        return 0

    db.execute("BEGIN")
    db.set_progress_handler(tick, 100)
    try:
        db.execute(sql, values).fetchall()
    except sqlite3.IntegrityError:
        pass  # it is there already: looked for and found
    finally:
        db.set_progress_handler(None, 0)
        db.execute("ROLLBACK")
    return taken


async def judge_postgres(url: str, found: Mapping[str, Asked]) -> list[str]:
    wrong = []
    raw = await asyncpg.connect(url)
    try:
        await raw.execute("ANALYZE")
        for sql, asked in found.items():
            text, names = postgres.positional(sql)
            values = [postgres.encode(asked.params[name]) for name in names]
            undo = raw.transaction()
            await undo.start()
            try:
                await raw.execute("SET LOCAL enable_seqscan = off")  # a few pages are read at once though there is an index
                plan = json.loads(await raw.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}", *values))[0]["Plan"]
            except asyncpg.IntegrityConstraintViolationError:
                continue
            finally:
                await undo.rollback()
            nodes = list(_nodes(plan))
            read = sum(_read(node) for node in nodes)
            scans = {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan" and _read(node) > 100}
            if scans or read > READ_MOST:
                shown = [
                    f"{node['Node Type']} {node.get('Index Name', node.get('Relation Name', ''))} {_read(node)}" for node in nodes
                ]
                wrong.append(f"{asked.by}: {read:.0f} rows; {shown}\n    {' '.join(sql.split())}")
    finally:
        await raw.close()
    return wrong


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for one in plan.get("Plans", ()):
        yield from _nodes(one)


def _read(node: Mapping[str, Any]) -> float:
    if "Scan" not in node["Node Type"] or node["Node Type"] in {"Bitmap Heap Scan", "CTE Scan", "Subquery Scan", "Function Scan"}:
        return 0
    passed = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return float(passed * node["Actual Loops"])


async def recorded(home: Path, url: str, server: bool) -> Mapping[str, Asked]:
    book = Book()

    def seen(db: Database) -> Database:
        return NotedDatabase(db, book)

    async with forge_in(home, url, server=server, seen=seen) as site:
        db = site.forge.db
        assert isinstance(db, NotedDatabase)
        ids = await settle(site.http)
        await ask(site, book, ids)
        await work(site, db, book, ids)
        await fill(db.whole)
    return {sql: asked for sql, asked in book.found.items() if not excused(sql)}


def test_no_route_reads_a_table_from_end_to_end_in_sqlite(tmp_path: Path) -> None:
    found = asyncio.run(recorded(tmp_path / "home", "", server=True))
    assert len(found) > 100
    assert not (wrong := judge_sqlite(tmp_path / "home" / "volundr.db", found)), "\n".join(wrong)


@pytest.mark.skipif(not POSTGRES, reason=NO_POSTGRES)
def test_no_route_reads_a_table_from_end_to_end_in_postgres(tmp_path: Path) -> None:
    async def main() -> None:
        async with postgres_url() as url:
            found = await recorded(tmp_path / "home", url, server=True)
            assert len(found) > 100
            assert not (wrong := await judge_postgres(url, found)), "\n".join(wrong)

    asyncio.run(main())
