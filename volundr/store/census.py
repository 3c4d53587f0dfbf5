"""What there is, counted in SQL."""

from collections.abc import Mapping

from volundr.db.database import Database
from volundr.domain.metrics import Census

SESSIONS = "SELECT status, COUNT(*) AS many FROM sessions GROUP BY status"


class CensusStore(Census):
    def __init__(self, db: Database) -> None:
        self._db = db

    async def sessions(self) -> Mapping[str, int]:
        return {row["status"]: row["many"] for row in await self._db.fetch(SESSIONS)}
