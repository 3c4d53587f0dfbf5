"""All that a SQLite database holds, read at one moment or written in one transaction."""

import asyncio
import base64
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosqlite

from volundr.db.database import Connection
from volundr.db.migrate import applied
from volundr.db.sqlite import SqliteConnection, make_private
from volundr.db.tables import BATCH, Filling, Kind, Snapshot, Table, Values, kind_of
from volundr.domain.errors import Unavailable

_LOADS: Mapping[Kind, Callable[[Any], Any]] = {
    "bool": bool,
    "float": float,
    "json": lambda value: value if isinstance(value, str) else json.dumps(value),  # a bare number loses its quotes in a column
    "bytes": lambda value: base64.b64encode(value).decode(),
}
_DUMPS: Mapping[Kind, Callable[[Any], Any]] = {"bytes": base64.b64decode}


@asynccontextmanager
async def read(path: Path) -> AsyncIterator[Snapshot]:
    """What is there now, for as long as the block lasts. Writers go on beside it. Raises Unavailable when there is no file."""
    if not await asyncio.to_thread(path.exists):
        raise Unavailable(f"There is no database {path}.")
    where = await asyncio.to_thread(lambda: path.absolute().as_uri())
    async with aiosqlite.connect(f"{where}?mode=ro", uri=True, isolation_level=None) as raw:
        raw.row_factory = sqlite3.Row
        await raw.execute("PRAGMA busy_timeout = 5000")
        await raw.execute("BEGIN")
        yield SqliteSnapshot(raw, str(path))


@asynccontextmanager
async def write(path: Path) -> AsyncIterator[Filling]:
    """A transaction on this file, kept when the block ends well."""
    await asyncio.to_thread(make_private, path)
    async with aiosqlite.connect(path, isolation_level=None) as raw:
        raw.row_factory = sqlite3.Row
        for pragma in ("journal_mode = WAL", "busy_timeout = 5000", "foreign_keys = ON", "cache_size = -4000"):
            await raw.execute(f"PRAGMA {pragma}")
        await raw.execute("BEGIN IMMEDIATE")
        try:
            yield SqliteFilling(raw, str(path))
        except BaseException:
            await raw.execute("ROLLBACK")
            raise
        await raw.execute("COMMIT")


async def _tables(connection: Connection, names: Sequence[str]) -> list[Table]:
    there = {str(row["name"]) for row in await connection.fetch("SELECT name FROM sqlite_master WHERE type = 'table'")}
    found = []
    for name in names:
        if name in there:
            columns = await connection.fetch("SELECT name, type FROM pragma_table_xinfo(:name) WHERE hidden = 0", name=name)
            found.append(Table(name=name, columns={str(row["name"]): kind_of(str(row["type"])) for row in columns}))
    return found


class SqliteSnapshot(Snapshot):
    kind = "sqlite"

    def __init__(self, raw: aiosqlite.Connection, path: str) -> None:
        self._raw = raw
        self._connection = SqliteConnection(raw, path)

    async def ledger(self) -> Mapping[str, int]:
        counts: dict[str, int] = {}
        for store, version in await applied(self._connection):
            counts[store] = max(version, counts.get(store, 0))
        return counts

    async def tables(self, names: Sequence[str]) -> Sequence[Table]:
        return await _tables(self._connection, names)

    async def rows(self, table: Table) -> AsyncIterator[Sequence[Values]]:
        loads = [_LOADS.get(kind) for kind in table.columns.values()]
        names = ", ".join(f'"{name}"' for name in table.columns)
        async with self._raw.execute(f'SELECT {names} FROM "{table.name}"') as cursor:  # noqa: S608 - our own names
            while found := list(await cursor.fetchmany(BATCH)):
                yield [_converted(tuple(row), loads) for row in found]


class SqliteFilling(Filling):
    def __init__(self, raw: aiosqlite.Connection, path: str) -> None:
        self._raw = raw
        self._triggers: list[str] = []
        self.connection = SqliteConnection(raw, path)

    async def tables(self, names: Sequence[str]) -> Sequence[Table]:
        return await _tables(self.connection, names)

    async def busy(self) -> bool:
        """The home folder's own lock answers this for its file."""
        return False

    async def drop(self, tables: Sequence[str], others: Sequence[tuple[str, str]]) -> None:
        await self.connection.run("PRAGMA defer_foreign_keys = ON")
        for what, name in others:
            if what in {"view", "virtual table"}:
                await self.connection.run(f"DROP {what.removeprefix('virtual ').upper()} IF EXISTS {name}")
        for name in reversed(tables):
            await self.connection.run(f"DROP TABLE IF EXISTS {name}")

    async def loosen(self, tables: Sequence[Table]) -> None:  # noqa: ARG002 - holds for all at once here
        """Triggers stay: all they do here is to keep the search index, which must be made anew."""
        await self.connection.run("PRAGMA defer_foreign_keys = ON")

    async def fill(self, table: Table, rows: AsyncIterator[Sequence[Values]]) -> int:
        dumps = [_DUMPS.get(kind) for kind in table.columns.values()]
        names, marks = ", ".join(f'"{name}"' for name in table.columns), ", ".join("?" * len(table.columns))
        added = 0
        async for batch in rows:
            insert = f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})'  # noqa: S608 - our own names
            await self._raw.executemany(insert, [_converted(row, dumps) for row in batch])
            added += len(batch)
        return added

    async def fasten(self, tables: Sequence[Table]) -> None:  # noqa: ARG002 - holds for all at once here
        if broken := await self.connection.fetch('SELECT "table" AS name FROM pragma_foreign_key_check LIMIT 1'):
            raise Unavailable(f"Rows of {broken[0]['name']} refer to others that are not in the file.")


def _converted(row: Values, ways: Sequence[Callable[[Any], Any] | None]) -> Values:
    return tuple(value if way is None or value is None else way(value) for value, way in zip(row, ways, strict=True))
