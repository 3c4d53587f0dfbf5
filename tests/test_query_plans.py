"""What every GET route asks the database is answered from indexes: recorded while a forge serves, then explained."""

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.conftest import OnForge
from tests.forge import Site
from tests.matrix import rules
from volundr.db.database import Database, Query, Sql

SMALL = frozenset(
    {"tenants", "admin_settings", "event_cursors", "presets", "prompts", "integrations", "credentials", "memberships"}
)
"""A person or a forge has few of these."""
OUR_OWN = frozenset({"up", "down", "stored"})
"""Names of parts of a query: what is read of them was found by an index."""
SESSIONS_OF_A_TENANT = frozenset({"/api/v1/workspaces"})
"""Reads the sessions of one tenant through its index, and puts them together with what is left over."""


class Asked:
    """Notes each query that is sent, and passes it on."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.seen: dict[str, Mapping[str, Any]] = {}
        self._fetch = db.fetch

    async def fetch(self, query: Query, **params: Any) -> Any:
        text = query if isinstance(query, str) else getattr(query, self.db.kind)
        self.seen[text] = params
        return await self._fetch(query, **params)

    async def scans(self, query: str, params: Mapping[str, Any]) -> Sequence[str]:
        """The tables that are read as a whole."""
        async with self.db.transaction() as tx:
            if self.db.kind == "postgres":
                await tx.run("SET LOCAL enable_seqscan = off")  # in a small table the planner would rightly use one
                rows = await tx.fetch(Sql(sqlite="", postgres=f"EXPLAIN {query}"), **params)
                lines = [str(row[0]).strip().removeprefix("->").strip() for row in rows]
                return [line.split(" on ")[1].split()[0] for line in lines if line.startswith("Seq Scan on ")]
            rows = await tx.fetch(Sql(sqlite=f"EXPLAIN QUERY PLAN {query}", postgres=""), **params)
            whole = [str(row[3]) for row in rows if str(row[3]).startswith("SCAN ") and " INDEX" not in str(row[3])]
            return [line.split()[1] for line in whole if line.split()[1] != "CONSTANT"]


def real(table: str, query: str) -> str:
    """The table that an alias stands for in this query."""
    found = re.search(rf"(?:FROM|JOIN)\s+(\w+)\s+(?:AS\s+)?{table}\b", query)
    return found[1] if found else table


@pytest.mark.parametrize("sight", ["me", "all"])
def test_no_route_reads_a_table_as_a_whole(on_forge: OnForge, sight: str) -> None:
    async def scenario(site: Site) -> None:
        body = {"name": "one", "agent": "claude", "source": {"type": "empty"}, "start": False}
        session_id = (await site.http.post("/api/v1/sessions", json=body)).json()["id"]
        chronicle_id = (await site.http.post("/api/v1/chronicles", json={"session_id": session_id})).json()["id"]
        asked = Asked(site.forge.db)
        site.forge.db.fetch = asked.fetch  # type: ignore[method-assign]
        values = {name: str(uuid.uuid4()) for name in ("preset_id", "prompt_id", "budget_id", "integration_id", "mapping_id")}
        values |= {"session_id": session_id, "workspace_id": session_id, "chronicle_id": chronicle_id}
        values |= {"name": "box", "number": "1", "key": "A-1", "tenant_id": "default", "user_id": "local"}
        wrong: list[Any] = []
        for (method, path), _ in sorted(rules().items()):
            if method != "GET" or path in {"/metrics", "/api/v1/openapi.json"}:
                continue
            asked.seen.clear()
            answer = await site.http.get(path.format(**values), params={"owner": sight, "q": "one two", "by": "day"})
            assert answer.status_code < 500, (path, answer.text)
            for query, params in list(asked.seen.items()):
                found = {real(table, query) for table in await asked.scans(query, params)}
                whole = found - SMALL - OUR_OWN - ({"sessions"} if path in SESSIONS_OF_A_TENANT else set())
                if whole:
                    wrong.append((path, sorted(whole), " ".join(query.split())[:300]))
        assert not wrong, "\n".join(map(str, wrong))

    on_forge(scenario)
