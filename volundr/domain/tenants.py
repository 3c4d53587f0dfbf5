"""Tenants: groups of people with quotas, one below another. All stand below the default one."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from volundr.domain.errors import Changed, Conflict, Forbidden, Invalid, NotFound
from volundr.domain.paging import Page, PageRequest
from volundr.domain.sessions.model import Session
from volundr.domain.sessions.ports import SessionGate

DEFAULT = "default"
QUOTAS = frozenset({"tier", "max_sessions", "max_storage_gb", "budget_usd"})
"""What only an administrator above a tenant may change of it."""
_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")

type Tier = Literal["developer", "team", "enterprise"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """`path` holds the ids from the default tenant down to this one, with `/` between. A quota of None has no limit.

    `max_sessions` counts sessions that are up, its own and those of the tenants below; `budget_usd` is for a month.
    """

    id: str
    name: str
    parent_id: str = ""
    path: str
    tier: Tier = "developer"
    max_sessions: int | None = None
    max_storage_gb: int | None = None
    budget_usd: float | None = None
    revision: int = 1
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def lineage(self) -> Sequence[str]:
        """The ids of all above it and its own, from the top."""
        return self.path.split("/")


def contains(above: str, path: str) -> bool:
    """Whether the tenant of this path is the other one or below it. Whole ids are compared: `acme` is not above `acme2`."""
    return path == above or path.startswith(above + "/")


class TenantRepository(ABC):
    """Keeps tenants."""

    @abstractmethod
    async def ensure_default(self) -> None:
        """The default tenant exists afterwards, however many ask for it at once."""

    @abstractmethod
    async def add(self, tenant: Tenant) -> None:
        """Raises Conflict for an id that is taken, NotFound when its parent is gone."""

    @abstractmethod
    async def get(self, tenant_id: str) -> Tenant | None: ...

    @abstractmethod
    async def list(self, above: str, page: PageRequest) -> Page[Tenant]:
        """The tenant of this path and those below it."""

    @abstractmethod
    async def update(self, tenant_id: str, changes: Mapping[str, Any], revision: int | None) -> Tenant | None:
        """None when it is gone or has another revision."""

    @abstractmethod
    async def delete(self, tenant_id: str) -> str:
        """Remove it if nothing is in it, in one guarded statement; otherwise what is in it (`3 sessions`), for people."""

    @abstractmethod
    async def reserve(self, session_id: UUID, lineage: Sequence[str]) -> Tenant | None:
        """A place for a session that is about to start, in its tenant and all above; the tenant that is full, or None.

        Of any number who ask at once, no more get a place than the quota has. A place that is not taken soon is free again.
        """


class TenantService:
    """The hierarchy, and who manages what in it: an administrator manages their own tenant and those below it."""

    def __init__(self, tenants: TenantRepository) -> None:
        self._tenants = tenants

    async def get(self, tenant_id: str) -> Tenant:
        found = await self._tenants.get(tenant_id)
        if found is None and tenant_id == DEFAULT:
            await self._tenants.ensure_default()
            found = await self._tenants.get(tenant_id)
        if found is None:
            raise NotFound("There is no such tenant.")
        return found

    async def within(self, acting_in: str, tenant_id: str) -> Tenant:
        """This tenant, for somebody who acts in another: NotFound unless it is that one or below it."""
        here, found = await self.get(acting_in), await self.get(tenant_id)
        if not contains(here.path, found.path):
            raise NotFound("There is no such tenant.")
        return found

    async def list(self, acting_in: str, page: PageRequest) -> Page[Tenant]:
        return await self._tenants.list((await self.get(acting_in)).path, page)

    async def create(self, acting_in: str, tenant: Tenant) -> Tenant:
        """Below `tenant.parent_id`, or below the tenant one acts in when that is empty. `tenant.path` is made here."""
        if not _ID.fullmatch(tenant.id):
            raise Invalid(f"{tenant.id!r} is no tenant id: use lower-case letters, digits and '-', at most 63.")
        parent = await self.within(acting_in, tenant.parent_id or acting_in)
        placed = replace(tenant, parent_id=parent.id, path=f"{parent.path}/{tenant.id}")
        await self._tenants.add(placed)
        return placed

    async def change(self, acting_in: str, tenant_id: str, changes: Mapping[str, Any], revision: int | None) -> Tenant:
        found = await self.within(acting_in, tenant_id)
        if QUOTAS & changes.keys() and found.id == acting_in and found.parent_id:
            raise Forbidden("A tenant's quotas are set from above it.", hint="Ask an administrator of the tenant above.")
        changed = await self._tenants.update(tenant_id, changes, revision)
        if changed is None:
            await self.get(tenant_id)
            raise Changed("tenant")
        return changed

    async def delete(self, acting_in: str, tenant_id: str) -> None:
        if tenant_id == DEFAULT:
            raise Conflict("The default tenant cannot be deleted: every other one is below it.")
        found = await self.within(acting_in, tenant_id)
        if found.id == acting_in:
            raise Forbidden("A tenant is deleted from above it.", hint="Act in the tenant above: header Volundr-Tenant.")
        if inside := await self._tenants.delete(tenant_id):
            raise Conflict(f"The tenant {tenant_id!r} still has {inside}.", hint="Move or delete them first.")


class TenantQuota(SessionGate):
    """Refuses to start more sessions than a tenant, or one above it, may have up at once."""

    def __init__(self, tenants: TenantRepository) -> None:
        self._tenants = tenants

    async def admit(self, session: Session, verb: Literal["create", "start"]) -> Session:
        tenant = await self._tenants.get(session.tenant_id) if verb == "start" else None
        if tenant is not None and (full := await self._tenants.reserve(session.id, tenant.lineage)) is not None:
            raise Conflict(
                f"The tenant {full.name!r} has {full.max_sessions} sessions up, which is all it may have.",
                hint="Stop one, or ask an administrator for a larger quota (max_sessions).",
            )
        return session
