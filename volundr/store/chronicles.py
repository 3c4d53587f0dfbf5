"""Chronicles in SQL."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from volundr.db.database import Connection, Database, Query, Sql
from volundr.db.listing import Listing
from volundr.db.rows import RowMap
from volundr.domain.chronicles import (
    CHAIN_MOST,
    EDITABLE,
    Chronicle,
    ChronicleFilter,
    ChronicleRepository,
    DraftRepository,
    Telling,
    draft,
    words_in,
    words_of,
)
from volundr.domain.paging import Page, PageRequest
from volundr.domain.sessions.model import Session

_ALIVE = "'starting', 'provisioning', 'running', 'stopping'"
_RESTING = "'stopped', 'failed', 'archived'"

_COPY = """
    INSERT INTO chronicles (
        id, origin, session_id, tenant_id, owner_id, status, name, project, repo, branch, agent, model, source, options,
        epoch, seq, summary, key_changes, unfinished_work, messages, duration_seconds, tags, edited, parent_id, revision,
        created_at, updated_at, completed_at, place, words
    )
    SELECT s.id, s.id, s.id, s.tenant_id, s.owner_id, 'draft', s.name, '', COALESCE({repo}, ''), s.branch, s.agent, s.model,
        s.source, s.options, COALESCE(t.epoch, ''), COALESCE(t.seq, 0), COALESCE(t.summary, ''), COALESCE(t.key_changes, '[]'),
        COALESCE(t.unfinished_work, '[]'), COALESCE(t.messages, 0), COALESCE(t.duration_seconds, 0), '[]', '', NULL, 1,
        s.created_at, COALESCE(t.updated_at, s.updated_at), NULL, row_number() OVER (ORDER BY s.id), {words}
    FROM sessions s LEFT JOIN chronicles_told t ON t.session_id = s.id
    WHERE t.session_id IS NOT NULL OR s.workspace <> ''
