"""Mappings of repositories to a tracker's projects, in SQL."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from volundr.db.database import Database, Query, UniqueViolation
from volundr.db.listing import Listing
from volundr.db.rows import RowMap
from volundr.domain.paging import Page, PageRequest
from volundr.domain.tracker import ProjectMapping, ProjectMappingRepository, taken

MIGRATIONS = (
    """
    CREATE TABLE project_mappings (
        id UUID PRIMARY KEY,
        tenant_id TEXT NOT NULL,
        repo TEXT NOT NULL,
        provider TEXT NOT NULL,
        project TEXT NOT NULL,
        created_by TEXT NOT NULL,
        revision BIGINT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX project_mappings_repo ON project_mappings (tenant_id, repo, provider)",
    "CREATE INDEX project_mappings_age ON project_mappings (tenant_id, created_at, id)",
    "CREATE INDEX project_mappings_of_repo ON project_mappings (tenant_id, repo, created_at, id)",
)

ROW = RowMap(ProjectMapping)
LISTING = Listing(ROW, "project_mappings", sorts=("created_at", "repo"), default="created_at")
ADD = f"INSERT INTO project_mappings ({ROW.names}) VALUES ({', '.join(':' + name for name in ROW.columns)})"  # noqa: S608 - our own names
GET = f"SELECT {ROW.names} FROM project_mappings WHERE id = :id"  # noqa: S608
DELETE = "DELETE FROM project_mappings WHERE id = :id"


class ProjectMappingStore(ProjectMappingRepository):
    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, mapping: ProjectMapping) -> None:
        try:
            await self._db.run(ADD, **ROW.dump(mapping))
        except UniqueViolation as error:
            raise taken(mapping.repo, mapping.provider) from error

    async def list(self, tenant_id: str, repo: str, page: PageRequest) -> Page[ProjectMapping]:
        where: list[Query] = ["tenant_id = :tenant"]
        params = {"tenant": tenant_id}
        if repo:
            where.append("repo = :repo")
            params["repo"] = repo
        return await LISTING.page(self._db, page, where, params)

    async def get(self, mapping_id: UUID) -> ProjectMapping | None:
        row = await self._db.fetch_one(GET, id=mapping_id)
        return None if row is None else ROW.load(row)

    async def update(self, mapping_id: UUID, changes: Mapping[str, Any], revision: int | None) -> ProjectMapping | None:
        if changes.keys() - {"project"}:
            raise ValueError(f"not for update: {sorted(changes)}")
        guard = "" if revision is None else " AND revision = :expected"
        query = (
            f"UPDATE project_mappings SET project = :project, revision = revision + 1 WHERE id = :id{guard} "  # noqa: S608
            f"RETURNING {ROW.names}"
        )
        known = {} if revision is None else {"expected": revision}
        rows = await self._db.run(query, id=mapping_id, **changes, **known)
        return ROW.load(rows[0]) if rows else None

    async def delete(self, mapping_id: UUID) -> None:
        await self._db.run(DELETE, id=mapping_id)
