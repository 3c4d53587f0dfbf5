"""Whole databases for tests: made, filled in every table, read and moved."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4, uuid5

from tests.conftest import POSTGRES
from volundr.db import copy_postgres, copy_sqlite
from volundr.db.backup import check, put, save
from volundr.db.migrate import pending
from volundr.db.postgres import PostgresDatabase
from volundr.db.tables import Filling, Kind, Read, Table, Values, Write, table_names
from volundr.store.opening import MIGRATIONS, open_up_to_date

ROWS = 3
SPACE = uuid4()


@dataclass(frozen=True, slots=True)
class Place:
    """A database to read and write whole: a file, or a schema of the given Postgres."""

    url: str
    file: Path

    def read(self) -> Read:
        return copy_postgres.read(self.url) if self.url else copy_sqlite.read(self.file)

    def write(self) -> Write:
        return copy_postgres.write(self.url) if self.url else copy_sqlite.write(self.file)

    async def migrate(self) -> None:
        await (await open_up_to_date(self.url, self.file)).close()

    async def all(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table, comparable: JSON is read, since each database writes it its own way."""
        async with self.read() as found:
            tables = await found.tables(table_names(MIGRATIONS))
            return {
                table.name: sorted([_read(row, table) async for rows in found.rows(table) for row in rows]) for table in tables
            }


def _read(row: Values, table: Table) -> tuple[str, ...]:
    kinds = table.columns.values()
    return tuple(
        json.dumps(json.loads(value) if kind == "json" and value is not None else value, sort_keys=True)
        for value, kind in zip(row, kinds, strict=True)
    )


@asynccontextmanager
async def place(kind: str, folder: Path) -> AsyncIterator[Place]:
    if kind == "sqlite":
        yield Place("", folder / f"{uuid4().hex}.db")
        return
    schema = f"t{uuid4().hex}"
    setup = await PostgresDatabase.open(POSTGRES)
    try:
        await setup.run(f"CREATE SCHEMA {schema}")
        yield Place(f"{POSTGRES}{'&' if '?' in POSTGRES else '?'}search_path={schema}", folder / "unused")
        await setup.run(f"DROP SCHEMA {schema} CASCADE")
    finally:
        await setup.close()


def _value(kind: Kind, name: str, number: int) -> Any:
    values: Mapping[Kind, Any] = {
        "uuid": str(uuid5(SPACE, str(number))),
        "time": f"2026-0{number + 1}-28T23:59:59.00012{number}+00:00",
        "json": json.dumps({"é": [number, 1.5, None, True], "b": {"a": '"\\'}}),
        "bool": number % 2 == 0,
        "int": 2**53 + number,
        "float": 0.1 + number / 3,
        "bytes": "AP8=",
        "text": f"{name} {number} — ümlaut\t“quoted”\n",
    }
    return values[kind]


async def _references(target: Filling, table: str) -> Mapping[str, tuple[str, str]]:
    """Column -> (table, column) it must be in."""
    if not isinstance(target, copy_sqlite.SqliteFilling):
        return {}
    rows = await target.connection.fetch(f"PRAGMA foreign_key_list({table})")
    return {row["from"]: (row["table"], row["to"] or "id") for row in rows}


async def fill(into: Place, rows: int = ROWS) -> None:
    """Some rows in every table, with every kind of value; empty ones and nulls are the stores' own business."""
    await into.migrate()
    async with into.write() as target:
        tables = await target.tables(table_names(MIGRATIONS))
        await target.loosen(tables)
        made: dict[tuple[str, str], Sequence[Any]] = {}
        for table in tables:
            await target.connection.run(f'DELETE FROM "{table.name}"')
        for table in tables:
            known = await _references(target, table.name)
            columns = []
            for name, kind in table.columns.items():
                again = made.get(known[name]) if name in known else None
                column = again or [_value(kind, name, number) for number in range(rows)]
                made[table.name, name] = column
                columns.append(column)

            async def batches(columns: Sequence[Sequence[Any]] = columns) -> AsyncIterator[Sequence[Values]]:
                yield list(zip(*columns, strict=True))

            assert await target.fill(table, batches()) == rows
        await target.fasten(tables)


async def move(source: Place, target: Place, file: Path) -> None:
    async with source.read() as found:
        saved = await save(found, MIGRATIONS, file, "1")
    assert file.stat().st_mode & 0o777 == 0o600
    manifest = await check(file, MIGRATIONS)
    assert manifest == saved
    async with target.write() as into:
        assert await put(file, manifest, into, MIGRATIONS, replace=False) == manifest.rows
    db = await open_up_to_date(target.url, target.file)
    try:
        assert await pending(db, MIGRATIONS) == []
    finally:
        await db.close()
