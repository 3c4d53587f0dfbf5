"""Token uses in SQL."""

from collections.abc import Sequence
from uuid import UUID

from volundr.db.database import Database
from volundr.db.rows import RowMap
from volundr.domain.sessions.model import Session
from volundr.domain.tokens import ModelTotal, TokenRepository, TokenUse

MIGRATIONS = (
    """
    CREATE TABLE token_uses (
        session_id UUID NOT NULL,
        epoch TEXT NOT NULL,
        seq BIGINT NOT NULL,
        turn BIGINT NOT NULL,
        model TEXT NOT NULL,
        input BIGINT NOT NULL,
        output BIGINT NOT NULL,
        cache_read BIGINT NOT NULL,
        cache_write BIGINT NOT NULL,
        cost_usd DOUBLE PRECISION,
        at TIMESTAMPTZ NOT NULL,
        owner_id TEXT NOT NULL,
        tenant_id TEXT NOT NULL,
        PRIMARY KEY (session_id, epoch, seq, model)
    )
    """,
    "CREATE INDEX token_uses_at ON token_uses (session_id, at, seq)",
)

ROW = RowMap(TokenUse)
TOTAL = RowMap(ModelTotal)

_VALUES = ", ".join(":" + name for name in ROW.columns)
ADD = f"""
    INSERT INTO token_uses (session_id, owner_id, tenant_id, {ROW.names})
    VALUES (:session, :owner, :tenant, {_VALUES}) ON CONFLICT DO NOTHING RETURNING seq
"""  # noqa: S608 - our own names
_SUMS = ", ".join(f"CAST(SUM({name}) AS BIGINT)" for name in ("input", "output", "cache_read", "cache_write"))
TOTALS = f"""
    SELECT model, {_SUMS}, SUM(cost_usd), COUNT(*), COUNT(*) - COUNT(cost_usd)
    FROM token_uses WHERE session_id = :session GROUP BY model ORDER BY model
"""  # noqa: S608
TURNS = f"SELECT {ROW.names} FROM token_uses WHERE session_id = :session ORDER BY at DESC, seq DESC, model DESC LIMIT :limit"  # noqa: S608


class TokenStore(TokenRepository):
    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, session: Session, uses: Sequence[TokenUse]) -> int:
        whose = {"session": session.id, "owner": session.owner_id, "tenant": session.tenant_id}
        async with self._db.transaction() as tx:
            return sum([len(await tx.run(ADD, **whose, **ROW.dump(use))) for use in uses])

    async def totals(self, session_id: UUID) -> Sequence[ModelTotal]:
        return [TOTAL.load(row) for row in await self._db.fetch(TOTALS, session=session_id)]

    async def turns(self, session_id: UUID, limit: int) -> Sequence[TokenUse]:
        return [ROW.load(row) for row in await self._db.fetch(TURNS, session=session_id, limit=limit)][::-1]
