"""Who asks, and what they may do."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Somebody who was identified. A pod acts for the one session it belongs to, a user for a tenant."""

    user_id: str
    tenant_id: str
    name: str = ""
    roles: frozenset[str] = frozenset()
    kind: Literal["user", "pod"] = "user"
    session_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a request showed. `session_id` is the session its path names, "" for none: pods are known only there."""

    kind: Literal["cookie", "bearer"]
    value: str = field(repr=False)
    session_id: str = ""


class IdentityPort(ABC):
    """Finds out who holds some credentials."""

    @abstractmethod
    async def identify(self, credentials: Credentials) -> Principal | None:
        """None for credentials that are nobody's, never an error about why. Compares in constant time."""


class AuthorizationPort(ABC):
    """Decides whether somebody may do something. Actions are named `<noun>.<verb>`, e.g. `session.start`."""

    @abstractmethod
    def allows(self, principal: Principal, action: str, resource: str | None = None) -> bool:
        """Whether they may do this to that resource (its id), or at all when it is None. Called for every request."""
