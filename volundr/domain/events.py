"""Session events: what a session did, as a stream for whoever counts, bills or watches. Kept in the database first; sinks
of plugins read them from there, each at its own pace."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from volundr.domain.errors import Unavailable
from volundr.domain.paging import Page, PageRequest

log = logging.getLogger(__name__)

SINK_SECONDS = 20.0
"""How long one sink may take for one batch."""


class EventType(StrEnum):
    SESSION_START = "session_start"
    SESSION_STOP = "session_stop"
    MESSAGE_USER = "message_user"
    MESSAGE_ASSISTANT = "message_assistant"
    FILE_CREATED = "file_created"
    FILE_MODIFIED = "file_modified"
    FILE_DELETED = "file_deleted"
    GIT_COMMIT = "git_commit"
    GIT_PUSH = "git_push"
    GIT_BRANCH = "git_branch"
    GIT_CHECKOUT = "git_checkout"
    TERMINAL_COMMAND = "terminal_command"
    TOOL_USE = "tool_use"
    PERMISSION = "permission"
    ERROR = "error"
    TOKEN_USAGE = "token_usage"  # noqa: S105 - a word


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEvent:
    """One event. `id` names it for good, wherever it is told again; `number` is its place among all events of the forge,
    given when it is stored (0 before). `sequence` is its place in its session (a record of the log of that `epoch`)."""

    number: int = 0
    id: UUID
    session_id: UUID
    tenant_id: str
    owner_id: str
    epoch: str = ""
    sequence: int = 0
    type: EventType
    at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost: float | None = None
    duration_ms: int | None = None
    model: str = ""
    stored_at: datetime | None = None

    @property
    def message_id(self) -> str:
        """What consumers drop repeats by: nobody can choose one that is another session's."""
        return f"{self.session_id}:{self.id}"


def event_id(session_id: UUID, epoch: str, sequence: int, what: str = "") -> UUID:
    """The id of an event that nobody gave one: the same place in the same session is the same event."""
    return uuid5(session_id, f"{epoch}/{sequence}/{what}")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which events of a session: all that is said must hold; `after` and `before` are times, neither included."""

    types: Sequence[EventType] = ()
    after: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBucket:
    """Tokens and cost of a span that begins at `start`. `cost` adds what is known; None when nothing is."""

    start: datetime
    tokens_in: int
    tokens_out: int
    cost: float | None
    events: int


class SessionEventRepository(ABC):
    """Keeps events in one order for all. A reader that follows `number` misses none: a number becomes visible only after
    every smaller one did, however many write at once."""

    @abstractmethod
    async def add(self, events: Sequence[SessionEvent]) -> None:
        """Keep those that are not kept already (by session and id), in this order. Atomic."""

    @abstractmethod
    async def find(self, session_id: UUID, ids: Sequence[UUID]) -> Sequence[SessionEvent]: ...

    @abstractmethod
    async def list(self, session_id: UUID, chosen: EventFilter, page: PageRequest) -> Page[SessionEvent]:
        """By sequence unless `page` says otherwise. Raises Invalid for a cursor or sort that is not ours."""

    @abstractmethod
    async def counts(self, session_id: UUID) -> Mapping[EventType, int]: ...

    @abstractmethod
    async def tokens(self, session_id: UUID, seconds: int, chosen: EventFilter, most: int) -> Sequence[TokenBucket]:
        """What was used in spans of so many seconds, oldest first; the newest `most` that are not empty."""

    @abstractmethod
    async def following(self, number: int, limit: int) -> Sequence[SessionEvent]:
        """The events of all sessions that come after this one, in order."""

    @abstractmethod
    async def settle(self, events: Sequence[SessionEvent]) -> int:
        """Keep those starts and stops, one a session, that differ from the session's newest one; how many those were.
        Their `sequence` becomes the session's last. Costs little when there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkHealth:
    """How a sink is. `cursor` is the number of the last event it has; `lag_events` wait for it (no more are counted than
    `LAG_MOST`), the oldest for `lag_seconds`. `failing_since` is None for one that works; `error` is its newest failure."""

    name: str
    healthy: bool
    cursor: int
    lag_events: int
    lag_seconds: float
    error: str = ""
    error_at: datetime | None = None
    failing_since: datetime | None = None
    delivered_at: datetime | None = None


