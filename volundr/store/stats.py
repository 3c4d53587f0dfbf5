"""Statistics in SQL, from the sums that store/tokens.py keeps."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from volundr.db.database import Database, Query, Row
from volundr.db.listing import Listing
from volundr.db.rows import RowMap
from volundr.domain.errors import Invalid
from volundr.domain.identity import Whose
from volundr.domain.paging import Page, PageRequest
from volundr.domain.sessions.model import Status
from volundr.domain.stats import By, StatsRepository, UsageRow, Window
from volundr.store.tokens import SLOT_SECONDS, SPENT, SUMS_OF_SUMS, SUMS_OF_USES, slot_of

_A_DAY = 86400 // SLOT_SECONDS
_EPOCH = date(1970, 1, 1)
_KEYS: Mapping[str, str] = {"day": f"(slot + :shift) / {_A_DAY}", "model": "model", "user": "owner_id", "repo": "repo"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSums:
    """One session in the order of last use."""

    session_id: UUID
    name: str
    last_at: datetime


SESSIONS = Listing(RowMap(SessionSums), "usage_sessions", sorts=("last_at",), default="-last_at", key="session_id")


class StatsStore(StatsRepository):
    def __init__(self, db: Database) -> None:
        self._db = db

    async def sessions(self, whose: Whose) -> Mapping[Status, int]:
        where, params = _of(whose)
        query = f"SELECT status, COUNT(*) AS number FROM sessions WHERE {where} GROUP BY status"  # noqa: S608 - our own names
        return {Status(row["status"]): row["number"] for row in await self._db.fetch(query, **params)}

    async def total(self, whose: Whose, window: Window) -> UsageRow:
        where, params = _within(whose, window)
        row = await self._db.fetch_one(f"SELECT {SUMS_OF_SUMS} FROM usage_slots WHERE {where}", **params)  # noqa: S608
        assert row is not None  # sums of nothing are a row too
        return _row(row, "")

    async def usage(self, whose: Whose, by: By, window: Window, page: PageRequest) -> Page[UsageRow]:
        if by == "session":
            return await self._by_session(whose, window, page)
        if page.sort not in {"", "key"}:
            raise Invalid(f"This list cannot be sorted by {page.sort!r}.", hint="It can by: key.")
        where, params = _within(whose, window)
        if by == "day":
            params["shift"] = window.offset * 60 // SLOT_SECONDS
        if page.cursor:
            where += f" AND {_KEYS[by]} > :after"
            params["after"] = _read(page.cursor, by)
        query = f"SELECT {SUMS_OF_SUMS}, {_KEYS[by]} AS key FROM usage_slots WHERE {where} GROUP BY key ORDER BY key LIMIT :most"  # noqa: S608
        found = await self._db.fetch(query, **params, most=page.limit + 1)
        rows = found[: page.limit]
        more = _write(rows[-1]["key"], by) if len(found) > page.limit else None
        return Page(items=[_row(row, _shown(row["key"])) for row in rows], next=more)

    async def _by_session(self, whose: Whose, window: Window, page: PageRequest) -> Page[UsageRow]:
        """First which sessions, then the uses of those alone."""
        where, params = _of(whose)
        time = {"begin": window.begin, "end": window.end}
        conditions: list[Query] = [where, "last_at >= :begin", "first_at < :end"]
        found = await SESSIONS.page(self._db, page, conditions, params | time)
        names = {f"id{number}": one.session_id for number, one in enumerate(found.items)}
        if not names:
            return Page(items=())
        query = f"""
            SELECT {SUMS_OF_USES}, session_id FROM token_uses
            WHERE session_id IN ({", ".join(":" + name for name in names)}) AND at >= :begin AND at < :end GROUP BY session_id
        """  # noqa: S608
        sums = {str(row["session_id"]): row for row in await self._db.fetch(query, **names, **time)}
        chosen = [(str(one.session_id), one.name) for one in found.items]
        return Page(items=[_row(sums[key], key, name) for key, name in chosen if key in sums], next=found.next)


def _of(whose: Whose) -> tuple[str, dict[str, Any]]:
    if whose.owner_id is None:
        return "tenant_id = :tenant", {"tenant": whose.tenant_id}
    return "tenant_id = :tenant AND owner_id = :owner", {"tenant": whose.tenant_id, "owner": whose.owner_id}


def _within(whose: Whose, window: Window) -> tuple[str, dict[str, Any]]:
    where, params = _of(whose)
    return f"{where} AND slot >= :first AND slot < :last", params | {"first": slot_of(window.begin), "last": slot_of(window.end)}


def _row(row: Row, key: str, label: str = "") -> UsageRow:
    return UsageRow(key=key, label=label, **{name: row[name] for name in SPENT.columns})


def _shown(key: str | int) -> str:
    return key if isinstance(key, str) else (_EPOCH + timedelta(days=key)).isoformat()


def _write(key: str | int, by: By) -> str:
    return base64.urlsafe_b64encode(json.dumps([by, key]).encode()).decode()


def _read(cursor: str, by: By) -> str | int:
    wanted = int if by == "day" else str
    try:
        written, key = json.loads(base64.urlsafe_b64decode(cursor))
    except (ValueError, TypeError) as error:
        raise Invalid("This cursor is not one of ours; begin again without it.") from error
    if written != by or type(key) is not wanted or (isinstance(key, int) and not 0 <= key < 10**6):
        raise Invalid("This cursor belongs to another list; begin again without it.")
    return key.replace("\x00", "") if isinstance(key, str) else key
