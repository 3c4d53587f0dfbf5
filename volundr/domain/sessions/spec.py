"""What a session's pod needs, put together by contributors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from volundr.domain.errors import Conflict


@dataclass(frozen=True, slots=True, kw_only=True)
class McpServer:
    """A tool server the agent may use: a program (`command`, `args`, `env`) or an address (`url`, `headers`)."""

    name: str
    command: str = ""
    args: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MountedFile:
    """A file with a secret in it, for the agent alone (0600). A `path` that does not begin with `/` is below its home."""

    path: str
    content: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """One more repository of the workspace, cloned to the folder `path` below it."""

    url: str
    path: str
    branch: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSpec:
    """All that a pod manager and Skuld must know to run a session.

    `definition` names settings of the machine that fill what is empty here. `fork_of`: the id of a session whose
    conversation this one goes on from, if it has none of its own yet. `initial_prompt` is said once, when the conversation
    is empty. `setup` are shell scripts run in the workspace, in this order, once before the first start of the agent.
    `resources` are amounts by name (`cpu`, `memory`, `gpu` …) for pod managers that can hold a pod to them.
    """

    session_id: str
    name: str
    agent: str
    transport: str = "shim"
    model: str = ""
    mode: str = ""
    thinking: str = ""
    definition: str = ""
    fork_of: str = ""
    system_prompt: str = ""
    initial_prompt: str = ""
    workspace: str = ""
    project: str = ""
    branch: str = ""
    secret: str = field(default="", repr=False)
    report_url: str = ""
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    resources: Mapping[str, str] = field(default_factory=dict)
    mcp_servers: Sequence[McpServer] = ()
    files: Sequence[MountedFile] = ()
    repositories: Sequence[Repository] = ()
    setup: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionContribution:
    """What one contributor adds: named fields of the spec that are its alone, and parts of those that several fill."""

    by: str
    values: Mapping[str, Any] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    resources: Mapping[str, str] = field(default_factory=dict)
    mcp_servers: Sequence[McpServer] = ()
    files: Sequence[MountedFile] = ()
    repositories: Sequence[Repository] = ()
    setup: Sequence[str] = ()


_SHARED = frozenset({"env", "resources", "mcp_servers", "files", "repositories", "setup"})


def merge(contributions: Sequence[SessionContribution]) -> SessionSpec:
    """One spec from all contributions. Two that say different things about one field, variable, file … are a Conflict."""
    known = {f.name for f in fields(SessionSpec)} - _SHARED
    values = _Merged()
    env, resources, servers, files, repositories = (_Merged() for _ in range(5))
    setup: list[str] = []
    for one in contributions:
        for name in one.values.keys() - known:
            raise Conflict(f"The contributor {one.by!r} sets {name!r}, which a session does not have.")
        values.add(one.by, one.values)
        env.add(one.by, one.env)
        resources.add(one.by, one.resources)
        servers.add(one.by, {server.name: server for server in one.mcp_servers})
        files.add(one.by, {file.path: file for file in one.files})
        repositories.add(one.by, {repository.path: repository for repository in one.repositories})
        setup += one.setup
    return SessionSpec(
        **values.found,
        env=env.found,
        resources=resources.found,
        mcp_servers=tuple(servers.found.values()),
        files=tuple(files.found.values()),
        repositories=tuple(repositories.found.values()),
        setup=tuple(setup),
    )


class _Merged:
    """Values by name, and who said them first."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}
        self._by: dict[str, str] = {}

    def add(self, by: str, new: Mapping[str, Any]) -> None:
        for name, value in new.items():
            if self.found.setdefault(name, value) != value:
                raise Conflict(f"The contributors {self._by[name]!r} and {by!r} disagree about {name!r}.")
            self._by.setdefault(name, by)
