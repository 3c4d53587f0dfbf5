"""Sessions counted by their profile, in SQL."""

from collections.abc import Mapping

from volundr.db.database import Database, Sql
from volundr.domain.profiles import ProfileCounter

COUNT = """
    SELECT {name} AS profile, COUNT(*) AS many FROM sessions
    WHERE status IN ('starting', 'provisioning', 'running', 'stopping') AND tenant_id = :tenant GROUP BY 1
"""
COUNTS = Sql(sqlite=COUNT.format(name="json_extract(options, '$.profile')"), postgres=COUNT.format(name="options ->> 'profile'"))


class ProfileCountStore(ProfileCounter):
    def __init__(self, db: Database) -> None:
        self._db = db

    async def active(self, tenant_id: str) -> Mapping[str, int]:
        rows = await self._db.fetch(COUNTS, tenant=tenant_id)
        return {row["profile"]: row["many"] for row in rows if row["profile"]}
