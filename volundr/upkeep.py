"""What a person does with the whole database: bring it up to date, save it, put it back, move it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from volundr import __version__
from volundr.db.migrate import Step, migrate, pending
from volundr.local import runfile
from volundr.settings import Settings
from volundr.store.opening import MIGRATIONS, bring_up_postgres, open_database

if TYPE_CHECKING:
    from volundr.db.backup import Manifest
    from volundr.db.tables import Read, Write


async def plan(settings: Settings) -> Sequence[Step]:
    """The statements that `bring_up_to_date` would run. Nothing is written, not even a file."""
    file = _file(settings)
    if not settings.database.url and not file.exists():
        return [
            Step(store=store, version=version, statement=query)
            for store, queries in MIGRATIONS.items()
            for version, query in enumerate(queries, start=1)
        ]
    db = await open_database(settings.database.url, file)
    try:
        return await pending(db, MIGRATIONS)
    finally:
        await db.close()


async def bring_up_to_date(settings: Settings) -> int:
    """Run what is pending, all or nothing; returns how many statements that was."""
    runfile.prepare(settings.home)
    if settings.database.url:
        return await bring_up_postgres(settings.database.url)
    db = await open_database("", _file(settings))
    try:
        return await migrate(db, MIGRATIONS)
    finally:
        await db.close()


async def save(settings: Settings, path: Path) -> "Manifest":
    """Everything the database holds now, in a new file. The forge may go on meanwhile."""
    from volundr.db.backup import save as write_file

    async with _read(settings) as source:
        return await write_file(source, MIGRATIONS, path, __version__)


async def put(settings: Settings, path: Path, *, replace: bool) -> tuple["Manifest", Path | None]:
    """Make the database hold what this file holds. With `replace`, what it held is saved first: in the file that is returned.

    Raises Conflict when it holds anything and is not to be replaced, or when a forge works on it; Invalid for a file that is
    damaged or newer than this program. Then nothing was written.
    """
    from volundr.db.backup import check
    from volundr.db.backup import put as fill

    runfile.prepare(settings.home)
    manifest = await check(path, MIGRATIONS)
    with _alone(settings):
        kept = await _saved(settings) if replace else None
        async with _write(settings) as target:
            await fill(path, manifest, target, MIGRATIONS, replace=replace)
    return manifest, kept


def backup_file(settings: Settings) -> Path:
    """Where a backup goes that nobody named."""
    folder = settings.home / "backups"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / f"volundr-{datetime.now(UTC):%Y%m%dT%H%M%S}.zip"


async def _saved(settings: Settings) -> Path | None:
    if not settings.database.url and not _file(settings).exists():
        return None
    path = backup_file(settings)
    manifest = await save(settings, path)
    if manifest.tables:
        return path
    path.unlink()
    return None


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """No forge of this home works meanwhile. Those of other homes on the same Postgres are seen there."""
    with runfile.sole_forge(settings.home):
        yield


def _file(settings: Settings) -> Path:
    return settings.home / "volundr.db"


def _read(settings: Settings) -> "Read":
    if settings.database.url:
        from volundr.db.copy_postgres import read as read_postgres

        return read_postgres(settings.database.url)
    from volundr.db.copy_sqlite import read as read_sqlite

    return read_sqlite(_file(settings))


def _write(settings: Settings) -> "Write":
    if settings.database.url:
        from volundr.db.copy_postgres import write as write_postgres

        return write_postgres(settings.database.url)
    from volundr.db.copy_sqlite import write as write_sqlite

    return write_sqlite(_file(settings))
