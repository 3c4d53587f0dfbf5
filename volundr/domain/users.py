"""People, the tenants they belong to, and the ways they show who they are."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from volundr.domain.errors import Changed, Conflict, NotFound
from volundr.domain.identity import Principal
from volundr.domain.paging import Page, PageRequest
from volundr.domain.roles import Role
from volundr.domain.tenants import DEFAULT


class UserStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """`id` is what an identity provider calls the subject; e-mail addresses are for people and need not be unique."""

    id: str
    email: str = ""
    name: str = ""
    status: UserStatus = UserStatus.ACTIVE
    tenant_id: str = DEFAULT
    revision: int = 1
    created_at: datetime = field(default_factory=_now)
    updated_at: datetime = field(default_factory=_now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A role in a tenant, and so in all below it."""

    user_id: str
    tenant_id: str
    role: Role
    granted_by: str = ""
    granted_at: datetime = field(default_factory=_now)


class UserRepository(ABC):
    """Keeps people and their memberships."""

    @abstractmethod
    async def provision(self, user: User, role: Role) -> User:
        """This user, with this role in their tenant if they are new; atomic, whoever else does the same. Known ones stay."""

    @abstractmethod
    async def get(self, user_id: str) -> User | None: ...

    @abstractmethod
    async def list(self, above: str, q: str, page: PageRequest) -> Page[User]:
        """Those at home or members in the tenant of this path or below it, with `q` in id, name or e-mail address."""

    @abstractmethod
    async def reaches(self, above: str, user_id: str) -> bool:
        """Whether that list has this user."""

    @abstractmethod
    async def update(self, user_id: str, changes: Mapping[str, Any], revision: int | None) -> User | None:
        """None when they are gone or have another revision."""

    @abstractmethod
    async def grant(self, membership: Membership) -> Membership:
        """Make them a member, or give them another role."""

    @abstractmethod
    async def revoke(self, tenant_id: str, user_id: str) -> bool: ...

    @abstractmethod
    async def memberships(self, user_id: str) -> Sequence[Membership]:
        """At most 200."""

    @abstractmethod
    async def members(self, tenant_id: str, page: PageRequest) -> Page[Membership]: ...


class UserService:
    """People, as administrators see those of their tenants."""

    def __init__(self, users: UserRepository) -> None:
        self._users = users

    async def get(self, user_id: str) -> User:
        found = await self._users.get(user_id)
        if found is None:
            raise NotFound("There is no such user.")
        return found

    async def within(self, above: str, user_id: str) -> User:
        """This user, if they are at home or a member somewhere from the tenant of this path down. Raises NotFound."""
        if not await self._users.reaches(above, user_id):
            raise NotFound("There is no such user.")
        return await self.get(user_id)

    async def list(self, above: str, q: str, page: PageRequest) -> Page[User]:
        return await self._users.list(above, q, page)

    async def create(self, user: User, role: Role) -> User:
        """Raises Conflict for an id that is taken."""
        kept = await self._users.provision(user, role)
        if kept.created_at != user.created_at:
            raise Conflict(f"There is a user {user.id!r} already.")
        return kept

    async def change(self, user_id: str, changes: Mapping[str, Any], revision: int | None) -> User:
        changed = await self._users.update(user_id, changes, revision)
        if changed is None:
            await self.get(user_id)
            raise Changed("user")
        return changed

    async def grant(self, membership: Membership) -> Membership:
        await self.get(membership.user_id)
        return await self._users.grant(membership)

    async def revoke(self, tenant_id: str, user_id: str) -> None:
        await self._users.revoke(tenant_id, user_id)

    async def memberships(self, user_id: str) -> Sequence[Membership]:
        return await self._users.memberships(user_id)

    async def members(self, tenant_id: str, page: PageRequest) -> Page[Membership]:
        return await self._users.members(tenant_id, page)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A key for programs. Only its hash is kept; `hint` is its last four characters, for people to tell them apart."""

    id: UUID = field(default_factory=uuid4)
    user_id: str
    name: str
    hash: str = field(repr=False)
    hint: str
    created_at: datetime = field(default_factory=_now)
    expires_at: datetime | None = None
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Whom a key belongs to. `roles` are those in the wanted tenant; no `tenant_id`: they are no member of it."""

    user_id: str
    name: str
    status: UserStatus
    tenant_id: str
    roles: frozenset[Role]

    def principal(self) -> Principal | None:
        if not self.tenant_id or not (self.roles or self.status is UserStatus.SUSPENDED):
            return None
        return Principal(
            user_id=self.user_id,
            tenant_id=self.tenant_id,
            name=self.name,
            roles=frozenset(role.value for role in self.roles),
            suspended=self.status is UserStatus.SUSPENDED,
        )


class AccountKeys(ABC):
    """Keeps hashes of access tokens, login codes and login cookies, and knows whose they are."""

    @abstractmethod
    async def add_token(self, token: AccessToken) -> None:
        """Raises Conflict when the user has one of this name."""

    @abstractmethod
    async def tokens(self, user_id: str, page: PageRequest) -> Page[AccessToken]: ...

    @abstractmethod
    async def delete_token(self, user_id: str, token_id: UUID) -> None: ...

    @abstractmethod
    async def by_token(self, hashed: str, tenant_id: str) -> Known | None:
        """Whose access token this is, unless it is over; notes now and then that it was used. An empty tenant: their own."""

    @abstractmethod
    async def by_cookie(self, hashed: str, tenant_id: str) -> Known | None: ...

    @abstractmethod
    async def add_code(self, hashed: str, user_id: str, lasts: timedelta) -> None: ...

    @abstractmethod
    async def redeem(self, code: str, cookie: str, lasts: timedelta) -> bool:
        """Turn the code of this hash into the cookie of that hash; False for one that is over, used or unknown. Atomic."""

    @abstractmethod
    async def forget_cookie(self, hashed: str) -> None: ...


class AccessTokens:
    """A person's own keys for programs."""

    def __init__(self, keys: AccountKeys, new: Callable[[str, str, timedelta | None], tuple[str, AccessToken]]) -> None:
        """`new` makes a secret for this user, of this name, good for so long; and what is kept of it."""
        self._keys = keys
        self._new = new

    async def create(self, user_id: str, name: str, lasts: timedelta | None) -> tuple[str, AccessToken]:
        secret, token = self._new(user_id, name, lasts)
        await self._keys.add_token(token)
        return secret, token

    async def list(self, user_id: str, page: PageRequest) -> Page[AccessToken]:
        return await self._keys.tokens(user_id, page)

    async def delete(self, user_id: str, token_id: UUID) -> None:
        await self._keys.delete_token(user_id, token_id)
