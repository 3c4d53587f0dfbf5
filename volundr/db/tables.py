"""The tables of a database as data: what they are called, what their columns hold, and values that mean the same in both kinds.

A value between two databases is what JSON can say: texts (UUIDs, times as UTC with microseconds, JSON as it is written, bytes in
base64), numbers, booleans and null.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Literal

from volundr.db.database import Connection, Sql
from volundr.db.migrate import Migrations

type Kind = Literal["text", "uuid", "time", "json", "bool", "int", "float", "bytes"]
type Values = tuple[Any, ...]

BATCH = 500
KINDS: Mapping[str, Kind] = {
    "text": "text",
    "uuid": "uuid",
    "timestamptz": "time",
    "timestamp with time zone": "time",
    "jsonb": "json",
    "boolean": "bool",
    "bigint": "int",
    "integer": "int",
    "double precision": "float",
    "bytea": "bytes",
    "blob": "bytes",
}
"""Declared types of both databases, in lower case. Migrations use no others in tables that are kept."""

_MADE = re.compile(
    r"\b(?:(create)\s+(?:unlogged\s+)?table\s+(?:if\s+not\s+exists\s+)?|(drop)\s+table\s+(?:if\s+exists\s+)?"
    r"|alter\s+table\s+(\w+)\s+rename\s+to\s+)(\w+)",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"\bcreate\s+(?:or\s+replace\s+)?(function|sequence|view|virtual\s+table)\s+(?:if\s+not\s+exists\s+)?(\w+)", re.I
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """`columns`: what each holds, in the order of the rows' values. Columns that the database computes are left out."""

    name: str
    columns: Mapping[str, Kind]


class Snapshot(ABC):
    """All that a database holds at one moment, whatever is written meanwhile."""

    kind: Literal["sqlite", "postgres"]

    @abstractmethod
    async def ledger(self) -> Mapping[str, int]:
        """How many migrations of each store have run."""

    @abstractmethod
    async def tables(self, names: Sequence[str]) -> Sequence[Table]:
        """Those of these tables that there are, in the same order."""

    @abstractmethod
    def rows(self, table: Table) -> AsyncIterator[Sequence[Values]]:
        """Its rows in batches of at most BATCH, as neutral values."""


class Filling(ABC):
    """One transaction that makes a database hold something else: all or nothing."""

    connection: Connection

    @abstractmethod
    async def tables(self, names: Sequence[str]) -> Sequence[Table]: ...

    @abstractmethod
    async def busy(self) -> bool:
        """Whether some other Volundr works on this database."""

    @abstractmethod
    async def drop(self, tables: Sequence[str], others: Sequence[tuple[str, str]]) -> None:
        """These tables and (what, name) of other things that migrations make, as far as they are there."""

    @abstractmethod
    async def loosen(self, tables: Sequence[Table]) -> None:
        """From here on rows may come in any order, and nothing happens because of them."""

    @abstractmethod
    async def fill(self, table: Table, rows: AsyncIterator[Sequence[Values]]) -> int:
        """Add rows of neutral values; returns how many."""

    @abstractmethod
    async def fasten(self, tables: Sequence[Table]) -> None:
        """Undo `loosen`. Raises Unavailable when rows refer to others that are not there."""


type Read = AbstractAsyncContextManager[Snapshot]
type Write = AbstractAsyncContextManager[Filling]


def table_names(stores: Migrations) -> list[str]:
    """Every table that these migrations leave, in the order in which they make them."""
    names: list[str] = []
    for query in (query for queries in stores.values() for query in queries):
        texts = {query.sqlite, query.postgres} if isinstance(query, Sql) else {query}
        for made, dropped, renamed, name in (match for text in texts for match in _MADE.findall(text)):
            if dropped:
                names = [one for one in names if one != name]
            elif renamed:
                names = [name if one == renamed else one for one in names]
            elif made and name not in names:
                names.append(name)
    return names


def other_names(stores: Migrations) -> list[tuple[str, str]]:
    """(what, name) of everything else that migrations make and that must go before they can run again."""
    found: dict[tuple[str, str], None] = {}
    for query in (query for queries in stores.values() for query in queries):
        for text in (query.sqlite, query.postgres) if isinstance(query, Sql) else (query,):
            found |= {(" ".join(what.lower().split()), name): None for what, name in _OTHER.findall(text)}
    return list(found)


def at(stores: Migrations, ledger: Mapping[str, int]) -> Migrations:
    """The migrations as they were when a database had this ledger."""
    return {store: queries[: ledger.get(store, 0)] for store, queries in stores.items()}


def kind_of(declared: str) -> Kind:
    """Raises KeyError for a type that tables which are kept must not have."""
    return KINDS[declared.lower()]
