"""What a session is, and which ways lead from one state to the next."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal, Self
from uuid import UUID, uuid4

from volundr.domain.errors import Conflict, Invalid
from volundr.domain.identity import Resource

_USERINFO = re.compile(r"(?<=://)[^/@]*@")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class Status(StrEnum):
    CREATED = "created"
    STARTING = "starting"
    PROVISIONING = "provisioning"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"
    ARCHIVED = "archived"


WAYS: Mapping[Status, frozenset[Status]] = {
    Status.CREATED: frozenset({Status.STARTING, Status.STOPPED, Status.ARCHIVED}),
    Status.STARTING: frozenset({Status.PROVISIONING, Status.FAILED, Status.STOPPING}),
    Status.PROVISIONING: frozenset({Status.RUNNING, Status.FAILED, Status.STOPPING}),
    Status.RUNNING: frozenset({Status.STOPPING, Status.STOPPED, Status.FAILED}),
    Status.STOPPING: frozenset({Status.STOPPED, Status.FAILED}),
    Status.STOPPED: frozenset({Status.STARTING, Status.ARCHIVED}),
    Status.FAILED: frozenset({Status.STARTING, Status.STOPPING, Status.STOPPED, Status.ARCHIVED}),
    Status.ARCHIVED: frozenset({Status.STOPPED}),
}
"""Every legal step. Deleting is legal from every state; stopping a session that does not run is no step and no error."""


def sources(target: Status) -> frozenset[Status]:
    """The states from which `target` can be reached: what the guard of its UPDATE lists."""
    return frozenset(status for status, ways in WAYS.items() if target in ways)


@dataclass(frozen=True, slots=True, kw_only=True)
class GitSource:
    """A repository to clone. An empty branch means the remote's default branch."""

    url: str
    branch: str = ""
    type: Literal["git"] = "git"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSource:
    """A folder of this machine. `worktree`: a git worktree of it on a branch of its own; `in_place`: the folder itself."""

    path: str
    branch: str = ""
    mode: Literal["worktree", "in_place"] = "worktree"
    type: Literal["local"] = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptySource:
    """A new empty folder."""

    type: Literal["empty"] = "empty"


type Source = GitSource | LocalSource | EmptySource


def repo_of(source: Source) -> str:
    """The repository or folder that a source names, without what somebody signs in with; "" for an empty one."""
    match source:
        case GitSource(url=url):
            return _USERINFO.sub("", url).rstrip("/").removesuffix(".git")
        case LocalSource(path=path):
            return path.rstrip("/") or path
        case EmptySource():
            return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What a running session does, as its broker last said. `since` is when it began."""

    state: Literal["starting", "idle", "working", "waiting", "stopping", "stopped", "failed"] = "stopped"
    what: str = ""
    since: datetime | None = None
    messages: int = 0
    model: str = ""
    cost_usd: float | None = None


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a session is run, where its creator said so. Empty: as the definition, else the machine's settings say.

    `fork_of`: the id of the session whose conversation (and workspace) this one goes on with. `template`, `profile`,
    `preset`, `credentials`, `integrations` and `mcp_servers` are names or ids; what a template, profile or preset says was
    filled in when the session was created. `parent_chronicle`: the id of the chronicle it was reforged from. `issue` is the
    tracker's key of what it works on.
    """

    transport: str = ""
    mode: str = ""
    thinking: str = ""
    definition: str = ""
    fork_of: str = ""
    template: str = ""
    profile: str = ""
    preset: str = ""
    system_prompt: str = ""
    initial_prompt: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, str] = field(default_factory=dict)
    credentials: tuple[str, ...] = ()
    integrations: tuple[str, ...] = ()
    mcp_servers: tuple[str, ...] = ()
    parent_chronicle: str = ""
    issue: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One session. `revision` grows by one with every change; `pod` is the pod manager's own memory of where it runs."""

    id: UUID = field(default_factory=uuid4)
    name: str
    agent: str
    model: str = ""
    source: Source = field(default_factory=EmptySource)
    options: Options = field(default_factory=Options)
    status: Status = Status.CREATED
    step: str = ""
    error: str = ""
    hint: str = ""
    workspace: str = ""
    branch: str = ""
    activity: Activity = field(default_factory=Activity)
    pod: Mapping[str, Any] = field(default_factory=dict)
    owner_id: str = "local"
    tenant_id: str = "default"
    revision: int = 1
    created_at: datetime = field(default_factory=_now)
    updated_at: datetime = field(default_factory=_now)
    last_active: datetime = field(default_factory=_now)
    archived_at: datetime | None = None

    def __post_init__(self) -> None:
        check_name(self.name)

    def to(self, status: Status) -> Self:
        """This session one step on. Raises Conflict when no way leads there."""
        if status not in WAYS[self.status]:
            raise Conflict(f"Session {self.name!r} is {self.status}; from there it cannot become {status}.")
        return replace(self, status=status)


def of_session(session: Session) -> Resource:
    """What an action on this session is done to."""
    return Resource(kind="session", id=str(session.id), owner_id=session.owner_id, tenant_id=session.tenant_id)


def check_name(name: str) -> None:
    """Raise Invalid unless the name is a label: it becomes part of host, branch and folder names."""
    if not _LABEL.fullmatch(name):
        raise Invalid(
            f"{name!r} is not a valid session name: use 1 to 63 lower-case letters, digits and '-', "
            "with a letter or digit first and last."
        )
