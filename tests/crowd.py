"""Many rows, made by the database itself from the first one of a table: what that has, with keys and times of their own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from volundr.db.database import Connection, Database, Row, Sql

AT_ONCE = 100_000
_SERIES = Sql(
    sqlite="WITH RECURSIVE series (n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM series WHERE n < {last})",
    postgres="WITH series AS (SELECT n FROM generate_series({first}::bigint, {last}) AS g(n))",
)
_UUID = Sql(
    sqlite="printf('%08x-0000-4000-8000-%012x', ({n}) * 2654435761 % 4294967296, {n})",
    postgres="(lpad(to_hex(({n}) * 2654435761 % 4294967296), 8, '0') || '-0000-4000-8000-' || lpad(to_hex({n}), 12, '0'))::uuid",
)
_TIME = Sql(
    sqlite="strftime('%Y-%m-%dT%H:%M:%S', {newest} - ({n}) * {step}, 'unixepoch') || printf('.%06d+00:00', ({n}) % 1000000)",
    postgres="to_timestamp({newest} - ({n}) * {step}) + ({n}) % 1000000 * interval '1 microsecond'",
)
_NO_KEYS = Sql(sqlite="PRAGMA foreign_keys = OFF", postgres="SET LOCAL session_replication_role = replica")
_TABLES = Sql(
    sqlite="SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE TABLE%' "
    "AND name NOT LIKE 'chronicle_words%' AND name NOT LIKE 'sqlite_%' AND name <> 'migrations' ORDER BY name",
    postgres="SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema() AND tablename <> 'migrations' "
    "ORDER BY tablename",
)
_COLUMNS = Sql(
    sqlite="SELECT name, lower(type) AS type, \"notnull\" AS needed FROM pragma_table_info('{table}')",
    postgres="SELECT column_name AS name, replace(data_type, 'timestamp with time zone', 'timestamptz') AS type, "
    "is_nullable = 'NO' AS needed FROM information_schema.columns "
    "WHERE table_schema = current_schema() AND table_name = '{table}' ORDER BY ordinal_position",
)
_UNIQUE = Sql(
    sqlite="SELECT i.name FROM pragma_index_list('{table}') AS l, pragma_index_info(l.name) AS i WHERE l.\"unique\" AND NOT l.partial "
    "UNION SELECT name FROM pragma_table_info('{table}') WHERE pk > 0",
    postgres="SELECT DISTINCT a.attname AS name FROM pg_index AS i JOIN pg_attribute AS a "
    "ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) WHERE i.indisunique AND i.indpred IS NULL AND i.indrelid = '{table}'::regclass",
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """Expressions of one kind of database; `n` is the number of the row, or something made of it."""

    kind: str

    def of(self, pair: Sql, **values: object) -> str:
        return (pair.sqlite if self.kind == "sqlite" else pair.postgres).format(**values)

    def uuid(self, n: str = "n") -> str:
        """Scattered, as real ones are; the same for the same n, so keys of tables that belong together agree."""
        return self.of(_UUID, n=n)

    def time(self, newest: float, step: float, n: str = "n") -> str:
        """`step` seconds older with every n."""
        return self.of(_TIME, newest=int(newest), step=step, n=n)


@dataclass(frozen=True, slots=True)
class Column:
    type: str
    needed: bool
    unique: bool


async def tables(db: Database) -> list[str]:
    return [str(row["name"]) for row in await db.fetch(_TABLES)]


async def columns(db: Database, table: str) -> Mapping[str, Column]:
    asked = Dialect(db.kind)
    unique = {str(row["name"]) for row in await db.fetch(asked.of(_UNIQUE, table=table))}
    rows = await db.fetch(asked.of(_COLUMNS, table=table))
    return {row["name"]: Column(row["type"], bool(row["needed"]), row["name"] in unique) for row in rows}


async def first(db: Connection, table: str) -> Row | None:
    return await db.fetch_one(f"SELECT * FROM {table} LIMIT 1")  # noqa: S608 - our own names


async def begin(db: Database, table: str) -> None:
    """A first row of nothings, where there is none."""
    if await first(db, table) is not None:
        return
    ask = Dialect(db.kind)
    nothings = {"uuid": ask.uuid("0"), "timestamptz": ask.time(1_700_000_000, 1, "0"), "jsonb": "'{}'", "boolean": "false"}
    nothings |= {"text": "''", "bigint": "0", "double precision": "0"}
    needed = {name: nothings[one.type] for name, one in (await columns(db, table)).items() if one.needed}
    await _freely(db, f"INSERT INTO {table} ({', '.join(needed)}) VALUES ({', '.join(needed.values())})")  # noqa: S608


async def multiply(db: Database, table: str, many: int, made: Mapping[str, str], where: str = "true") -> None:
    """`many` rows like the first one `where`: `made` are expressions of `n` and of that row, `first`, by column."""
    names = list(await columns(db, table))
    values = ", ".join(made.get(name, f'first."{name}"') for name in names)
    quoted = ", ".join(f'"{name}"' for name in names)
    source = f"(SELECT * FROM {table} WHERE {where} LIMIT 1) AS first"  # noqa: S608
    for begun in range(1, many + 1, AT_ONCE):
        series = Dialect(db.kind).of(_SERIES, first=begun, last=min(begun + AT_ONCE - 1, many))
        rows = f"{series} SELECT {values} FROM series CROSS JOIN {source} WHERE true"
        await _freely(db, f"INSERT INTO {table} ({quoted}) {rows} ON CONFLICT DO NOTHING")  # noqa: S608


async def _freely(db: Database, insert: str) -> None:
    """Without looking whether what a row refers to is there."""
    if db.kind == "sqlite":
        await db.run(_NO_KEYS)
        await db.run(insert)
        await db.run("PRAGMA foreign_keys = ON")
        return
    async with db.transaction() as tx:
        await tx.run(_NO_KEYS)
        await tx.run(insert)


def some(name: str, column: Column, row: Mapping[str, Any], ask: Dialect, newest: float) -> str | None:
    """What this column is in most rows, when nothing better is known; None: the same as in the first row."""
    text = column.type == "text"
    match name:
        case "tenant_id":
            return "CASE WHEN n % 4 = 0 THEN 't' || n % 20 ELSE first.tenant_id END"
        case "owner_id" if row[name]:
            return "CASE WHEN n % 2 = 0 THEN 'o' || n % 100 ELSE first.owner_id END"
        case "session_id" if not column.unique or len(row) > 5:
            return f"CASE WHEN n % 100 = 0 THEN first.session_id ELSE {ask.uuid('n / 50')} END"
        case "status" if text:
            return "CASE WHEN n < 9500 THEN 'archived' ELSE first.status END"
        case "slot":
            return "first.slot - n"
        case "scope":
            return "CASE WHEN n % 2 = 0 THEN 'session' ELSE first.scope END"
        case "name":
            return "first.name || n"
        case "period" | "epoch" | "kind" | "type" | "model" if column.unique:
            return None
    if column.type == "uuid":
        return None if row[name] is None else ask.uuid()
    if column.type == "timestamptz":
        return None if row[name] is None else ask.time(newest, 60)
    if column.unique:
        return {"bigint": f"first.{name} + n", "text": f"first.{name} || n"}.get(column.type)
    return f"CASE n % 3 WHEN 0 THEN first.{name} WHEN 1 THEN 'one' ELSE first.{name} || '-' || n % 7 END" if text else None
