"""Connections of people to other programs: git hosts, trackers, model providers."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID, uuid4

from volundr.domain.errors import Changed, Conflict, Forbidden, Invalid, NotFound, Unavailable, VolundrError
from volundr.domain.git import GitHosts, GitProvider
from volundr.domain.identity import Principal, Whose
from volundr.domain.paging import Page, PageRequest
from volundr.domain.pull_requests import GitWorkflowProvider, WorkflowHosts
from volundr.domain.tracker import IssueTrackerProvider, Trackers


class Kind(StrEnum):
    """What an integration is for."""

    SOURCE_CONTROL = "source_control"
    ISSUE_TRACKER = "issue_tracker"
    MESSAGING = "messaging"
    AI_PROVIDER = "ai_provider"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One setting of a connection. A `url` must be http or https."""

    name: str
    label: str
    type: Literal["text", "url"] = "text"
    required: bool = False
    default: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationDefinition:
    """What there is to connect. `credential_type` is the type of stored credential it takes, `env` the variables a session
    gets from it: variable → key of the credential."""

    slug: str
    name: str
    description: str
    kind: Kind
    credential_type: str
    fields: Sequence[Field] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    auth: Literal["credential", "oauth"] = "credential"


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationConnection:
    """One person's account. `credential` is the name of a stored credential of theirs; its values are never here."""

    id: UUID = field(default_factory=uuid4)
    owner_id: str
    tenant_id: str
    slug: str
    name: str
    credential: str
    config: Mapping[str, str] = field(default_factory=dict)
    enabled: bool = True
    revision: int = 1
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    updated_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A connection with the values of its credential: only for as long as a provider lives."""

    connection: IntegrationConnection
    secret: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """`asked`: the other program really answered; otherwise only what we have was looked at."""

    ok: bool
    asked: bool
    account: str = ""
    problem: str = ""


class Integration(ABC):
    """One kind of connection, offered by a plugin. What it cannot be used for it answers with None."""

    definition: IntegrationDefinition

    @abstractmethod
    async def test(self, opened: Opened) -> Tried:
        """Ask the other program who we are, within 10 s."""

    def git(self, opened: Opened) -> GitProvider | None:  # noqa: ARG002 - for those that have one
        return None

    def workflow(self, opened: Opened) -> GitWorkflowProvider | None:  # noqa: ARG002
        return None

    def tracker(self, opened: Opened) -> IssueTrackerProvider | None:  # noqa: ARG002
        return None


class IntegrationRepository(ABC):
    """Keeps connections."""

    @abstractmethod
    async def add(self, connection: IntegrationConnection) -> None:
        """Raises Conflict when its owner has one of this name."""

    @abstractmethod
    async def get(self, connection_id: UUID) -> IntegrationConnection | None: ...

    @abstractmethod
    async def list(self, whose: Whose, slug: str, page: PageRequest) -> Page[IntegrationConnection]:
        """An empty `slug` means all."""

    @abstractmethod
    async def enabled(self, tenant_id: str, owner_id: str) -> Sequence[IntegrationConnection]:
        """All that this person uses, oldest first; at most 100."""

    @abstractmethod
    async def update(self, connection_id: UUID, changes: Mapping[str, Any], revision: int | None) -> IntegrationConnection | None:
        """None when it is gone or has another revision."""

    @abstractmethod
    async def delete(self, connection_id: UUID) -> None: ...


class IntegrationRegistry:
    """The catalog of what can be connected."""

    def __init__(self, integrations: Sequence[Integration]) -> None:
        self._by_slug = {one.definition.slug: one for one in integrations}

    def catalog(self) -> Sequence[IntegrationDefinition]:
        return [self._by_slug[slug].definition for slug in sorted(self._by_slug)]

    def get(self, slug: str) -> Integration:
        if slug not in self._by_slug:
            known = ", ".join(sorted(self._by_slug)) or "none"
            raise Invalid(f"There is no integration called {slug!r}.", hint=f"There is: {known}. More come as plugins.")
        return self._by_slug[slug]

    def check(self, connection: IntegrationConnection) -> IntegrationConnection:
        """With defaults filled in. Raises Invalid for a setting it does not have, or lacks."""
        known = {one.name: one for one in self.get(connection.slug).definition.fields}
        if wrong := sorted(connection.config.keys() - known.keys()):
            raise Invalid(
                f"{connection.slug} has no setting {wrong[0]!r}.", hint=f"It has: {', '.join(sorted(known)) or 'none'}."
            )
        filled = {name: connection.config.get(name) or one.default for name, one in known.items()}
        for name, one in known.items():
            if one.required and not filled[name]:
                raise Invalid(f"{connection.slug} needs the setting {name!r}.")
            if one.type == "url" and filled[name] and not filled[name].startswith(("https://", "http://")):
                raise Invalid(f"{name!r} must be an http or https address.")
        return replace(connection, config={name: value for name, value in filled.items() if value})


type SecretOf = Callable[[IntegrationConnection], Awaitable[Mapping[str, str]]]
"""The values of a connection's credential. Raises NotFound when its owner has no such credential any more."""


