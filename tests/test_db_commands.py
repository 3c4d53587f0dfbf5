"""`volundr db`: what is saved is put back as it was, on both databases and between them, or nothing is."""

import asyncio
import json
import zipfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.conftest import NO_POSTGRES, POSTGRES
from tests.db_kit import ROWS, Place, fill, move, place
from volundr import settings as settings_module
from volundr import upkeep
from volundr.cli.main import volundr
from volundr.db.backup import check, put, save
from volundr.db.database import Sql
from volundr.db.migrate import bring_up
from volundr.db.tables import BATCH, Table, Values, other_names, table_names
from volundr.domain.errors import Conflict, Invalid, Unavailable
from volundr.store.opening import MIGRATIONS, open_up_to_date

needs_postgres = pytest.mark.skipif(not POSTGRES, reason=NO_POSTGRES)
BOTH = ["sqlite", pytest.param("postgres", marks=needs_postgres)]
WAYS = [
    ("sqlite", "sqlite"),
    *(pytest.param(a, b, marks=needs_postgres) for a, b in (("sqlite", "postgres"), ("postgres", "sqlite"))),
]


@pytest.mark.parametrize(("one", "other"), WAYS)
def test_everything_moves_from_one_database_to_the_other_and_back(tmp_path: Path, one: str, other: str) -> None:
    async def scenario() -> None:
        async with place("sqlite", tmp_path) as first, place(one, tmp_path) as source, place(other, tmp_path) as target:
            await fill(first)
            before = await first.all()
            assert set(before) == set(table_names(MIGRATIONS))
            assert all(len(rows) == ROWS for rows in before.values())
            await move(first, source, tmp_path / "0.zip")
            await move(source, target, tmp_path / "1.zip")
            assert await target.all() == before
            async with place(one, tmp_path) as back:
                await move(target, back, tmp_path / "2.zip")
                assert await back.all() == before

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", BOTH)
def test_a_database_with_rows_is_not_touched_unless_it_is_to_be_replaced(tmp_path: Path, kind: str) -> None:
    async def scenario() -> None:
        async with place(kind, tmp_path) as target, place("sqlite", tmp_path) as source:
            await fill(source)
            await move(source, target, tmp_path / "full.zip")
            before = await target.all()
            async with place("sqlite", tmp_path) as empty:
                await empty.migrate()
                async with empty.read() as found:
                    manifest = await save(found, MIGRATIONS, tmp_path / "empty.zip", "1")
            with pytest.raises(Conflict, match="is not empty"):
                async with target.write() as into:
                    await put(tmp_path / "empty.zip", manifest, into, MIGRATIONS, replace=False)
            assert await target.all() == before
            async with target.write() as into:
                await put(tmp_path / "empty.zip", manifest, into, MIGRATIONS, replace=True)
            assert not any((await target.all()).values())

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", BOTH)
def test_what_fails_half_way_leaves_everything_as_it_was(tmp_path: Path, kind: str) -> None:
    """A row that refers to nothing is noticed last of all."""

    async def scenario() -> None:
        async with place("sqlite", tmp_path) as source, place(kind, tmp_path) as target:
            await fill(source)
            await move(source, target, tmp_path / "good.zip")
            before = await target.all()
            _without_sessions(tmp_path / "good.zip", tmp_path / "bad.zip")
            manifest = await check(tmp_path / "bad.zip", MIGRATIONS)
            with pytest.raises(Unavailable):
                async with target.write() as into:
                    await put(tmp_path / "bad.zip", manifest, into, MIGRATIONS, replace=True)
            assert await target.all() == before

    asyncio.run(scenario())


