"""Credentials in SQL, their values encrypted: the same for all workers and replicas that have the key."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from volundr.db.database import Connection, Database, Query, Row, Sql
from volundr.db.listing import Listing
from volundr.db.rows import RowMap
from volundr.domain.credentials import Credential, CredentialStorePort, Owner
from volundr.domain.mounts import CredentialType
from volundr.domain.paging import Page, PageRequest
from volundr.store.sealed import Seal

MIGRATIONS = (
    """
    CREATE TABLE credentials (
        scope TEXT NOT NULL,
        owner_id TEXT NOT NULL,
        name TEXT NOT NULL,
        type TEXT NOT NULL,
        keys JSONB NOT NULL,
        note TEXT NOT NULL,
        sealed TEXT NOT NULL,
        revision BIGINT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL,
        PRIMARY KEY (scope, owner_id, name)
    )
    """,
)

ROW = RowMap(Credential)
LISTING = Listing(ROW, "credentials", sorts=("name",), default="name", key="name")
_MINE = "scope = :scope AND owner_id = :owner AND name = :name"
GET = f"SELECT {ROW.names} FROM credentials WHERE {_MINE}"  # noqa: S608 - our own names
LOCKED = Sql(sqlite=GET, postgres=f"{GET} FOR UPDATE")
VALUES = f"SELECT sealed FROM credentials WHERE {_MINE}"  # noqa: S608
DELETE = f"DELETE FROM credentials WHERE {_MINE}"  # noqa: S608
PUT = f"""
    INSERT INTO credentials (scope, owner_id, sealed, {ROW.names})
    VALUES (:scope, :owner, :sealed, {", ".join(":" + name for name in ROW.columns)})
    ON CONFLICT (scope, owner_id, name) DO UPDATE SET type = :type, keys = :keys, note = :note, sealed = :sealed,
        revision = credentials.revision + 1, updated_at = :updated_at
    RETURNING {ROW.names}
"""  # noqa: S608
ONE_SEALED = "SELECT sealed FROM credentials LIMIT 1"


class CredentialStore(CredentialStorePort):
    def __init__(self, db: Database, seal: Seal) -> None:
        self._db = db
        self._seal = seal

    async def store(
        self, owner: Owner, credential: Credential, values: Mapping[str, str], revision: int | None
    ) -> Credential | None:
        await self.check_health()  # what another key wrote is not written over
        sealed = await self._seal.close(values)
        known = _mine(owner, credential.name)
        async with self._db.transaction() as tx:
            if revision is not None and await _revision(tx, known) != revision:
                return None
            fresh = replace(credential, revision=1, updated_at=datetime.now(UTC))
            rows = await tx.run(PUT, **known | ROW.dump(fresh), sealed=sealed)
        return ROW.load(rows[0])

    async def get(self, owner: Owner, name: str) -> Credential | None:
        row = await self._db.fetch_one(GET, **_mine(owner, name))
        return None if row is None else ROW.load(row)

    async def values(self, owner: Owner, name: str) -> Mapping[str, str] | None:
        row = await self._db.fetch_one(VALUES, **_mine(owner, name))
        return None if row is None else await self._seal.open(row["sealed"])

    async def delete(self, owner: Owner, name: str) -> None:
        await self._db.run(DELETE, **_mine(owner, name))

    async def list(self, owner: Owner, kind: CredentialType | None, page: PageRequest) -> Page[Credential]:
        where: list[Query] = ["scope = :scope", "owner_id = :owner"]
        params: dict[str, Any] = {"scope": owner.scope, "owner": owner.id}
        if kind is not None:
            where.append("type = :type")
            params["type"] = kind
        return await LISTING.page(self._db, page, where, params)

    async def check_health(self) -> None:
        row: Row | None = await self._db.fetch_one(ONE_SEALED)
        if row is not None:
            await self._seal.open(row["sealed"])


def _mine(owner: Owner, name: str) -> dict[str, Any]:
    return {"scope": owner.scope, "owner": owner.id, "name": name}


async def _revision(tx: Connection, known: Mapping[str, Any]) -> int:
    row = await tx.fetch_one(LOCKED, **known)
    return 0 if row is None else ROW.load(row).revision
