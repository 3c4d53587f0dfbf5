"""One file with all that a database holds, the same for both kinds: a ZIP archive of a manifest and one file of rows a table.

Rows are lines of JSON. The manifest says how many there are and what each file's checksum is, so a file that was cut off or
damaged is noticed before anything is written.
"""

import asyncio
import json
import os
import zipfile
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import IO, Any, Literal

from volundr.db.migrate import Migrations, bring_up
from volundr.db.tables import BATCH, Filling, Kind, Snapshot, Table, Values, at, other_names, table_names
from volundr.domain.errors import Conflict, Invalid, Unavailable

FORMAT = 1
_MANIFEST = "manifest.json"
_LARGEST_MANIFEST = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One table in the file."""

    name: str
    columns: Mapping[str, Kind]
    rows: int
    checksum: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The head of the file. `ledger`: how many migrations of each store the database had run."""

    format: int
    version: str
    created_at: str
    database: Literal["sqlite", "postgres"]
    ledger: Mapping[str, int]
    tables: Sequence[Stored]

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)


async def save(source: Snapshot, stores: Migrations, path: Path, version: str) -> Manifest:
    """Write everything into a new file that only its owner can read. Raises Conflict when it exists."""
    ledger = await source.ledger()
    part = path.with_name(path.name + ".part")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(f"The file {part} cannot be written: {error.strerror}.") from error
    try:
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            tables = [await _save_table(source, table, archive) for table in await source.tables(table_names(stores))]
            now = datetime.now(UTC).isoformat(timespec="seconds")
            manifest = Manifest(
                format=FORMAT, version=version, created_at=now, database=source.kind, ledger=ledger, tables=tables
            )
            archive.writestr(_MANIFEST, json.dumps(asdict(manifest), indent=1))
        await asyncio.to_thread(_keep, part, path)
    except OSError as error:
        raise Unavailable(f"The file {path} cannot be written: {error.strerror or error}.") from error
    finally:
        part.unlink(missing_ok=True)
    return manifest


def _keep(part: Path, path: Path) -> None:
    with part.open("rb") as file:
        os.fsync(file.fileno())
    try:
        os.link(part, path)
    except FileExistsError as error:
        raise Conflict(f"The file {path} exists already.", hint="Choose another name, or move it away.") from error


async def _save_table(source: Snapshot, table: Table, archive: zipfile.ZipFile) -> Stored:
    count, digest = 0, sha256()

    def add(file: IO[bytes], batch: Sequence[Values]) -> None:
        lines = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in batch).encode()
        digest.update(lines)
        file.write(lines)

    with archive.open(_member(table.name), "w", force_zip64=True) as file:
        async for batch in source.rows(table):
            await asyncio.to_thread(add, file, batch)
            count += len(batch)
    return Stored(name=table.name, columns=table.columns, rows=count, checksum=digest.hexdigest())


async def check(path: Path, stores: Migrations) -> Manifest:
    """What the file says of itself, once all of it was read and found whole.

    Raises Invalid for a file that is damaged, cut off, none of ours, or written by a newer version.
    """
    return await asyncio.to_thread(_check, path, stores)


def _check(path: Path, stores: Migrations) -> Manifest:
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(_MANIFEST).file_size > _LARGEST_MANIFEST:
                raise Invalid(f"{path} is not a backup of Volundr.")
            manifest = _read(json.loads(archive.read(_MANIFEST)), path)
            _not_newer(manifest, stores, path)
            for table in manifest.tables:
                digest, count = sha256(), 0
                with archive.open(_member(table.name)) as file:
                    while block := file.read(1024 * 1024):
                        digest.update(block)
                        count += block.count(b"\n")
                if (digest.hexdigest(), count) != (table.checksum, table.rows):
                    raise _damaged(path, f"the table {table.name} is not what was written")
    except FileNotFoundError as error:
        raise Invalid(f"There is no file {path}.") from error
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, EOFError, OSError, RuntimeError) as error:
        raise _damaged(path, str(error) or type(error).__name__) from error
    except Exception as error:
        if type(error).__module__ != "zlib":
            raise
        raise _damaged(path, str(error)) from error
    return manifest


def _read(data: Any, path: Path) -> Manifest:
    if data["format"] > FORMAT:
        raise Invalid(f"{path} was written by a newer version of Volundr ({data['version']}).", hint="Use that version.")
    tables = [Stored(**table) for table in data.pop("tables")]
    return Manifest(**data, tables=tables)


def _not_newer(manifest: Manifest, stores: Migrations, path: Path) -> None:
    for store, version in manifest.ledger.items():
        if version > len(stores.get(store, ())):
            raise Invalid(
                f"{path} was written by a newer version of Volundr ({manifest.version}): this one does not know all its tables.",
                hint="Use that version, or a later one.",
            )


def _damaged(path: Path, cause: str) -> Invalid:
    return Invalid(f"{path} is damaged or not a backup of Volundr ({cause}). Nothing was written.", hint="Use another copy.")


async def put(path: Path, manifest: Manifest, target: Filling, stores: Migrations, *, replace: bool) -> int:
    """Make the target hold what the file holds, brought up to date; returns the number of rows.

    `check` the file first. Raises Conflict when the target holds anything and is not to be replaced, or somebody works on it.
    """
    names = table_names(stores)
    if await target.busy():
        raise Conflict("A forge works on this database now.", hint="End it first: `volundr down`.")
    if not replace:
        await _must_be_empty(target, names)
    await target.drop([*names, "migrations"], other_names(stores))
    await bring_up(target.connection, at(stores, manifest.ledger))
    tables = {table.name: table for table in await target.tables(names)}
    await target.loosen(list(tables.values()))
    for name in reversed(tables):
        await target.connection.run(f'DELETE FROM "{name}"')  # noqa: S608 - our own names; what migrations put there
    for stored in manifest.tables:
        await _put_table(path, stored, tables.get(stored.name), target)
    await target.fasten(list(tables.values()))
    await bring_up(target.connection, stores)
    return manifest.rows


async def _must_be_empty(target: Filling, names: Sequence[str]) -> None:
    for table in await target.tables(names):
        if await target.connection.fetch(f'SELECT 1 FROM "{table.name}" LIMIT 1'):  # noqa: S608 - our own names
            raise Conflict(
                f"The database is not empty: the table {table.name} has rows.",
                hint="Use an empty one, or --replace: it saves what is there first.",
            )


async def _put_table(path: Path, stored: Stored, table: Table | None, target: Filling) -> None:
    if table is None or stored.columns.keys() - table.columns.keys():
        raise Invalid(f"The table {stored.name} of this file does not fit into this kind of database.")
    into = Table(name=table.name, columns={name: table.columns[name] for name in stored.columns})
    await target.fill(into, _rows(path, stored))
    [found] = await target.connection.fetch(f'SELECT count(*) AS n FROM "{table.name}"')  # noqa: S608 - our own names
    if found["n"] != stored.rows:
        raise Unavailable(f"{found['n']} of {stored.rows} rows of {stored.name} arrived. Nothing was written.")


async def _rows(path: Path, stored: Stored) -> AsyncIterator[Sequence[Values]]:
    def batch(file: IO[bytes]) -> list[Values]:
        return [tuple(json.loads(line)) for line in islice(file, BATCH)]

    with zipfile.ZipFile(path) as archive, archive.open(_member(stored.name)) as file:
        while rows := await asyncio.to_thread(batch, file):
            yield rows


def _member(table: str) -> str:
    return f"tables/{table}.ndjson"
