"""/sessions/{id}/events: what happened in a session, told and asked for; /events: how what goes elsewhere gets there"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from volundr.api.deps import service
from volundr.api.lists import Asked, PageOut
from volundr.api.reach import Readable, session_for
from volundr.api.security import allowed
from volundr.api.strict import Json, Shown, Strict, Text
from volundr.domain.errors import Invalid
from volundr.domain.events import EventFilter, EventIngestionService, EventService, EventType, SessionEvent, event_id
from volundr.domain.identity import Principal
from volundr.domain.sessions.model import Session

of_session = APIRouter(prefix="/api/v1/sessions/{session_id}/events", tags=["Events"])
router = APIRouter(prefix="/api/v1/events", tags=["Events"])

BATCH_MOST = 500
BUCKETS_MOST = 1000
LONGEST_DATA = 16_384
DEEPEST = 20
_LARGEST = 2**53


def _kept(data: dict[str, Any]) -> dict[str, Any]:
    """What both databases can keep and show again."""
    if _depth(data) > DEEPEST:
        raise ValueError(f"is nested deeper than {DEEPEST}")
    text = json.dumps(data, allow_nan=False, ensure_ascii=False)
    if len(text.encode()) > LONGEST_DATA:
        raise ValueError(f"is longer than {LONGEST_DATA} bytes")
    return data


def _depth(value: object) -> int:
    level, deep = [value], 0
    while level and deep <= DEEPEST:
        deep += 1
        level = [one for part in level for one in _members(part)]
    return deep


def _members(value: object) -> Sequence[object]:
    match value:
        case dict():
            return list(value.values())
        case list():
            return value
        case _:
            return ()


Data = Annotated[Json, AfterValidator(_kept)]
Count = Annotated[int, Field(ge=0, le=_LARGEST)]
Store = Annotated[EventIngestionService, Depends(service(EventIngestionService))]
Events = Annotated[EventService, Depends(service(EventService))]


class EventFields(Strict):
    """What every event says, however it comes here."""

    at: AwareDatetime
    data: Data = Field(default_factory=dict, description="At most 16 KiB of JSON.", examples=[{"tool": "Bash", "ok": True}])
    tokens_in: Count | None = None
    tokens_out: Count | None = None
    cost: float | None = Field(default=None, ge=0, le=1e12, allow_inf_nan=False, description="US dollars; null: nobody knows.")
    duration_ms: Count | None = None
    model: Text = Field(default="", max_length=200)


class EventIn(EventFields):
    """One event. Told again it is stored once: by `id`, or without one by epoch, sequence and type."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"type": "tool_use", "sequence": 7, "at": "2026-01-01T12:00:00Z", "data": {"tool": "Bash"}, "duration_ms": 40}
            ]
        }
    )

    type: EventType
    sequence: Count = Field(description="Its place in the session; lists are in this order.")
    id: UUID | None = Field(default=None, description="A name of your own for it.")
    epoch: str = Field(default="", max_length=64, pattern=r"^[0-9A-Za-z_-]*$", description="Where sequences begin anew.")

    def event(self, session: Session) -> SessionEvent:
        known = event_id(session.id, self.epoch, self.sequence, self.type)
        given = {name: getattr(self, name) for name in type(self).model_fields if name != "id"}
        return SessionEvent(
            id=self.id or known, session_id=session.id, tenant_id=session.tenant_id, owner_id=session.owner_id, **given
        )


class BatchIn(Strict):
    """Stored together, or not at all."""

    events: list[EventIn] = Field(min_length=1, max_length=BATCH_MOST)


class EventOut(Shown):
    """An event as it is stored. `number` is its place among all events of the forge."""

    number: int
    id: UUID
    session_id: UUID
    epoch: str
    sequence: int
    type: EventType
    at: datetime
    data: dict[str, Any]
    tokens_in: int | None
    tokens_out: int | None
    cost: float | None
    duration_ms: int | None
    model: str


class EventPage(PageOut[EventOut]):
    """By sequence, unless `sort` says otherwise (`sequence`, `at`, `number`)."""


class StoredOut(BaseModel):
    events: list[EventOut] = Field(description="As they are stored, in their order; one that came before is as it was then.")