"""
_SAID = "lower(s.name || ' ' || COALESCE(t.summary, ''))"
_CLEAN = f"regexp_replace({_SAID}, '[^[:alnum:]]+|[[:alnum:]]{{101,}}', ' ', 'g')"

MIGRATIONS: tuple[Query, ...] = (
    """
    CREATE TABLE chronicles (
        session_id UUID PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
        epoch TEXT NOT NULL,
        seq BIGINT NOT NULL,
        summary TEXT NOT NULL,
        key_changes JSONB NOT NULL,
        unfinished_work JSONB NOT NULL,
        messages BIGINT NOT NULL,
        duration_seconds DOUBLE PRECISION NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL
    )
    """,
    # From here on a chronicle has an id of its own and outlives its session.
    "ALTER TABLE chronicles RENAME TO chronicles_told",
    """
    CREATE TABLE chronicles (
        id UUID PRIMARY KEY,
        origin UUID NOT NULL UNIQUE,
        session_id UUID REFERENCES sessions (id) ON DELETE SET NULL,
        tenant_id TEXT NOT NULL,
        owner_id TEXT NOT NULL,
        status TEXT NOT NULL,
        name TEXT NOT NULL,
        project TEXT NOT NULL,
        repo TEXT NOT NULL,
        branch TEXT NOT NULL,
        agent TEXT NOT NULL,
        model TEXT NOT NULL,
        source JSONB NOT NULL,
        options JSONB NOT NULL,
        epoch TEXT NOT NULL,
        seq BIGINT NOT NULL,
        summary TEXT NOT NULL,
        key_changes JSONB NOT NULL,
        unfinished_work JSONB NOT NULL,
        messages BIGINT NOT NULL,
        duration_seconds DOUBLE PRECISION NOT NULL,
        tags JSONB NOT NULL,
        edited TEXT NOT NULL,
        parent_id UUID REFERENCES chronicles (id) ON DELETE SET NULL,
        revision BIGINT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL,
        completed_at TIMESTAMPTZ,
        place BIGINT NOT NULL UNIQUE,
        words TEXT NOT NULL
    )
    """,
    "CREATE INDEX chronicles_session ON chronicles (session_id)",
    "CREATE INDEX chronicles_parent ON chronicles (parent_id)",
    "CREATE INDEX chronicles_owner ON chronicles (tenant_id, owner_id, created_at, id)",
    "CREATE INDEX chronicles_owner_updated ON chronicles (tenant_id, owner_id, updated_at, id)",
    "CREATE INDEX chronicles_tenant ON chronicles (tenant_id, created_at, id)",
    "CREATE INDEX chronicles_tenant_updated ON chronicles (tenant_id, updated_at, id)",
    "CREATE INDEX chronicles_drafts ON chronicles (status, updated_at)",
    # What people look for: words, by the same rules on both databases (`words` is made by us, a word is what stands between
    # spaces). SQLite's index is fed by triggers and finds its row by `place`, which no VACUUM changes.
    Sql(
        sqlite="CREATE VIRTUAL TABLE chronicle_words USING fts5 "
        "(words, content='chronicles', content_rowid='place', tokenize='unicode61 remove_diacritics 0')",
        postgres="CREATE INDEX chronicles_words ON chronicles USING gin (array_to_tsvector(string_to_array(words, ' ')))",
    ),
    Sql(
        sqlite="CREATE TRIGGER chronicle_words_new AFTER INSERT ON chronicles BEGIN "
        "INSERT INTO chronicle_words (rowid, words) VALUES (new.place, new.words); END",
        postgres="SELECT 1",
    ),
    Sql(
        sqlite="CREATE TRIGGER chronicle_words_gone AFTER DELETE ON chronicles BEGIN "
        "INSERT INTO chronicle_words (chronicle_words, rowid, words) VALUES ('delete', old.place, old.words); END",
        postgres="SELECT 1",
    ),
    Sql(
        sqlite="CREATE TRIGGER chronicle_words_other AFTER UPDATE OF words ON chronicles BEGIN "
        "INSERT INTO chronicle_words (chronicle_words, rowid, words) VALUES ('delete', old.place, old.words); "
        "INSERT INTO chronicle_words (rowid, words) VALUES (new.place, new.words); END",
        postgres="SELECT 1",
    ),
    # Every session that was ever up has one from here on: timelines hang on them.
    Sql(
        sqlite=_COPY.format(repo="json_extract(s.source, '$.url'), json_extract(s.source, '$.path')", words=_SAID),
        postgres=_COPY.format(
            repo="s.source ->> 'url', s.source ->> 'path'", words=f"trim(regexp_replace({_CLEAN}, ' +', ' ', 'g'))"
        ),
    ),
    "DROP TABLE chronicles_told",
    "CREATE INDEX chronicles_owner_name ON chronicles (tenant_id, owner_id, name, id)",
    "CREATE INDEX chronicles_tenant_name ON chronicles (tenant_id, name, id)",
)

ROW = RowMap(Chronicle)
_VALUES = ", ".join(":" + name for name in ROW.columns if name != "parent_id")
_PLAIN = ", ".join(name for name in ROW.columns if name != "parent_id")
_PARENT = "(SELECT p.id FROM chronicles p WHERE p.id = :parent AND p.tenant_id = :tenant_id)"
_IS_ALIVE = f"EXISTS (SELECT 1 FROM sessions s WHERE s.id = chronicles.origin AND s.status IN ({_ALIVE}))"  # noqa: S608
BEGIN = f"""
    INSERT INTO chronicles ({_PLAIN}, parent_id, place, words) VALUES ({_VALUES}, {_PARENT}, :place, :words)
    ON CONFLICT (origin) DO NOTHING RETURNING {ROW.names}
"""  # noqa: S608 - our own names


def _kept(name: str, told: str) -> str:
    """The field as a person wrote it, else as it is told."""
    return f"{name} = CASE WHEN edited LIKE '%,{name},%' THEN {name} ELSE {told} END"


_TOLD = ", ".join(_kept(name, f":{name}") for name in ("summary", "key_changes", "unfinished_work"))
_FURTHER = "epoch = :epoch, seq = :seq, messages = :messages, duration_seconds = :duration_seconds"
TELL = f"""
    UPDATE chronicles SET {_TOLD}, {_FURTHER}, {_kept("name", ":name")}, branch = :branch, model = :model,
        project = :project, repo = :repo,
        {_kept("status", f"CASE WHEN {_IS_ALIVE} THEN 'draft' ELSE status END")},
        completed_at = CASE WHEN {_IS_ALIVE} AND edited NOT LIKE '%,status,%' THEN NULL ELSE completed_at END,
        updated_at = :updated_at, revision = revision + 1
    WHERE origin = :origin AND (epoch <> :epoch OR seq <= :seq) RETURNING {ROW.names}
"""  # noqa: S608
GET = f"SELECT {ROW.names} FROM chronicles WHERE origin = :session"  # noqa: S608
FIND = f"SELECT {ROW.names} FROM chronicles WHERE id = :id"  # noqa: S608
WORDS = "UPDATE chronicles SET words = :words WHERE id = :id AND words <> :words"
DELETE = "DELETE FROM chronicles WHERE id = :id"
# `|| ''`: SQLite would go through all chronicles of the tenant, because they are in order, instead of the few ids.
CHAIN = f"""
    WITH RECURSIVE
    up (id, parent_id, steps) AS (
        SELECT c.id, c.parent_id, 0 FROM chronicles c WHERE c.id = :id
        UNION SELECT c.id, c.parent_id, up.steps + 1 FROM chronicles c JOIN up ON c.id = up.parent_id WHERE up.steps < :most
    ),
    down (id, steps) AS (
        SELECT c.id, 0 FROM chronicles c WHERE c.id = :id
        UNION SELECT c.id, down.steps + 1 FROM chronicles c JOIN down ON c.parent_id = down.id WHERE down.steps < :most
    )
    SELECT {ROW.names} FROM chronicles
    WHERE id IN (SELECT id FROM up UNION SELECT id FROM down) AND tenant_id || '' = :tenant
    ORDER BY created_at, id LIMIT :most
