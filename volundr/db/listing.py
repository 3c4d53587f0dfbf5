"""Pages of a table: keyset queries, sorted by one column and the id, with a cursor that remembers both."""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from volundr.db.database import Connection, Query, Sql
from volundr.db.rows import RowMap
from volundr.domain.errors import Invalid
from volundr.domain.paging import Page, PageRequest

_READ: Mapping[str, Any] = {"str": str, "int": int, "float": float, "datetime": datetime.fromisoformat, "UUID": UUID}


class Listing[M]:
    """How one table is listed. `sorts` are the fields people may sort by: each should have an index that ends in `key`.

    `default` is a sort as people write it (`-created_at`). `key` is the column that makes the order total, unique in the list.
    Columns that are sorted by must not be null.
    """

    def __init__(self, row: RowMap[M], table: str, *, sorts: Sequence[str], default: str, key: str = "id") -> None:
        self._row = row
        self._table = table
        self._sorts = frozenset(sorts)
        self._default = default
        self._key = key

    async def page(
        self, db: Connection, request: PageRequest, where: Sequence[Query] = (), params: Mapping[str, Any] | None = None
    ) -> Page[M]:
        """The rows for which all of `where` holds. Raises Invalid for a sort or a cursor that is not this list's."""
        sort = request.sort or self._default
        column, descending = sort.removeprefix("-"), sort.startswith("-")
        if column not in self._sorts:
            raise Invalid(f"This list cannot be sorted by {column!r}.", hint=f"It can by: {', '.join(sorted(self._sorts))}.")
        conditions, values = [*where], dict(params or {})
        if request.cursor:
            sign = "<" if descending else ">"
            conditions.append(f"({column}, {self._key}) {sign} (:after_value, :after_key)")
            values["after_value"], values["after_key"] = _read(request.cursor, sort)
        way = "DESC" if descending else "ASC"
        query = self._query(conditions, f"ORDER BY {column} {way}, {self._key} {way} LIMIT :page_limit")
        found = [self._row.load(row) for row in await db.fetch(query, **values, page_limit=request.limit + 1)]
        items = found[: request.limit]
        more = len(found) > request.limit
        return Page(items=items, next=_write(sort, getattr(items[-1], column), getattr(items[-1], self._key)) if more else None)

    def _query(self, conditions: Sequence[Query], end: str) -> Query:
        def written(conditions: Sequence[str]) -> str:
            where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
            return f"SELECT {self._row.names} FROM {self._table} {where} {end}"  # noqa: S608 - our own names

        if not any(isinstance(one, Sql) for one in conditions):
            return written([str(one) for one in conditions])
        return Sql(
            sqlite=written([one.sqlite if isinstance(one, Sql) else one for one in conditions]),
            postgres=written([one.postgres if isinstance(one, Sql) else one for one in conditions]),
        )


def _write(sort: str, value: Any, key: Any) -> str:
    parts = [sort, *_tagged(value), *_tagged(key)]
    return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")


def _tagged(value: Any) -> tuple[str, Any]:
    kind = next(name for name in _READ if name in {one.__name__ for one in type(value).__mro__})
    return kind, value.isoformat() if isinstance(value, datetime) else str(value)


def _read(cursor: str, sort: str) -> tuple[Any, Any]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        written, kind, value, key_kind, key = json.loads(text)
        if written != sort:
            raise Invalid("This cursor belongs to another order of the list; begin again without it.")
        return _READ[kind](value), _READ[key_kind](key)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise Invalid("This cursor is not one of ours; begin again without it.") from error
