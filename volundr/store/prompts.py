"""Saved prompts in SQL."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from volundr.db.database import Database, Sql, UniqueViolation
from volundr.db.listing import Listing
from volundr.db.rows import RowMap
from volundr.domain.paging import Page, PageRequest
from volundr.domain.presets import taken
from volundr.domain.prompts import PromptFilter, SavedPrompt, SavedPromptRepository
from volundr.store.presets import change, seen

MIGRATIONS = (
    """
    CREATE TABLE prompts (
        id UUID PRIMARY KEY,
        tenant_id TEXT NOT NULL,
        owner_id TEXT NOT NULL,
        name TEXT NOT NULL,
        content TEXT NOT NULL,
        project TEXT NOT NULL,
        tags JSONB NOT NULL,
        shared BOOLEAN NOT NULL,
        revision BIGINT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX prompts_name ON prompts (tenant_id, owner_id, project, name)",
    "CREATE INDEX prompts_by_name ON prompts (tenant_id, name, id)",
    "CREATE INDEX prompts_by_age ON prompts (tenant_id, updated_at, id)",
    "CREATE INDEX prompts_of_project ON prompts (tenant_id, project, name, id)",
    "CREATE INDEX prompts_newest ON prompts (tenant_id, created_at, id)",
)

ROW = RowMap(SavedPrompt)
LISTING = Listing(ROW, "prompts", sorts=("name", "created_at", "updated_at"), default="name")
ADD = f"INSERT INTO prompts ({ROW.names}) VALUES ({', '.join(':' + name for name in ROW.columns)})"  # noqa: S608 - our own names
GET = f"SELECT {ROW.names} FROM prompts WHERE id = :id"  # noqa: S608
DELETE = "DELETE FROM prompts WHERE id = :id"


def _word(number: int) -> Sql:
    """The word occurs somewhere; it is looked for as it is, so that no character of it is a wildcard."""
    return Sql(
        sqlite=f"instr(lower(name || ' ' || content || ' ' || tags), :word{number}) > 0",
        postgres=f"strpos(lower(name || ' ' || content || ' ' || CAST(tags AS TEXT)), :word{number}) > 0",
    )


def _tag(number: int) -> Sql:
    return Sql(
        sqlite=f"EXISTS (SELECT 1 FROM json_each(tags) AS t WHERE t.value = :tag{number})",  # noqa: S608 - a number
        postgres=f"EXISTS (SELECT 1 FROM jsonb_array_elements_text(tags) AS t(value) WHERE t.value = :tag{number})",  # noqa: S608
    )


class SavedPromptStore(SavedPromptRepository):
    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, prompt: SavedPrompt) -> None:
        try:
            await self._db.run(ADD, **ROW.dump(prompt))
        except UniqueViolation as error:
            raise taken("prompt", prompt.name) from error

    async def get(self, prompt_id: UUID) -> SavedPrompt | None:
        row = await self._db.fetch_one(GET, id=prompt_id)
        return None if row is None else ROW.load(row)

    async def search(self, wanted: PromptFilter, page: PageRequest) -> Page[SavedPrompt]:
        where, params = seen(wanted.sight)
        if wanted.project is not None:
            where.append("project = :project")
            params["project"] = wanted.project
        for number, tag in enumerate(wanted.tags):
            where.append(_tag(number))
            params[f"tag{number}"] = tag
        for number, word in enumerate(wanted.words):
            where.append(_word(number))
            params[f"word{number}"] = word.lower()
        return await LISTING.page(self._db, page, where, params)

    async def update(self, prompt_id: UUID, changes: Mapping[str, Any], revision: int | None) -> SavedPrompt | None:
        try:
            return await change(self._db, ROW, "prompts", prompt_id, changes, revision)
        except UniqueViolation as error:
            raise taken("prompt", str(changes.get("name", "of this name"))) from error

    async def delete(self, prompt_id: UUID) -> None:
        await self._db.run(DELETE, id=prompt_id)