LAG_MOST = 100_000


class EventCursors(ABC):
    """How far each sink has read. One reader at a time, over all workers and replicas: who holds the lease."""

    @abstractmethod
    async def claim(self, sink: str, holder: str, seconds: float) -> int | None:
        """Take the lease or keep it for so long: the number of the last event delivered; None while another has it.

        A sink that was never seen begins before the first event.
        """

    @abstractmethod
    async def advance(self, sink: str, holder: str, number: int) -> bool:
        """Everything up to `number` is delivered. False when the lease is another's by now."""

    @abstractmethod
    async def failed(self, sink: str, holder: str, error: str) -> None:
        """Remember why nothing was delivered, until something is."""

    @abstractmethod
    async def release(self, sink: str, holder: str) -> None: ...

    @abstractmethod
    async def health(self, sinks: Sequence[str]) -> Sequence[SinkHealth]: ...


class EventSink(ABC):
    """Somewhere events go. An event may come more than once and is then the same `message_id`; those of one session come in
    the order of their `number`. A sink waits for nobody: it is made without its server being there."""

    name: str

    async def emit(self, event: SessionEvent) -> None:
        await self.emit_batch([event])

    @abstractmethod
    async def emit_batch(self, events: Sequence[SessionEvent]) -> None:
        """Returns when all of them are safe where they shall go. Raises Unavailable when that is not known: then the same
        events come again. The error's text is shown to administrators and has no secret in it."""

    async def flush(self) -> None:
        """Nothing that was taken is only in memory any more."""

    async def close(self) -> None:
        """Let go of connections. May be called twice."""

    async def healthy(self) -> bool:
        """Whether the last attempt went well (a sink that was not used yet is)."""
        return True


class EventIngestionService:
    """Hands events to all sinks at once. The first sink is the one that must have them: when it says yes, so do we.

    A failure of another one is logged and nobody's concern here; it neither delays nor prevents the rest.
    """

    def __init__(self, store: EventSink, others: Sequence[EventSink] = ()) -> None:
        self._store = store
        self._others = others

    async def take(self, events: Sequence[SessionEvent]) -> None:
        """Returns when the events are stored (what was stored before is not stored twice). Raises Unavailable when not."""
        if not events:
            return
        async with asyncio.TaskGroup() as group:
            for sink in self._others:
                group.create_task(self._tell(sink, events), name=f"events to {sink.name}")
            mine = group.create_task(_outcome(self._store, events), name="events to the store")
        if (error := mine.result()) is not None:
            raise error

    async def _tell(self, sink: EventSink, events: Sequence[SessionEvent]) -> None:
        try:
            async with asyncio.timeout(SINK_SECONDS):
                await sink.emit_batch(events)
        except Exception as error:
            log.warning("event sink failed", extra={"sink": sink.name, "cause": type(error).__name__})


async def _outcome(sink: EventSink, events: Sequence[SessionEvent]) -> Exception | None:
    """Its failure as a value: raised inside a group it would end what the other sinks do."""
    try:
        await sink.emit_batch(events)
    except Exception as error:
        return error
    return None


class EventService:
    """Reads what is stored, and how sinks are."""

    def __init__(
        self, events: SessionEventRepository, cursors: EventCursors, store: EventSink, sinks: Sequence[EventSink]
    ) -> None:
        self.stored = events
        self._cursors = cursors
        self._store = store
        self._sinks = sinks

    async def sinks(self) -> Sequence[SinkHealth]:
        """The database first, then each sink that is configured."""
        own = SinkHealth(name=self._store.name, healthy=await self._store.healthy(), cursor=0, lag_events=0, lag_seconds=0.0)
        return [own, *await self._cursors.health([sink.name for sink in self._sinks])]


class NoSink(EventSink):
    """For a sink that is named but lacks what it needs: every attempt says so."""

    def __init__(self, name: str, why: str, hint: str) -> None:
        self.name = name
        self._why, self._hint = why, hint

    async def emit_batch(self, events: Sequence[SessionEvent]) -> None:  # noqa: ARG002 - all the same
        raise Unavailable(self._why, hint=self._hint)

    async def healthy(self) -> bool:
        return False
