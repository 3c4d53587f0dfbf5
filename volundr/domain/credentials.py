"""Credentials of people and tenants: kept by a store, given to sessions, shown to nobody."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

from volundr.domain.errors import Changed, Invalid, NotFound
from volundr.domain.mounts import MOUNTS, CredentialType, Mount, check, mount
from volundr.domain.paging import Page, PageRequest

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose a credential is: one person's, or everybody's in a tenant."""

    scope: Literal["user", "tenant"]
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What may be shown of one: `keys` are the names of its values."""

    name: str
    type: CredentialType
    keys: tuple[str, ...]
    note: str = ""
    revision: int = 1
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    updated_at: datetime = field(default_factory=lambda: datetime.now(UTC))


class CredentialStorePort(ABC):
    """Keeps credentials. Values leave it through `values` alone; none is ever in an error or a log.

    Raises Unavailable when it cannot be asked, or cannot read what it holds (another key): then nothing is overwritten.
    """

    @abstractmethod
    async def store(
        self, owner: Owner, credential: Credential, values: Mapping[str, str], revision: int | None
    ) -> Credential | None:
        """Keep it, in place of one of its name; `revision` and `created_at` go on from that one. None when `revision` is given
        and it has another one by now (0: there is none yet). Atomic."""

    @abstractmethod
    async def get(self, owner: Owner, name: str) -> Credential | None: ...

    @abstractmethod
    async def values(self, owner: Owner, name: str) -> Mapping[str, str] | None: ...

    @abstractmethod
    async def delete(self, owner: Owner, name: str) -> None: ...

    @abstractmethod
    async def list(self, owner: Owner, kind: CredentialType | None, page: PageRequest) -> Page[Credential]:
        """By name."""

    @abstractmethod
    async def check_health(self) -> None:
        """Returns when it can be read and written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a session would get, without any value."""

    variables: Sequence[str]
    files: Sequence[str]


class CredentialService:
    """Stores what is valid, and says what sessions get of it."""

    def __init__(self, store: CredentialStorePort) -> None:
        self._store = store

    async def put(self, owner: Owner, credential: Credential, values: Mapping[str, str], revision: int | None) -> Credential:
        if not _NAME.fullmatch(credential.name):
            raise Invalid(f"{credential.name!r} is no name for a credential: use lower-case letters, digits, '-' and '_'.")
        kept = check(credential.type, values)
        named = replace(credential, keys=tuple(sorted(kept)))
        stored = await self._store.store(owner, named, kept, revision)
        if stored is None:
            raise Changed("credential")
        return stored

    async def get(self, owner: Owner, name: str) -> Credential:
        found = await self._store.get(owner, name)
        if found is None:
            raise NotFound(f"There is no credential named {name!r}.")
        return found

    async def list(self, owner: Owner, kind: CredentialType | None, page: PageRequest) -> Page[Credential]:
        return await self._store.list(owner, kind, page)

    async def delete(self, owner: Owner, name: str) -> None:
        await self._store.delete(owner, name)

    async def values(self, owners: Sequence[Owner], name: str) -> tuple[CredentialType, Mapping[str, str]]:
        """Of the first of these owners who has one of this name: a person's own goes before the tenant's. Raises NotFound."""
        for owner in owners:
            found = await self._store.get(owner, name)
            values = None if found is None else await self._store.values(owner, name)
            if found is not None and values is not None:
                return found.type, values
        raise NotFound(f"There is no credential named {name!r}.", hint="Store it under Credentials, or leave it out.")

    async def mount(self, owners: Sequence[Owner], name: str) -> Mount:
        kind, values = await self.values(owners, name)
        return mount(name, kind, values)

    async def preview(self, owner: Owner, name: str) -> Preview:
        found = await self.get(owner, name)
        values = await self._store.values(owner, name) or {}
        return preview(mount(name, found.type, values))


def preview(one: Mount) -> Preview:
    """Names alone."""
    variables = [*one.env, *(["GIT_CONFIG_COUNT"] if one.git else []), *(["GIT_SSH_COMMAND"] if one.ssh_keys else [])]
    return Preview(variables=sorted(variables), files=[f"{MOUNTS}/{file.path}" for file in one.files])


def owners_of(owner_id: str, tenant_id: str) -> Sequence[Owner]:
    """Whose credentials a session of this person in this tenant may use, first ones first."""
    return (Owner(scope="user", id=owner_id), Owner(scope="tenant", id=tenant_id))