def _without_sessions(good: Path, bad: Path) -> None:
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(bad, "w") as target:
        manifest = json.loads(source.read("manifest.json"))
        for table in manifest["tables"]:
            body = source.read(f"tables/{table['name']}.ndjson")
            if table["name"] == "sessions":
                table["rows"], table["checksum"], body = (
                    0,
                    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                    b"",
                )
            target.writestr(f"tables/{table['name']}.ndjson", body)
        target.writestr("manifest.json", json.dumps(manifest))


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with rows of every table."""
    folder = tmp_path_factory.mktemp("full")

    async def main() -> None:
        source = Place("", folder / "source.db")
        await fill(source)
        async with source.read() as found:
            await save(found, MIGRATIONS, folder / "full.zip", "1")

    asyncio.run(main())
    return folder / "full.zip"


def test_a_file_that_was_cut_off_anywhere_is_refused(full: Path, tmp_path: Path) -> None:
    whole, cut = full.read_bytes(), tmp_path / "cut.zip"
    for length in [*range(0, len(whole) - 1, max(1, len(whole) // 60)), len(whole) - 1]:
        cut.write_bytes(whole[:length])
        with pytest.raises(Invalid, match="damaged or not a backup"):
            asyncio.run(check(cut, MIGRATIONS))


def test_a_file_with_a_changed_byte_is_refused_or_says_the_same(full: Path, tmp_path: Path) -> None:
    """Some bytes mean nothing, such as the times in the archive's directory: then all that is read is what was written."""
    whole, changed = full.read_bytes(), tmp_path / "changed.zip"
    good = asyncio.run(check(full, MIGRATIONS))
    refused = 0
    for at in range(0, len(whole), max(1, len(whole) // 150)):
        changed.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        try:
            assert asyncio.run(check(changed, MIGRATIONS)) == good
        except Invalid:
            refused += 1
    assert refused > 75


def test_a_file_of_a_newer_version_is_refused(full: Path, tmp_path: Path) -> None:
    fewer = {store: queries[:-1] if store == "sessions" else queries for store, queries in MIGRATIONS.items()}
    with pytest.raises(Invalid, match="newer version"):
        asyncio.run(check(full, fewer))
    with zipfile.ZipFile(tmp_path / "f.zip", "w") as archive:
        archive.writestr("manifest.json", json.dumps({"format": 99, "version": "9.0", "tables": []}))
    with pytest.raises(Invalid, match=r"newer version of Volundr \(9\.0\)"):
        asyncio.run(check(tmp_path / "f.zip", MIGRATIONS))


def test_an_older_file_is_brought_up_to_date(tmp_path: Path) -> None:
    old = {"things": ("CREATE TABLE things (id UUID PRIMARY KEY, n BIGINT NOT NULL)",)}
    new = {
        "things": (*old["things"], "ALTER TABLE things ADD COLUMN twice BIGINT", "UPDATE things SET twice = n * 2"),
        "more": ("CREATE TABLE more (id UUID PRIMARY KEY)",),
    }

    async def scenario() -> None:
        source, target = Place("", tmp_path / "old.db"), Place("", tmp_path / "new.db")
        async with source.write() as into:
            await bring_up(into.connection, old)
            await into.connection.run("INSERT INTO things (id, n) VALUES ('a', 21)")
        async with source.read() as found:
            manifest = await save(found, old, tmp_path / "f.zip", "1")
        async with target.write() as into:
            await put(tmp_path / "f.zip", manifest, into, new, replace=False)
            assert [tuple(row) for row in await into.connection.fetch("SELECT n, twice FROM things")] == [(21, 42)]

    asyncio.run(scenario())


def test_writers_go_on_while_a_backup_reads_and_are_not_in_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        source = Place("", tmp_path / "volundr.db")
        await fill(source)
        db = await open_up_to_date("", source.file)
        try:
            async with source.read() as found:
                await found.ledger()
                await db.run("DELETE FROM sessions")
                manifest = await save(found, MIGRATIONS, tmp_path / "f.zip", "1")
            assert {table.name: table.rows for table in manifest.tables}["sessions"] == ROWS
        finally:
            await db.close()

    asyncio.run(scenario())


@needs_postgres
def test_a_postgres_that_a_forge_works_on_is_not_replaced(tmp_path: Path, full: Path) -> None:
    async def scenario() -> None:
        manifest = await check(full, MIGRATIONS)
        async with place("postgres", tmp_path) as target:
            db = await open_up_to_date(target.url, target.file)
            try:
                with pytest.raises(Conflict, match="works on this database"):
                    async with target.write() as into:
                        await put(full, manifest, into, MIGRATIONS, replace=True)
            finally:
                await db.close()

    asyncio.run(scenario())


@needs_postgres
def test_counters_go_on_behind_what_was_put_back(tmp_path: Path) -> None:
    """An id that the database counts itself must not be given twice."""
    counted = Sql(
        sqlite="CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, n BIGINT)",
        postgres="CREATE TABLE counted (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n BIGINT)",
    )

    async def scenario() -> None:
        source = Place("", tmp_path / "source.db")
        async with source.write() as into, place("postgres", tmp_path) as target:
            await bring_up(into.connection, {"counted": (counted,)})
            for n in range(5):
                await into.connection.run("INSERT INTO counted (n) VALUES (:n)", n=n)
            await into.connection.run("COMMIT")
            await into.connection.run("BEGIN")
            async with source.read() as found:
                manifest = await save(found, {"counted": (counted,)}, tmp_path / "f.zip", "1")
            async with target.write() as postgres:
                await put(tmp_path / "f.zip", manifest, postgres, {"counted": (counted,)}, replace=False)
                [row] = await postgres.connection.run("INSERT INTO counted (n) VALUES (9) RETURNING id")
                assert row["id"] == 6

    asyncio.run(scenario())


def test_tables_are_known_by_what_the_migrations_leave() -> None:
    stores = {
        "a": ("CREATE TABLE one (id UUID)", "CREATE TABLE two (id UUID)", "ALTER TABLE one RENAME TO first"),
        "b": (
            "DROP TABLE IF EXISTS two",
            Sql(sqlite="CREATE VIRTUAL TABLE words USING fts5(t)", postgres="CREATE OR REPLACE FUNCTION words() RETURNS int"),
        ),
    }
    assert table_names(stores) == ["first"]
    assert other_names(stores) == [("virtual table", "words"), ("function", "words")]


class Command:
    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("VOLUNDR_HOME", str(home))
        monkeypatch.delenv("VOLUNDR_DATABASE_URL", raising=False)
        self.home = home

    def __call__(self, *arguments: str, code: int = 0) -> str:
        done: Result = CliRunner().invoke(volundr, ["db", *arguments])
        assert done.exit_code == code, done.output
        return done.output


@pytest.fixture
def db(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    return Command(tmp_path / "home", monkeypatch)


def test_plan_shows_and_migrate_runs(db: Command) -> None:
    assert "CREATE TABLE sessions" in db("plan")
    assert not db.home.exists(), "a plan writes nothing"
    assert "statements were run" in db("migrate")
    assert db("plan") == db("migrate") == "The database is up to date.\n"


def test_a_backup_is_put_back_and_what_was_there_is_saved_first(db: Command, tmp_path: Path, full: Path) -> None:
    assert "rows of" in db("import", str(full))
    file = tmp_path / "mine.zip"
    assert "rows of" in db("backup", str(file))
    assert "exists already" in db("backup", str(file), code=1)
    assert "not empty" in db("restore", str(file), code=1)
    assert "What the database held before is in" in db("restore", str(file), "--replace")
    [kept] = (db.home / "backups").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert "rows of" in db("export", str(tmp_path / "again.zip"))
    assert "There is no file" in db("import", str(tmp_path / "nowhere.zip"), code=1)


def test_nothing_is_put_back_while_a_forge_runs(db: Command, full: Path) -> None:
    from volundr.local import runfile

    db("migrate")
    with runfile.sole_forge(db.home):
        assert "already runs" in db("restore", str(full), code=1)


@pytest.mark.e2e
@pytest.mark.parametrize("kind", BOTH)
def test_many_rows_take_bounded_memory(tmp_path: Path, kind: str) -> None:
    import resource

    many = 300_000
    stores = {"things": ("CREATE TABLE things (id UUID PRIMARY KEY, at TIMESTAMPTZ NOT NULL, data JSONB NOT NULL)",)}

    async def rows(table: Table) -> AsyncIterator[Sequence[Values]]:
        for start in range(0, many, BATCH):
            yield [
                (f"00000000-0000-0000-0000-{n:012}", "2026-01-28T23:59:59.000123+00:00", '{"text": "some words of it"}')
                for n in range(start, start + BATCH)
            ]

    async def scenario() -> None:
        async with place(kind, tmp_path) as source, place(kind, tmp_path) as target:
            async with source.write() as into:
                await bring_up(into.connection, stores)
                [table] = await into.tables(["things"])
                assert await into.fill(table, rows(table)) == many
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            async with source.read() as found:
                await save(found, stores, tmp_path / "f.zip", "1")
            manifest = await check(tmp_path / "f.zip", stores)
            async with target.write() as into:
                assert await put(tmp_path / "f.zip", manifest, into, stores, replace=False) == many
            assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60 * 1024

    asyncio.run(scenario())


def test_a_missing_database_is_said(tmp_path: Path) -> None:
    given = settings_module.load({"home": str(tmp_path / "home")}, {})
    with pytest.raises(Unavailable, match="There is no database"):
        asyncio.run(upkeep.save(given, tmp_path / "f.zip"))