class CountsOut(BaseModel):
    """How many events of each type; types without any are left out."""

    counts: dict[str, int]
    total: int


class BucketOut(Shown):
    """A span's tokens. `cost` adds what is known and is null when nothing is."""

    start: datetime
    tokens_in: int
    tokens_out: int
    cost: float | None
    events: int


class TokensOut(BaseModel):
    bucket_seconds: int
    buckets: list[BucketOut] = Field(description="Oldest first; spans in which nothing was used are left out.")


class SinkOut(Shown):
    """How a sink is. `cursor` is the number of the last event it has; 100000 waiting events are counted at most."""

    name: str
    healthy: bool
    cursor: int
    lag_events: int
    lag_seconds: float
    error: str = Field(description="Why its newest failure happened; empty once something was delivered again.")
    error_at: datetime | None
    failing_since: datetime | None
    delivered_at: datetime | None


class SinksOut(BaseModel):
    """`database` first: it has every event before any other."""

    sinks: list[SinkOut]


Told = Annotated[Session, Depends(session_for("session.write", of_pods="session.report"))]
"""The session, for its own broker or for who may change it."""


async def _store(
    session: Session, given: Sequence[EventIn], store: EventIngestionService, events: EventService
) -> list[EventOut]:
    made = [one.event(session) for one in given]
    await store.take(made)
    found = {one.id: one for one in await events.stored.find(session.id, [one.id for one in made])}
    return [EventOut.model_validate(found[one.id]) for one in made if one.id in found]


@of_session.post("", status_code=201)
async def tell_event(session: Told, store: Store, events: Events, given: EventIn) -> EventOut:
    """Store an event. The answer comes when it is committed."""
    stored = await _store(session, [given], store, events)
    if not stored:
        raise Invalid("This event went with the events of a deleted session.")
    return stored[0]


@of_session.post("/batch", status_code=201)
async def tell_events(session: Told, store: Store, events: Events, given: BatchIn) -> StoredOut:
    """Store up to 500 events. The answer comes when all of them are committed."""
    return StoredOut(events=await _store(session, given.events, store, events))


def _chosen(
    type: Annotated[list[EventType] | None, Query(max_length=20)] = None,  # noqa: A002 - its name in the query
    after: Annotated[AwareDatetime | None, Query(description="Later than this.")] = None,
    before: Annotated[AwareDatetime | None, Query(description="Earlier than this.")] = None,
) -> EventFilter:
    return EventFilter(types=type or (), after=after, before=before)


Chosen = Annotated[EventFilter, Depends(_chosen)]


@of_session.get("")
async def list_events(session: Readable, events: Events, page: Asked, chosen: Chosen) -> EventPage:
    """The session's events."""
    found = await events.stored.list(session.id, chosen, page)
    return EventPage(items=[EventOut.model_validate(one) for one in found.items], next=found.next)


@of_session.get("/counts")
async def count_events(session: Readable, events: Events) -> CountsOut:
    """How many of each type."""
    counts = await events.stored.counts(session.id)
    return CountsOut(counts={kind.value: many for kind, many in counts.items()}, total=sum(counts.values()))


@of_session.get("/tokens")
async def token_timeline(
    session: Readable,
    events: Events,
    bucket_seconds: Annotated[int, Query(ge=60, le=86_400)] = 300,
    after: Annotated[AwareDatetime | None, Query()] = None,
    before: Annotated[AwareDatetime | None, Query()] = None,
) -> TokensOut:
    """Tokens and cost over time: the newest 1000 spans with any."""
    chosen = EventFilter(after=after, before=before)
    found = await events.stored.tokens(session.id, bucket_seconds, chosen, BUCKETS_MOST)
    return TokensOut(bucket_seconds=bucket_seconds, buckets=[BucketOut.model_validate(one) for one in found])


@router.get("/sinks")
async def list_sinks(events: Events, _: Annotated[Principal, Depends(allowed("system.metrics"))]) -> SinksOut:
    """Where events go, how far each sink is and why one that is behind is."""
    return SinksOut(sinks=[SinkOut.model_validate(one) for one in await events.sinks()])
