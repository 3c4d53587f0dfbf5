"""Which tables there are, and how a database with all of them is opened."""

from pathlib import Path

from volundr.db.database import Database
from volundr.db.migrate import Migrations, bring_up, migrate
from volundr.store import (
    account_keys,
    admin_settings,
    audit,
    budgets,
    changes,
    chronicles,
    credentials,
    events,
    idempotency,
    integrations,
    leases,
    permissions,
    presets,
    prompts,
    sessions,
    tenants,
    timeline,
    tokens,
    tracker,
    users,
    workspaces,
)

MIGRATIONS: Migrations = {
    "sessions": sessions.MIGRATIONS,
    "tokens": tokens.MIGRATIONS,
    "chronicles": chronicles.MIGRATIONS,
    "timeline": timeline.MIGRATIONS,
    "permissions": permissions.MIGRATIONS,
    "idempotency": idempotency.MIGRATIONS,
    "integrations": integrations.MIGRATIONS,
    "tracker": tracker.MIGRATIONS,
    "presets": presets.MIGRATIONS,
    "prompts": prompts.MIGRATIONS,
    "tenants": tenants.MIGRATIONS,
    "users": users.MIGRATIONS,
    "account_keys": account_keys.MIGRATIONS,
    "changes": changes.MIGRATIONS,
    "leases": leases.MIGRATIONS,
    "credentials": credentials.MIGRATIONS,
    "events": events.MIGRATIONS,
    "budgets": budgets.MIGRATIONS,
    "admin_settings": admin_settings.MIGRATIONS,
    "workspaces": workspaces.MIGRATIONS,
    "audit": audit.MIGRATIONS,
}
"""In this order: later tables refer to those before."""


async def open_up_to_date(url: str, file: Path, connections: int = 10) -> Database:
    """The Postgres database of this URL with so many connections, or the SQLite one in this file when it is empty; migrated."""
    if url:
        await bring_up_postgres(url)
        return await open_database(url, file, connections)
    db = await open_database(url, file, connections)
    try:
        await migrate(db, MIGRATIONS)
    except BaseException:
        await db.close()
        raise
    return db


async def bring_up_postgres(url: str) -> int:
    """What `migrate` does, on a connection without a time limit: a new index of a large table takes its time, and whoever
    starts meanwhile waits for it. Returns how many statements were run."""
    from volundr.db.copy_postgres import write

    async with write(url) as target:
        return await bring_up(target.connection, MIGRATIONS)


async def open_database(url: str, file: Path, connections: int = 10) -> Database:
    """The same as it is. Each driver is imported only where it is used: together they are a tenth of the start."""
    if url:
        from volundr.db.postgres import PostgresDatabase

        return await PostgresDatabase.open(url, connections)
    from volundr.db.sqlite import SqliteDatabase

    return await SqliteDatabase.open(file)
