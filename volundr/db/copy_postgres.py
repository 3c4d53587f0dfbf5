"""All that a Postgres database holds, read at one moment or written in one transaction."""

import base64
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from volundr.db.database import Connection
from volundr.db.migrate import LOCK, applied
from volundr.db.postgres import CONNECT_SECONDS, PostgresConnection, application
from volundr.db.tables import BATCH, Filling, Kind, Snapshot, Table, Values, kind_of
from volundr.domain.errors import Unavailable

_LOADS: Mapping[Kind, Callable[[Any], Any]] = {
    "uuid": str,
    "time": lambda value: value.astimezone(UTC).isoformat(timespec="microseconds"),
    "bytes": lambda value: base64.b64encode(value).decode(),
}
_DUMPS: Mapping[Kind, Callable[[Any], Any]] = {"uuid": UUID, "time": datetime.fromisoformat, "bytes": base64.b64decode}
_COLUMNS = """
    SELECT c.relname AS name, a.attname AS column, format_type(a.atttypid, a.atttypmod) AS type
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND c.relkind IN ('r', 'p')
        AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    ORDER BY c.relname, a.attnum
"""
_REFERENCES = """
    SELECT conrelid::regclass::text AS name, conname, pg_get_constraintdef(oid) AS definition FROM pg_constraint
    WHERE contype = 'f' AND conrelid::regclass::text = ANY($1::text[])
"""
_COUNTERS = """
    SELECT a.attname AS column, pg_get_serial_sequence(quote_ident(:name), a.attname) AS counter
    FROM pg_attribute a WHERE a.attrelid = CAST(CAST(:name AS TEXT) AS regclass) AND a.attnum > 0 AND NOT a.attisdropped
        AND pg_get_serial_sequence(quote_ident(:name), a.attname) IS NOT NULL
"""
_OTHERS = """
    SELECT 1 FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = :application AND pid <> pg_backend_pid() LIMIT 1
"""


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Any]:
    """A connection without a limit for its commands: a million rows take their time, and a person waits for them."""
    try:
        raw = await asyncpg.connect(url, timeout=CONNECT_SECONDS)
    except (asyncpg.PostgresError, OSError, ValueError) as error:
        raise Unavailable(f"The Postgres database cannot be used: {error}.", hint="Check [database] url.") from error
    try:
        yield raw
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise Unavailable(f"The Postgres database says: {error}.") from error
    finally:
        await raw.close(timeout=CONNECT_SECONDS)


@asynccontextmanager
async def read(url: str) -> AsyncIterator[Snapshot]:
    """What is there now, for as long as the block lasts. Others go on beside it."""
    async with _connected(url) as raw, raw.transaction(isolation="repeatable_read", readonly=True):
        yield PostgresSnapshot(raw)


@asynccontextmanager
async def write(url: str) -> AsyncIterator[Filling]:
    """A transaction that is kept when the block ends well. No migration of another process runs beside it."""
    async with _connected(url) as raw, raw.transaction():
        filling = PostgresFilling(raw, application(url))
        await filling.connection.run(LOCK)
        yield filling


async def _tables(connection: Connection, names: Sequence[str]) -> list[Table]:
    there: dict[str, dict[str, str]] = {}
    for row in await connection.fetch(_COLUMNS):
        there.setdefault(row["name"], {})[row["column"]] = row["type"]
    return [
        Table(name=name, columns={column: kind_of(kind) for column, kind in there[name].items()})
        for name in names
        if name in there
    ]


class PostgresSnapshot(Snapshot):
    kind = "postgres"

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._connection = PostgresConnection(raw)

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
        cursor = await self._raw.cursor(f'SELECT {names} FROM "{table.name}"')  # noqa: S608 - our own names
        while found := await cursor.fetch(BATCH):
            yield [
                tuple(value if load is None or value is None else load(value) for value, load in zip(row, loads, strict=True))
                for row in found
            ]


class PostgresFilling(Filling):
    def __init__(self, raw: Any, name: str) -> None:
        self._raw = raw
        self._name = name
        self._references: list[tuple[str, str, str]] = []
        self.connection = PostgresConnection(raw)

    async def tables(self, names: Sequence[str]) -> Sequence[Table]:
        return await _tables(self.connection, names)

    async def busy(self) -> bool:
        return bool(await self.connection.fetch(_OTHERS, application=self._name))

    async def drop(self, tables: Sequence[str], others: Sequence[tuple[str, str]]) -> None:
        for name in tables:
            await self.connection.run(f'DROP TABLE IF EXISTS "{name}" CASCADE')
        for what, name in others:
            if what in {"function", "sequence", "view"}:
                await self.connection.run(f'DROP {what.upper()} IF EXISTS "{name}" CASCADE')

    async def loosen(self, tables: Sequence[Table]) -> None:
        """References are taken away and made again at the end, which checks every row; an owner may do no less."""
        names = [table.name for table in tables]
        found = await self._raw.fetch(_REFERENCES, names)
        self._references = [(row["name"], row["conname"], row["definition"]) for row in found]
        for name, constraint, _ in self._references:
            await self.connection.run(f'ALTER TABLE "{name}" DROP CONSTRAINT "{constraint}"')
        for name in names:
            await self.connection.run(f'ALTER TABLE "{name}" DISABLE TRIGGER USER')

    async def fill(self, table: Table, rows: AsyncIterator[Sequence[Values]]) -> int:
        dumps = [_DUMPS.get(kind) for kind in table.columns.values()]
        added = 0

        async def converted() -> AsyncIterator[Values]:
            nonlocal added
            async for batch in rows:
                for row in batch:
                    yield tuple(
                        value if dump is None or value is None else dump(value) for value, dump in zip(row, dumps, strict=True)
                    )
                added += len(batch)

        await self._raw.copy_records_to_table(table.name, records=converted(), columns=list(table.columns))
        return added

    async def fasten(self, tables: Sequence[Table]) -> None:
        for table in tables:
            await self.connection.run(f'ALTER TABLE "{table.name}" ENABLE TRIGGER USER')
            for row in await self.connection.fetch(_COUNTERS, name=table.name):
                last = f'SELECT setval(\'{row["counter"]}\', max("{row["column"]}")) FROM "{table.name}"'  # noqa: S608 - our own names
                await self.connection.run(f'{last} HAVING max("{row["column"]}") IS NOT NULL')
        for name, constraint, definition in self._references:
            await self.connection.run(f'ALTER TABLE "{name}" ADD CONSTRAINT "{constraint}" {definition}')