"""  # noqa: S608
_DRAFT = "status = 'draft' AND edited NOT LIKE '%,status,%'"
RESTING = f"""
    SELECT {ROW.names} FROM chronicles WHERE {_DRAFT} AND (session_id IS NULL OR EXISTS (
        SELECT 1 FROM sessions s WHERE s.id = chronicles.session_id AND s.status IN ({_RESTING})
    )) ORDER BY updated_at, id LIMIT :limit
"""  # noqa: S608
FILL = f"""
    UPDATE chronicles SET {_TOLD}, {_FURTHER} WHERE id = :id AND status = 'draft' AND epoch = '' RETURNING {ROW.names}
"""  # noqa: S608
COMPLETE = f"""
    UPDATE chronicles SET status = 'complete', completed_at = :now, updated_at = :now, revision = revision + 1
    WHERE id = :id AND {_DRAFT} AND NOT {_IS_ALIVE} RETURNING id
"""  # noqa: S608
_IS_OLD = """status = 'complete' AND updated_at < :before AND (session_id IS NULL OR EXISTS (
    SELECT 1 FROM sessions s WHERE s.id = chronicles.session_id AND s.status = 'archived'))"""
OLD = f"SELECT {ROW.names} FROM chronicles WHERE {_IS_OLD} ORDER BY updated_at, id LIMIT :limit"  # noqa: S608
OLD_OF_TENANT = f"""
    SELECT {ROW.names} FROM chronicles WHERE tenant_id = :tenant AND {_IS_OLD} ORDER BY updated_at, id LIMIT :limit
