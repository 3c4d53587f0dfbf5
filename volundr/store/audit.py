"""The audit log in SQL: rows are added, listed, and forgotten by age."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from volundr.db.database import Database, Query, Sql
from volundr.db.listing import Listing
from volundr.db.rows import RowMap
from volundr.domain.audit import AuditEntry, AuditFilter, AuditRepository
from volundr.domain.paging import Page, PageRequest

MIGRATIONS = (
    """
    CREATE TABLE audit (
        id UUID PRIMARY KEY,
        at TIMESTAMPTZ NOT NULL,
        tenant_id TEXT NOT NULL,
        actor TEXT NOT NULL,
        via TEXT NOT NULL,
        action TEXT NOT NULL,
        subject TEXT NOT NULL,
        status BIGINT NOT NULL,
        address TEXT NOT NULL
    )
    """,
    "CREATE INDEX audit_tenant ON audit (tenant_id, at, id)",
    "CREATE INDEX audit_actor ON audit (tenant_id, actor, at, id)",
    "CREATE INDEX audit_action ON audit (tenant_id, action, at, id)",
    "CREATE INDEX audit_at ON audit (at, id)",
    "CREATE INDEX audit_refused ON audit (tenant_id, at, id) WHERE status >= 400",
)

ROW = RowMap(AuditEntry)
LISTING = Listing(ROW, "audit", sorts=("at",), default="-at")
_FORGET = "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < :before ORDER BY at, id LIMIT :limit) RETURNING id"
_SUBJECT = Sql(sqlite="instr(subject, :subject) > 0", postgres="strpos(subject, :subject) > 0")


class AuditStore(AuditRepository):
    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, entries: Sequence[AuditEntry]) -> None:
        if not entries:
            return
        rows, params = [], dict[str, Any]()
        for number, entry in enumerate(entries):
            values = {f"{name}{number}": value for name, value in ROW.dump(entry).items()}
            rows.append(f"({', '.join(':' + name for name in values)})")
            params |= values
        query = f"INSERT INTO audit ({ROW.names}) VALUES {', '.join(rows)} ON CONFLICT DO NOTHING"  # noqa: S608 - our own names
        await self._db.run(query, **params)

    async def list(self, chosen: AuditFilter, page: PageRequest) -> Page[AuditEntry]:
        where: list[Query] = ["tenant_id = :tenant"]
        params: dict[str, Any] = {"tenant": chosen.tenant_id}
        for name in ("actor", "action"):
            if value := getattr(chosen, name):
                where.append(f"{name} = :{name}")
                params[name] = value
        if chosen.subject:
            where.append(_SUBJECT)
            params["subject"] = f"={chosen.subject}"
        if chosen.refused is not None:
            where.append("status >= 400" if chosen.refused else "status < 400")
        for name, sign, moment in (("since", ">=", chosen.since), ("until", "<", chosen.until)):
            if moment is not None:
                where.append(f"at {sign} :{name}")
                params[name] = moment
        return await LISTING.page(self._db, page, where, params)

    async def forget(self, before: datetime, limit: int) -> int:
        return len(await self._db.run(_FORGET, before=before, limit=limit))
