"""Idempotency keys in SQL."""

from datetime import UTC, datetime, timedelta

from volundr.db.database import Database, Row
from volundr.domain.idempotency import CLAIM_SECONDS, KEPT_SECONDS, Answer, Claim, IdempotencyRepository

MIGRATIONS = (
    """
    CREATE TABLE idempotency_keys (
        caller TEXT NOT NULL,
        key TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        claimed_at TIMESTAMPTZ NOT NULL,
        status BIGINT NOT NULL,
        body TEXT NOT NULL,
        content_type TEXT NOT NULL,
        etag TEXT NOT NULL,
        once BOOLEAN NOT NULL,
        PRIMARY KEY (caller, key)
    )
    """,
    "CREATE INDEX idempotency_keys_age ON idempotency_keys (claimed_at)",
)

CLAIM = """
    INSERT INTO idempotency_keys (caller, key, fingerprint, claimed_at, status, body, content_type, etag, once)
    VALUES (:caller, :key, :fingerprint, :now, 0, '', '', '', :no)
    ON CONFLICT (caller, key) DO UPDATE SET fingerprint = :fingerprint, claimed_at = :now, status = 0, body = ''
    WHERE idempotency_keys.claimed_at < :old OR (idempotency_keys.status = 0 AND idempotency_keys.claimed_at < :dead)
    RETURNING key
"""
GET = "SELECT fingerprint, status, body, content_type, etag, once FROM idempotency_keys WHERE caller = :caller AND key = :key"
KEEP = """
    UPDATE idempotency_keys SET status = :status, body = :body, content_type = :content_type, etag = :etag, once = :once
    WHERE caller = :caller AND key = :key
"""
RELEASE = "DELETE FROM idempotency_keys WHERE caller = :caller AND key = :key AND status = 0"
FORGET = "DELETE FROM idempotency_keys WHERE claimed_at < :old RETURNING key"


class IdempotencyStore(IdempotencyRepository):
    def __init__(self, db: Database) -> None:
        self._db = db

    async def claim(self, caller: str, key: str, fingerprint: str) -> Claim:
        now = datetime.now(UTC)
        ages = {"now": now, "old": _before(now, KEPT_SECONDS), "dead": _before(now, CLAIM_SECONDS)}
        if await self._db.run(CLAIM, caller=caller, key=key, fingerprint=fingerprint, no=False, **ages):
            return Claim(state="mine")
        row = await self._db.fetch_one(GET, caller=caller, key=key)
        if row is None:  # released since
            return Claim(state="busy")
        if row["fingerprint"] != fingerprint:
            return Claim(state="other")
        return Claim(state="done", answer=_answer(row)) if row["status"] else Claim(state="busy")

    async def keep(self, caller: str, key: str, answer: Answer) -> None:
        await self._db.run(
            KEEP,
            caller=caller,
            key=key,
            status=answer.status,
            body="" if answer.once else answer.body,
            content_type=answer.content_type,
            etag=answer.etag,
            once=answer.once,
        )

    async def release(self, caller: str, key: str) -> None:
        await self._db.run(RELEASE, caller=caller, key=key)

    async def forget(self) -> int:
        return len(await self._db.run(FORGET, old=_before(datetime.now(UTC), KEPT_SECONDS)))


def _before(now: datetime, seconds: float) -> datetime:
    return now - timedelta(seconds=seconds)


def _answer(row: Row) -> Answer:
    return Answer(
        status=row["status"], body=row["body"], content_type=row["content_type"], etag=row["etag"], once=bool(row["once"])
    )
