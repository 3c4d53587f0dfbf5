"""Credentials in an encrypted file of the home folder, and in memory."""

import asyncio
import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from volundr.domain.credentials import Credential, CredentialStorePort, Owner
from volundr.domain.errors import Invalid, Unavailable
from volundr.domain.mounts import CredentialType
from volundr.domain.paging import Page, PageRequest
from volundr.local.secrets import read_private, write_private
from volundr.store.sealed import Seal

type Entry = tuple[Credential, str]
"""A credential and its values: closed in the file, as JSON in memory."""


class MemoryCredentials(CredentialStorePort):
    """For tests and trials: gone with the process."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], dict[str, Entry]] = {}

    async def store(
        self, owner: Owner, credential: Credential, values: Mapping[str, str], revision: int | None
    ) -> Credential | None:
        mine = self._kept.setdefault(_key(owner), {})
        stored = _next(mine.get(credential.name), credential, revision)
        if stored is not None:
            mine[credential.name] = (stored, json.dumps(dict(values)))
        return stored

    async def get(self, owner: Owner, name: str) -> Credential | None:
        entry = self._kept.get(_key(owner), {}).get(name)
        return None if entry is None else entry[0]

    async def values(self, owner: Owner, name: str) -> Mapping[str, str] | None:
        entry = self._kept.get(_key(owner), {}).get(name)
        return None if entry is None else json.loads(entry[1])

    async def delete(self, owner: Owner, name: str) -> None:
        self._kept.get(_key(owner), {}).pop(name, None)

    async def list(self, owner: Owner, kind: CredentialType | None, page: PageRequest) -> Page[Credential]:
        return _page(self._kept.get(_key(owner), {}), kind, page)

    async def check_health(self) -> None: ...


class FileCredentials(CredentialStorePort):
    """One file with names in the clear and values closed. Any number of processes may use it: each change holds its lock."""

    def __init__(self, path: Path, seal: Seal) -> None:
        self._path = path
        self._seal = seal

    async def store(
        self, owner: Owner, credential: Credential, values: Mapping[str, str], revision: int | None
    ) -> Credential | None:
        await self.check_health()  # what another key closed is not written over
        sealed = await self._seal.close(values)

        def put(mine: dict[str, Entry]) -> Credential | None:
            stored = _next(mine.get(credential.name), credential, revision)
            if stored is not None:
                mine[credential.name] = (stored, sealed)
            return stored

        return await asyncio.to_thread(self._change, owner, put)

    async def get(self, owner: Owner, name: str) -> Credential | None:
        entry = (await asyncio.to_thread(self._read)).get(_key(owner), {}).get(name)
        return None if entry is None else entry[0]

    async def values(self, owner: Owner, name: str) -> Mapping[str, str] | None:
        entry = (await asyncio.to_thread(self._read)).get(_key(owner), {}).get(name)
        return None if entry is None else await self._seal.open(entry[1])

    async def delete(self, owner: Owner, name: str) -> None:
        await asyncio.to_thread(self._change, owner, lambda mine: mine.pop(name, None) and None)

    async def list(self, owner: Owner, kind: CredentialType | None, page: PageRequest) -> Page[Credential]:
        return _page((await asyncio.to_thread(self._read)).get(_key(owner), {}), kind, page)

    async def check_health(self) -> None:
        kept = await asyncio.to_thread(self._read)
        first = next((entry for mine in kept.values() for entry in mine.values()), None)
        if first is not None:
            await self._seal.open(first[1])

    def _change(self, owner: Owner, how: Any) -> Credential | None:
        with self._locked():
            kept = self._read()
            stored: Credential | None = how(kept.setdefault(_key(owner), {}))
            tree = [[*key, [_written(*entry) for entry in mine.values()]] for key, mine in kept.items() if mine]
            write_private(self._path, json.dumps(tree, indent=1))
        return stored

    def _read(self) -> dict[tuple[str, str], dict[str, Entry]]:
        try:
            tree = json.loads(read_private(self._path) or "[]")
            return {(scope, owner): {one["name"]: _entry(one) for one in mine} for scope, owner, mine in tree}
        except (ValueError, KeyError, TypeError) as error:
            raise Unavailable(
                f"The file of credentials {self._path} is damaged.", hint="Put back a copy of it; nothing was written."
            ) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _key(owner: Owner) -> tuple[str, str]:
    return owner.scope, owner.id


def _next(known: Entry | None, credential: Credential, revision: int | None) -> Credential | None:
    """The new one as it is kept; None when somebody expected another revision."""
    if revision is not None and revision != (known[0].revision if known else 0):
        return None
    if known is None:
        return replace(credential, revision=1)
    created, now = known[0].created_at, datetime.now(UTC)
    return replace(credential, revision=known[0].revision + 1, created_at=created, updated_at=now)


def _page(mine: Mapping[str, Entry], kind: CredentialType | None, page: PageRequest) -> Page[Credential]:
    sort = page.sort or "name"
    if sort.removeprefix("-") != "name":
        raise Invalid(f"This list cannot be sorted by {sort.removeprefix('-')!r}.", hint="It can by: name.")
    names = sorted(mine, reverse=sort.startswith("-"))
    if page.cursor:
        names = [name for name in names if (name < page.cursor if sort.startswith("-") else name > page.cursor)]
    found = [mine[name][0] for name in names if kind is None or mine[name][0].type is kind]
    items = found[: page.limit]
    return Page(items=items, next=items[-1].name if len(found) > page.limit else None)


def _written(credential: Credential, sealed: str) -> dict[str, object]:
    return {
        "name": credential.name,
        "type": credential.type.value,
        "keys": list(credential.keys),
        "note": credential.note,
        "revision": credential.revision,
        "created_at": credential.created_at.isoformat(),
        "updated_at": credential.updated_at.isoformat(),
        "sealed": sealed,
    }


def _entry(one: Mapping[str, Any]) -> Entry:
    made = Credential(
        name=one["name"],
        type=CredentialType(one["type"]),
        keys=tuple(one["keys"]),
        note=one["note"],
        revision=one["revision"],
        created_at=datetime.fromisoformat(one["created_at"]),
        updated_at=datetime.fromisoformat(one["updated_at"]),
    )
    return made, one["sealed"]
