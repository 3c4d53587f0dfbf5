"""Who asks, and what they may do."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Somebody who was identified, acting in one tenant. A pod acts for the one session it belongs to, a user for a tenant.

    `roles` (`admin`, `developer`, `viewer`) are those they have in that tenant, by membership in it or in one above it.
    Somebody `suspended` is known and refused everything.
    """

    user_id: str
    tenant_id: str
    name: str = ""
    roles: frozenset[str] = frozenset()
    kind: Literal["user", "pod"] = "user"
    session_id: str = ""
    suspended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What an action is done to. An empty `owner_id` means that it belongs to the whole tenant."""

    kind: str
    id: str = ""
    owner_id: str = ""
    tenant_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """Which rows a list may show: those of one tenant, and of one owner when there is one named."""

    tenant_id: str
    owner_id: str | None = None


def own(principal: Principal) -> Whose:
    """Only what is their own."""
    return Whose(tenant_id=principal.tenant_id, owner_id=principal.user_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a request showed. `session_id` is the session its path names, "" for none: pods are known only there.

    `tenant_id` is the tenant the caller wants to act in, "" for their own.
    """

    kind: Literal["cookie", "bearer"]
    value: str = field(repr=False)
    session_id: str = ""
    tenant_id: str = ""


class IdentityPort(ABC):
    """Finds out who holds some credentials."""

    @abstractmethod
    async def identify(self, credentials: Credentials) -> Principal | None:
        """None for credentials that are nobody's, never an error about why. Compares in constant time.

        Also None for a tenant that they are no member of.
        """


class AuthorizationPort(ABC):
    """Decides whether somebody may do something. Actions are named `<noun>.<verb>` and listed in `domain/roles.py`."""

    @abstractmethod
    async def allows(self, principal: Principal, action: str, resource: Resource | None = None) -> bool:
        """Whether they may do this to that resource, or at all (to what is theirs) when it is None. Asked for every request.

        A program that cannot be asked raises Unavailable: nothing is allowed for want of an answer.
        """