"""  # noqa: S608
FORGET = f"DELETE FROM chronicles WHERE id = :id AND {_IS_OLD} RETURNING id"  # noqa: S608
LISTING = Listing(ROW, "chronicles", sorts=("created_at", "updated_at", "name"), default="-created_at")
MATCH = Sql(
    sqlite="place IN (SELECT rowid FROM chronicle_words WHERE chronicle_words MATCH :match)",
    postgres="array_to_tsvector(string_to_array(words, ' ')) @@ CAST(:match AS TSQUERY)",
)


class ChronicleStore(ChronicleRepository, DraftRepository):
    def __init__(self, db: Database) -> None:
        self._db = db

    async def tell(self, session: Session, telling: Telling | None) -> Chronicle:
        known = await self.get(session.id)
        if known is not None and telling is None:
            return known
        new = draft(session, telling)
        async with self._db.transaction() as tx:
            if known is None:
                parent = {"parent": _id(session.options.parent_chronicle)}
                more = {"place": new.id.int >> 65, "words": words_of(new)}
                row = _params(ROW.dump(new), _PLAIN.split(", "))
                rows = await tx.run(BEGIN, **row, **parent, **more)
                if rows:
                    return ROW.load(rows[0])
            if telling is not None:
                told = await tx.run(TELL, **_told(telling), **_params(ROW.dump(new), _NAMED))
                if told:
                    return await _reworded(tx, ROW.load(told[0]))
            found = await tx.fetch_one(GET, session=session.id)
        return known or new if found is None else ROW.load(found)

    async def get(self, session_id: UUID) -> Chronicle | None:
        row = await self._db.fetch_one(GET, session=session_id)
        return None if row is None else ROW.load(row)

    async def find(self, chronicle_id: UUID) -> Chronicle | None:
        row = await self._db.fetch_one(FIND, id=chronicle_id)
        return None if row is None else ROW.load(row)

    async def list(self, chosen: ChronicleFilter, page: PageRequest) -> Page[Chronicle]:
        match = self._match(chosen.q)
        if match == "":
            return Page(items=())
        where, params = _chosen(chosen)
        if match is not None:
            where.append(MATCH)
            params["match"] = match
        return await LISTING.page(self._db, page, where, params)

    def _match(self, q: str) -> str | None:
        """The words as this database asks for them: None when nothing is asked, "" when what is asked has no word."""
        if not q.strip():
            return None
        words = words_in(q)
        sqlite = self._db.kind == "sqlite"
        asked = [f'"{word}"' if sqlite else f"'{word}'" for word in words]
        if asked:
            asked[-1] += "*" if sqlite else ":*"
        return (" " if sqlite else " & ").join(asked)

    async def change(
        self, chronicle_id: UUID, changes: Mapping[str, Any], given_back: Sequence[str], revision: int | None
    ) -> Chronicle | None:
        if not set(EDITABLE).issuperset({*changes, *given_back}):
            raise ValueError(f"not for people: {sorted({*changes, *given_back} - set(EDITABLE))}")
        edited = "edited"
        for name in (*changes, *given_back):
            edited = f"replace({edited}, ',{name},', '')"
        edited += " || '" + "".join(f",{name}," for name in changes) + "'"
        sets = [*(f"{name} = :{name}" for name in changes), f"edited = {edited}"]
        now = datetime.now(UTC)
        params = ROW.dump_some(changes) | {"id": chronicle_id, "now": now}
        if "status" in changes:
            sets.append("completed_at = :completed")
            params["completed"] = now if changes["status"] == "complete" else None
        guard = "" if revision is None else " AND revision = :expected"
        params |= {} if revision is None else {"expected": revision}
        query = (
            f"UPDATE chronicles SET {', '.join(sets)}, updated_at = :now, revision = revision + 1 "  # noqa: S608 - our own names
            f"WHERE id = :id{guard} RETURNING {ROW.names}"
        )
        async with self._db.transaction() as tx:
            rows = await tx.run(query, **params)
            return await _reworded(tx, ROW.load(rows[0])) if rows else None

    async def delete(self, chronicle_id: UUID) -> None:
        await self._db.run(DELETE, id=chronicle_id)

    async def chain(self, chronicle: Chronicle) -> Sequence[Chronicle]:
        rows = await self._db.fetch(CHAIN, id=chronicle.id, tenant=chronicle.tenant_id, most=CHAIN_MOST)
        return [ROW.load(row) for row in rows]

    async def resting(self, limit: int) -> Sequence[Chronicle]:
        return [ROW.load(row) for row in await self._db.fetch(RESTING, limit=limit)]

    async def complete(self, chronicle_id: UUID, telling: Telling | None) -> bool:
        async with self._db.transaction() as tx:
            if telling is not None:
                filled = await tx.run(FILL, id=chronicle_id, **_told(telling))
                if filled:
                    await _reworded(tx, ROW.load(filled[0]))
            return bool(await tx.run(COMPLETE, id=chronicle_id, now=datetime.now(UTC)))

    async def old(self, before: datetime, tenant_id: str | None, limit: int) -> Sequence[Chronicle]:
        if tenant_id is None:
            rows = await self._db.fetch(OLD, before=before, limit=limit)
        else:
            rows = await self._db.fetch(OLD_OF_TENANT, before=before, tenant=tenant_id, limit=limit)
        return [ROW.load(row) for row in rows]

    async def forget(self, chronicle_id: UUID, before: datetime) -> bool:
        return bool(await self._db.run(FORGET, id=chronicle_id, before=before))


_NAMED = ("origin", "name", "project", "repo", "branch", "model", "updated_at")
_TELLING = RowMap(Telling)


def _told(telling: Telling) -> dict[str, Any]:
    return _TELLING.dump(telling)


def _params(row: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: row[name] for name in names}


async def _reworded(tx: Connection, chronicle: Chronicle) -> Chronicle:
    """Its row is ours until this transaction ends, so the words are those of what is kept."""
    await tx.run(WORDS, id=chronicle.id, words=words_of(chronicle))
    return chronicle


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _chosen(chosen: ChronicleFilter) -> tuple[list[Query], dict[str, Any]]:
    """Conditions are left out, not made true by a NULL, so that each form has its index."""
    where: list[Query] = ["tenant_id = :tenant"]
    params: dict[str, Any] = {"tenant": chosen.whose.tenant_id}
    same = {name: getattr(chosen, name) for name in ("project", "repo", "agent", "model", "status")}
    for name, value in (same | {"owner_id": chosen.whose.owner_id}).items():
        if value:
            where.append(f"{name} = :{name}")
            params[name] = value
    for name, value, sign in (("since", chosen.since, ">="), ("until", chosen.until, "<")):
        if value is not None:
            where.append(f"created_at {sign} :{name}")
            params[name] = value
    for number, tag in enumerate(chosen.tags):
        where.append(_tag(number))
        params[f"tag{number}"] = tag
    return where, params


def _tag(number: int) -> Sql:
    return Sql(
        sqlite=f"EXISTS (SELECT 1 FROM json_each(tags) AS t WHERE t.value = :tag{number})",  # noqa: S608 - a number
        postgres=f"EXISTS (SELECT 1 FROM jsonb_array_elements_text(tags) AS t(value) WHERE t.value = :tag{number})",  # noqa: S608
    )
