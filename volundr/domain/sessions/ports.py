"""What sessions need from the world."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from volundr.domain.identity import Whose
from volundr.domain.paging import Page, PageRequest
from volundr.domain.sessions.model import Activity, Session, Status
from volundr.domain.sessions.spec import SessionContribution, SessionSpec
from volundr.domain.upstream import Upstream


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFilter:
    """Which sessions to list: all that is said must hold. No `status` means all but archived; `q` is looked for in names,
    branches and sources."""

    status: Collection[Status] = ()
    whose: Whose | None = None
    agent: str = ""
    q: str = ""


class SessionRepository(ABC):
    """Keeps sessions. Every change is one guarded statement; each raises `revision` by one."""

    @abstractmethod
    async def add(self, session: Session) -> None:
        """Raises Conflict when a session of this name that is not archived exists for the owner."""

    @abstractmethod
    async def get(self, session_id: UUID) -> Session | None: ...

    @abstractmethod
    async def list(self, chosen: SessionFilter, page: PageRequest) -> Page[Session]:
        """Newest first unless `page` says otherwise. Raises Invalid for a cursor or a sort that is not ours."""

    @abstractmethod
    async def move(
        self, session_id: UUID, target: Status, changes: Mapping[str, Any], revision: int | None = None
    ) -> Session | None:
        """Step to `target` and set `changes` (field → value), if a legal way leads there now; else None.

        With `revision`, also None when the session has another one by now. Atomic: of two callers that move the same
        session at once, one gets the session and the other None.
        """

    @abstractmethod
    async def update(self, session_id: UUID, changes: Mapping[str, Any], revision: int | None = None) -> Session | None:
        """Set fields other than status; None when there is no such session or its revision is another."""

    @abstractmethod
    async def report(self, session_id: UUID, activity: Activity) -> Session | None:
        """Keep what the broker says; None unless the session runs or comes up: the first report may overtake us."""

    @abstractmethod
    async def shares(self, session: Session) -> Session | None:
        """Another session that works in this one's workspace, if there is any."""

    @abstractmethod
    async def delete(self, session_id: UUID) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PodStatus:
    """`absent`: there is no pod. `failed`: it will not come up or has died; `error` says why, verbatim.

    `busy`: it starts, and does something with limits of its own (clones, setup scripts) that the limit of a start is not for.
    """

    state: Literal["absent", "starting", "ready", "failed"]
    step: str = ""
    error: str = ""
    hint: str = ""
    log_tail: Sequence[str] = ()
    busy: bool = False


class PodManager(ABC):
    """Runs a session's pod: Skuld, shim and agent, in whatever place this manager knows.

    All verbs are idempotent and may be called in any state, also right after the forge restarted: `memory`, the JSON
    that `start` returned and the session keeps, is all they have. Unreachable places raise Unavailable.
    """

    @abstractmethod
    async def start(self, spec: SessionSpec) -> Mapping[str, Any]:
        """Make the pod exist and return its memory at once; readiness is asked with `status`."""

    @abstractmethod
    async def status(self, session_id: UUID, memory: Mapping[str, Any]) -> PodStatus:
        """What is true now, within 5 s."""

    @abstractmethod
    async def stop(self, session_id: UUID, memory: Mapping[str, Any]) -> None:
        """End the pod: report, agent, everything it started; nothing else. Returns when it is gone."""

    @abstractmethod
    async def discard(self, session_id: UUID, memory: Mapping[str, Any]) -> None:
        """Stop, and delete what the pod kept (its log). The workspace is not the pod manager's."""

    @abstractmethod
    async def logs(self, session_id: UUID, memory: Mapping[str, Any], lines: int) -> Sequence[str]: ...

    @abstractmethod
    async def history(self, session_id: UUID, memory: Mapping[str, Any], before: int | None, limit: int) -> bytes:
        """The newest `limit` records (before that one), running or not: the JSON `{"epoch", "records"}` as it is stored."""

    @abstractmethod
    def upstream(self, session_id: UUID, memory: Mapping[str, Any]) -> Upstream | None:
        """Where the session's Skuld listens, for a gateway on this machine; None where others do the routing."""

    async def check(self) -> None:
        """Raises Unavailable when no session could be started now, with the cause. Quick: whoever watches asks it often."""
        return

    @abstractmethod
    def changes(self) -> AsyncIterator[UUID]:
        """Sessions whose pod may have changed without being asked (died, came back): a hint to look, never the truth."""


class SessionContributor(ABC):
    """Adds its part to a session's pod before it starts. Runs in the order of registration; must be repeatable."""

    name: str
    limit: float = 0.0
    """Seconds this one may take when that is more than the general limit of a start."""

    @abstractmethod
    async def contribute(self, session: Session) -> SessionContribution:
        """Prepare what this contributor is for. Raises Invalid or Unavailable with a cause a person can act on."""

    async def withdraw(self, session: Session) -> None:
        """The session is being deleted: remove what `contribute` made, never a person's own files."""


class SessionGate(ABC):
    """Asked before a session is created or started: presets and templates fill in what its creator left open, quotas and
    budgets refuse. Gates run in the order of their registration, those that refuse after those that fill in."""

    @abstractmethod
    async def admit(self, session: Session, verb: Literal["create", "start"]) -> Session:
        """The session as it shall be (only `create` may change it). Raises what a person can act on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a session, for whoever watches. `data` is what the API shows of it."""

    type: Literal["session", "session_deleted"]
    session_id: UUID
    owner_id: str
    tenant_id: str
    session: Session | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


class EventBroadcaster(ABC):
    """Tells everyone who watches. Every event gets an id; watchers can ask for those after an id."""

    @abstractmethod
    def publish(self, event: Event) -> None:
        """Never blocks and never fails: a slow watcher loses its place and is told to resync."""

    @abstractmethod
    def watch(self, after: str = "") -> AsyncIterator[tuple[str, Event | None]]:
        """(id, event) from after that id on; (id, None) means: too far behind, load everything anew."""