class UserIntegrationService(GitHosts, WorkflowHosts, Trackers):
    """A person's connections, and the providers they open. Providers are made for each call and kept nowhere."""

    def __init__(
        self,
        registry: IntegrationRegistry,
        connections: IntegrationRepository,
        secret_of: SecretOf,
        always: Sequence[GitProvider] = (),
    ) -> None:
        """`always` are git providers that need no connection: the machine's own git."""
        self.registry = registry
        self._connections = connections
        self._secret_of = secret_of
        self._always = always

    async def list(self, whose: Whose, slug: str, page: PageRequest) -> Page[IntegrationConnection]:
        return await self._connections.list(whose, slug, page)

    async def add(self, connection: IntegrationConnection) -> IntegrationConnection:
        checked = self.registry.check(connection)
        await self._open(checked)
        await self._connections.add(checked)
        return checked

    async def get(self, connection_id: UUID) -> IntegrationConnection:
        found = await self._connections.get(connection_id)
        if found is None:
            raise NotFound("There is no such integration.")
        return found

    async def change(
        self, connection: IntegrationConnection, changes: Mapping[str, Any], revision: int | None
    ) -> IntegrationConnection:
        checked = self.registry.check(replace(connection, **changes))
        if "credential" in changes:
            await self._open(checked)
        final = {**changes, "config": checked.config} if "config" in changes else changes
        changed = await self._connections.update(connection.id, final, revision)
        if changed is None:
            await self.get(connection.id)
            raise Changed("integration")
        return changed

    async def delete(self, connection_id: UUID) -> None:
        await self._connections.delete(connection_id)

    async def test(self, connection: IntegrationConnection) -> Tried:
        try:
            opened = await self._open(connection)
            return await self.registry.get(connection.slug).test(opened)
        except VolundrError as error:
            return Tried(ok=False, asked=isinstance(error, Unavailable), problem=str(error))

    async def env(self, connection_id: UUID, owner_id: str, tenant_id: str) -> Mapping[str, str]:
        """The variables a session of this person gets from a connection. Raises Forbidden for another's."""
        connection = await self.get(connection_id)
        if (connection.owner_id, connection.tenant_id) != (owner_id, tenant_id):
            raise Forbidden("A session can only use connections of its own person.")
        if not connection.enabled:
            raise Conflict(f"The connection {connection.name!r} is switched off.", hint="Switch it on, or start without it.")
        opened = await self._open(connection)
        wanted = self.registry.get(connection.slug).definition.env
        if missing := sorted(key for key in wanted.values() if key not in opened.secret):
            raise Invalid(f"The credential {connection.credential!r} has no {missing[0]!r}, which {connection.slug} needs.")
        return {variable: opened.secret[key] for variable, key in wanted.items()}

    async def providers(self, principal: Principal) -> Sequence[GitProvider]:
        found = [self.registry.get(one.connection.slug).git(one) for one in await self._opened(principal)]
        return [*(one for one in found if one is not None), *self._always]

    async def workflows(self, principal: Principal) -> Sequence[GitWorkflowProvider]:
        found = [self.registry.get(one.connection.slug).workflow(one) for one in await self._opened(principal)]
        return [one for one in found if one is not None]

    async def trackers(self, principal: Principal) -> Sequence[IssueTrackerProvider]:
        found = [self.registry.get(one.connection.slug).tracker(one) for one in await self._opened(principal)]
        return [one for one in found if one is not None]

    async def _opened(self, principal: Principal) -> Sequence[Opened]:
        """Those that can be opened: one whose credential or plugin is gone shows so where it is tested."""
        opened = []
        for connection in await self._connections.enabled(principal.tenant_id, principal.user_id):
            try:
                self.registry.get(connection.slug)
                opened.append(await self._open(connection))
            except (Invalid, NotFound):
                continue
        return opened

    async def _open(self, connection: IntegrationConnection) -> Opened:
        return Opened(connection=connection, secret=await self._secret_of(connection))
