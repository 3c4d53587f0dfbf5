"""Tool servers (MCP) that sessions may use: what is configured, and how a session gets it with its secrets filled in."""

import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from volundr.domain.errors import Invalid, NotFound
from volundr.domain.sessions.model import Session
from volundr.domain.sessions.ports import SessionContributor, SessionGate
from volundr.domain.sessions.spec import McpServer, SessionContribution

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
REFERENCE = re.compile(r"\$\{(credential|secret):([a-z0-9][a-z0-9_-]{0,99})\.([A-Za-z0-9_.-]{1,100})\}")
_MEANT = re.compile(r"\$\{\s*(?:credential|secret)s?\s*:")

type Resolve = Callable[[Session, str, str], Awaitable[Mapping[str, str]]]
"""The values of a credential or secret (which of both, its name) that this session may use. Raises NotFound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class McpConfig:
    """A server as it is configured. Values of `env` and `headers` may name secrets: `${credential:github.token}`; nothing else
    may, as arguments and addresses are seen by others and logged. Raises Invalid for one that does, or that names none.

    `default`: every session gets it; otherwise those that name it.
    """

    server: McpServer = field(repr=False)
    description: str = ""
    default: bool = False

    def __post_init__(self) -> None:
        one = self.server
        if any(_MEANT.search(text) for text in (one.command, *one.args, one.url)):
            raise Invalid(
                f"The tool server {one.name!r} has a secret where others see it.", hint="Secrets go into its env or its headers."
            )
        for name, value in (*one.env.items(), *one.headers.items()):
            if _MEANT.search(REFERENCE.sub("", value)):
                hint = "A secret looks like ${credential:github.api_key} or ${secret:search.token}."
                raise Invalid(f"The tool server {one.name!r} has something in {name} that names no secret.", hint=hint)

    @property
    def name(self) -> str:
        return self.server.name

    @property
    def references(self) -> Sequence[str]:
        """The secrets it needs, as `credential:github`."""
        texts = [*self.server.env.values(), *self.server.headers.values()]
        return sorted({f"{kind}:{name}" for text in texts for kind, name, _ in REFERENCE.findall(text)})


class MCPServerProvider(ABC):
    """Knows which tool servers there are. Never resolves what they need of secrets."""

    @abstractmethod
    async def list(self) -> Sequence[McpConfig]:
        """By name. Names are unique within a provider; of two providers, the first one's counts."""

    @abstractmethod
    async def get(self, name: str) -> McpConfig | None: ...


class McpService:
    """The servers of all providers."""

    def __init__(self, providers: Sequence[MCPServerProvider], resolve: Resolve) -> None:
        self._providers = providers
        self._resolve = resolve

    async def list(self) -> Sequence[McpConfig]:
        found: dict[str, McpConfig] = {}
        for provider in self._providers:
            for config in await provider.list():
                found.setdefault(config.name, config)
        return [found[name] for name in sorted(found)]

    async def get(self, name: str) -> McpConfig:
        for provider in self._providers:
            if (found := await provider.get(name)) is not None:
                return found
        raise NotFound(f"There is no tool server named {name!r}.")

    async def check(self, names: Sequence[str]) -> None:
        """Raises Invalid for a name that no server has."""
        known = [config.name for config in await self.list()]
        for name in names:
            if name not in known:
                there = f"There is: {', '.join(known)}." if known else "None is configured: [mcp_servers.<name>] in config.toml."
                raise Invalid(f"There is no tool server named {name!r}.", hint=there)

    async def of_session(self, session: Session) -> Sequence[McpServer]:
        """Those it names and those that every session gets, with their secrets. Raises Invalid for a secret there is not."""
        wanted = set(session.options.mcp_servers)
        await self.check(sorted(wanted))
        chosen = [config for config in await self.list() if config.default or config.name in wanted]
        return [await self._filled(session, config.server) for config in chosen]

    async def _filled(self, session: Session, server: McpServer) -> McpServer:
        async def fill(text: str) -> str:
            values = {match[0]: await self._value(session, server.name, match) for match in REFERENCE.finditer(text)}
            return REFERENCE.sub(lambda match: values[match[0]], text)  # at once: a value may look like a reference

        return replace(
            server,
            env={name: await fill(value) for name, value in server.env.items()},
            headers={name: await fill(value) for name, value in server.headers.items()},
        )

    async def _value(self, session: Session, server: str, match: re.Match[str]) -> str:
        kind, name, key = match.groups()
        try:
            values = await self._resolve(session, kind, name)
        except NotFound as error:
            hint = f"Store it under /{kind}s, or start the session without that server."
            raise Invalid(f"The tool server {server!r} needs the {kind} {name!r}, which there is not.", hint=hint) from error
        if key not in values:
            has = ", ".join(sorted(values))
            raise Invalid(f"The tool server {server!r} needs {key!r} of the {kind} {name!r}.", hint=f"It has: {has}.")
        return values[key]


class McpGate(SessionGate):
    """Refuses a session that names a server there is not, when it is created."""

    def __init__(self, servers: McpService) -> None:
        self._servers = servers

    async def admit(self, session: Session, verb: Literal["create", "start"]) -> Session:
        if verb == "create" and session.options.mcp_servers:
            await self._servers.check(session.options.mcp_servers)
        return session


class McpContributor(SessionContributor):
    """Read anew at each start."""

    name = "mcp"

    def __init__(self, servers: McpService) -> None:
        self._servers = servers

    async def contribute(self, session: Session) -> SessionContribution:
        return SessionContribution(by=self.name, mcp_servers=tuple(await self._servers.of_session(session)))
