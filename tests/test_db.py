"""The two databases behind one port."""

import asyncio
import stat
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from tests.conftest import Run
from volundr.db.database import Database, Sql, UniqueViolation
from volundr.db.migrate import fingerprints, migrate
from volundr.db.postgres import positional
from volundr.db.rows import RowMap
from volundr.db.sqlite import SqliteDatabase
from volundr.domain.errors import Unavailable

STORES = {
    "things": ("CREATE TABLE things (id INTEGER PRIMARY KEY, n BIGINT NOT NULL)", "CREATE UNIQUE INDEX one_n ON things (n)")
}


def test_migrations_run_once_and_are_all_or_nothing(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        assert await migrate(db, STORES) == 2
        assert await migrate(db, STORES) == 0
        with pytest.raises(Exception, match="syntax"):
            await migrate(db, {"things": (*STORES["things"], "CREATE TABLE more (id INTEGER)", "CREATE NONSENSE")})
        assert await migrate(db, {"things": (*STORES["things"], "CREATE TABLE more (id INTEGER)")}) == 1

    on_database(scenario)


def test_a_database_of_a_newer_version_is_refused(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        await migrate(db, STORES)
        with pytest.raises(Unavailable, match="newer version"):
            await migrate(db, {"things": STORES["things"][:1]})

    on_database(scenario)


def test_a_failed_transaction_leaves_nothing(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        await migrate(db, STORES)

        async def add_two() -> None:
            async with db.transaction() as tx:
                await tx.run("INSERT INTO things (id, n) VALUES (1, 1)")
                await tx.run("INSERT INTO things (id, n) VALUES (2, 1)")

        with pytest.raises(UniqueViolation):
            await add_two()
        assert await db.fetch("SELECT * FROM things") == []

    on_database(scenario)


def test_fifty_transactions_at_once_all_count(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        await migrate(db, STORES)
        await db.run("INSERT INTO things (id, n) VALUES (1, 0)")

        async def add() -> None:
            async with db.transaction() as tx:
                await tx.run("UPDATE things SET n = n + 1 WHERE id = 1")

        await asyncio.gather(*(add() for _ in range(50)))
        row = await db.fetch_one("SELECT n FROM things")
        assert row is not None and row["n"] == 50

    on_database(scenario)


def test_readers_do_not_wait_for_a_writer(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        await migrate(db, STORES)
        async with db.transaction() as tx, asyncio.timeout(2):
            await tx.run("INSERT INTO things (id, n) VALUES (1, 1)")
            assert await db.fetch("SELECT * FROM things") == []

    on_database(scenario)


def test_a_query_may_have_two_forms(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        row = await db.fetch_one(Sql(sqlite="SELECT 'sqlite' AS kind", postgres="SELECT 'postgres' AS kind"))
        assert row is not None and row["kind"] == db.kind

    on_database(scenario)


def test_named_parameters_become_numbers_but_not_in_texts() -> None:
    assert positional("SELECT ':a', :b, x::text, :a, :b") == ("SELECT ':a', $1, x::text, $2, $1", ("b", "a"))


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    id: UUID = field(default_factory=uuid4)
    colour: Colour = Colour.RED
    on: bool = True
    at: datetime = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    gone: datetime | None = None
    more: dict[str, list[int]] = field(default_factory=lambda: {"a": [1]})


def test_a_model_comes_back_from_a_row_as_it_went_in(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        await db.run('CREATE TABLE t (id UUID, colour TEXT, "on" BOOLEAN, at TIMESTAMPTZ, gone TIMESTAMPTZ, more JSONB)')
        rows, thing = RowMap(Thing), Thing()
        await db.run("INSERT INTO t VALUES (:id, :colour, :on, :at, :gone, :more)", **rows.dump(thing))
        assert [rows.load(row) for row in await db.fetch("SELECT * FROM t")] == [thing]

    on_database(scenario)


def test_the_file_is_private(tmp_path: Path) -> None:
    async def main() -> None:
        await (await SqliteDatabase.open(tmp_path / "v.db")).close()

    asyncio.run(main())
    assert stat.S_IMODE((tmp_path / "v.db").stat().st_mode) == 0o600


@pytest.mark.parametrize("damage", ["not a database", "torn page"])
def test_a_damaged_file_is_refused_with_the_way_out_and_left_alone(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "v.db"

    async def make() -> None:
        db = await SqliteDatabase.open(path)
        await migrate(db, STORES)
        await db.run("CREATE TABLE filler (x TEXT)")
        numbers = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 2000)"
        await db.run(f"{numbers} INSERT INTO filler SELECT 'row ' || x FROM c")
        await db.close()

    asyncio.run(make())
    if damage == "not a database":
        path.write_bytes(b"These are somebody's notes.\n" * 100)
    else:
        data = bytearray(path.read_bytes())
        data[8192:12288] = b"\x55" * 4096
        path.write_bytes(bytes(data))
    before = path.read_bytes()

    async def open_it() -> None:
        await SqliteDatabase.open(path)

    with pytest.raises(Unavailable, match="damaged or not a database") as refused:
        asyncio.run(open_it())
    assert "put back a copy" in refused.value.hint
    assert path.read_bytes() == before


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    async def open_it() -> None:
        await SqliteDatabase.open(tmp_path / "none" / "v.db")

    with pytest.raises(Unavailable, match="cannot be opened"):
        asyncio.run(open_it())


def test_a_postgres_that_is_away_is_said() -> None:
    from volundr.db.postgres import PostgresDatabase

    async def open_it() -> None:
        await PostgresDatabase.open("postgresql://nobody@127.0.0.1:1/none")

    with pytest.raises(Unavailable, match="cannot be used"):
        asyncio.run(open_it())


def test_fingerprints_change_with_the_statement() -> None:
    one = fingerprints({"a": ("SELECT 1",)})
    assert one == fingerprints({"a": ("SELECT 1",)})
    assert one != fingerprints({"a": ("SELECT 2",)})
