"""Budgets in SQL."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5

from volundr.db.database import Database, UniqueViolation
from volundr.db.listing import Listing
from volundr.db.rows import RowMap, to_uuid
from volundr.domain.budgets import Budget, BudgetRepository
from volundr.domain.errors import Conflict
from volundr.domain.identity import Whose
from volundr.domain.paging import Page, PageRequest
from volundr.domain.pricing import MICROS
from volundr.domain.sessions.model import Session
from volundr.domain.tenants import Tenant
from volundr.domain.tokens import Scope, Spent
from volundr.store.presets import change
from volundr.store.tenants import TenantStore
from volundr.store.tokens import SUMS_OF_SUMS, spent_in

MIGRATIONS = (
    """
    CREATE TABLE budgets (
        id UUID PRIMARY KEY,
        scope TEXT NOT NULL,
        subject TEXT NOT NULL,
        tenant_id TEXT NOT NULL,
        owner_id TEXT NOT NULL,
        period TEXT NOT NULL,
        limit_micros BIGINT,
        limit_tokens BIGINT,
        revision BIGINT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX budgets_subject ON budgets (scope, subject, tenant_id, period)",
    "CREATE INDEX budgets_newest ON budgets (tenant_id, created_at, id)",
    "CREATE INDEX budgets_changed ON budgets (tenant_id, updated_at, id)",
    "CREATE INDEX budgets_of_subject ON budgets (tenant_id, subject, created_at, id)",
    # A session's budgets go with it.
    "ALTER TABLE budgets ADD COLUMN session_id UUID REFERENCES sessions (id) ON DELETE CASCADE",
    """
    UPDATE budgets SET session_id = (SELECT id FROM sessions WHERE CAST(sessions.id AS TEXT) = budgets.subject)
    WHERE scope = 'session'
    """,
    "DELETE FROM budgets WHERE scope = 'session' AND session_id IS NULL",
    "CREATE INDEX budgets_of_session ON budgets (session_id)",
)

ROW = RowMap(Budget)
LISTING = Listing(ROW, "budgets", sorts=("created_at", "updated_at"), default="-created_at")
ADD = f"""
    INSERT INTO budgets ({ROW.names}, session_id)
    VALUES ({", ".join(":" + name for name in ROW.columns)}, (SELECT id FROM sessions WHERE id = :session))
"""  # noqa: S608 - our own names
GET = f"SELECT {ROW.names} FROM budgets WHERE id = :id"  # noqa: S608
BELOW = f"""
    SELECT {SUMS_OF_SUMS} FROM tenants t JOIN usage_periods u
        ON u.scope = 'tenant' AND u.tenant_id = t.id AND u.subject = t.id AND u.period = :period
    WHERE t.path = :path OR t.path LIKE :below
"""  # noqa: S608
_UP = "status IN ('starting', 'provisioning', 'running')"
BOUND: Mapping[str, str] = {
    "session": f"SELECT id FROM sessions WHERE {_UP} AND id = :session",  # noqa: S608
    "user": f"SELECT id FROM sessions WHERE {_UP} AND tenant_id = :tenant AND owner_id = :subject",  # noqa: S608
    "tenant": f"""
        SELECT s.id FROM sessions s JOIN tenants t ON t.id = s.tenant_id
        WHERE s.{_UP} AND (t.path = :path OR t.path LIKE :below)
    """,  # noqa: S608
}
_BUILT_IN = UUID("6f9d8a53-3c7b-5b52-9e0e-7d1a0f1c4b11")


class BudgetStore(BudgetRepository):
    def __init__(self, db: Database) -> None:
        self._db = db
        self._tenants = TenantStore(db)

    async def add(self, budget: Budget) -> None:
        try:
            await self._db.run(ADD, **ROW.dump(budget), session=UUID(budget.subject) if budget.scope == "session" else None)
        except UniqueViolation as error:
            raise Conflict("There is such a budget already.", hint="Change that one: list the budgets.") from error

    async def get(self, budget_id: UUID) -> Budget | None:
        row = await self._db.fetch_one(GET, id=budget_id)
        return None if row is None else ROW.load(row)

    async def list(self, whose: Whose, scope: Scope | None, subject: str, page: PageRequest) -> Page[Budget]:
        where, params = ["tenant_id = :tenant"], {"tenant": whose.tenant_id}
        if whose.owner_id is not None:
            where.append("owner_id IN (:owner, '')")
            params["owner"] = whose.owner_id
        if scope is not None:
            where.append("scope = :scope")
            params["scope"] = scope
        if subject:
            where.append("subject = :subject")
            params["subject"] = subject
        return await LISTING.page(self._db, page, where, params)

    async def update(self, budget_id: UUID, changes: Mapping[str, Any], revision: int | None) -> Budget | None:
        return await change(self._db, ROW, "budgets", budget_id, changes, revision)

    async def delete(self, budget_id: UUID) -> None:
        await self._db.run("DELETE FROM budgets WHERE id = :id", id=budget_id)

    async def binding(self, session: Session) -> Sequence[tuple[Budget, bool]]:
        tenant = await self._tenants.get(session.tenant_id)
        lineage = [session.tenant_id] if tenant is None else tenant.lineage
        names = {f"tenant{number}": tenant_id for number, tenant_id in enumerate(lineage)}
        above = ", ".join(":" + name for name in names)
        query = f"""
            SELECT {ROW.names} FROM budgets WHERE (scope = 'session' AND subject = :session)
                OR (scope = 'user' AND subject = :owner AND tenant_id = :tenant)
                OR (scope = 'tenant' AND subject IN ({above}))
        """  # noqa: S608 - our own names
        whose = {"session": str(session.id), "owner": session.owner_id, "tenant": session.tenant_id}
        found = [(ROW.load(row), False) for row in await self._db.fetch(query, **whose, **names)]
        quotas = f"SELECT id, budget_usd, created_at FROM tenants WHERE id IN ({above}) AND budget_usd IS NOT NULL"  # noqa: S608
        return found + [(_monthly(row["id"], row["budget_usd"]), True) for row in await self._db.fetch(quotas, **names)]

    async def below(self, tenant_id: str, period: str) -> Spent:
        tenant = await self._tenants.get(tenant_id)
        if tenant is None:
            return Spent()
        row = await self._db.fetch_one(BELOW, period=period, **_tree(tenant))
        assert row is not None  # sums of nothing are a row too
        return spent_in(row)

    async def bound(self, budget: Budget) -> Sequence[UUID]:
        params: dict[str, Any] = {"tenant": budget.tenant_id, "subject": budget.subject}
        if budget.scope == "session":
            params = {"session": UUID(budget.subject)}
        elif budget.scope == "tenant":
            tenant = await self._tenants.get(budget.subject)
            if tenant is None:
                return ()
            params = _tree(tenant)
        return [to_uuid(row["id"]) for row in await self._db.fetch(BOUND[budget.scope], **params)]


def _tree(tenant: Tenant) -> dict[str, Any]:
    return {"path": tenant.path, "below": f"{tenant.path}/%"}  # ids have neither % nor _


def _monthly(tenant_id: str, budget_usd: float) -> Budget:
    """The quota of a tenant as a budget. Its id is always the same for the same tenant."""
    return Budget(
        id=uuid5(_BUILT_IN, tenant_id),
        scope="tenant",
        subject=tenant_id,
        tenant_id=tenant_id,
        period="month",
        limit_micros=round(budget_usd * MICROS),
    )
