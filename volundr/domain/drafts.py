"""Ends the drafts of sessions that stopped, and tells the story of those whose pod died without a word."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from volundr.domain.chronicles import Chronicle, ChronicleRepository, DraftRepository, Telling
from volundr.domain.errors import Unavailable
from volundr.domain.events import EventFilter, EventType, SessionEvent, SessionEventRepository
from volundr.domain.paging import PageRequest
from volundr.domain.reported import BY_AGENT, OF_FILE, OF_KIND
from volundr.domain.sessions.model import Session, Status
from volundr.domain.sessions.ports import EventBroadcaster, SessionRepository
from volundr.domain.timeline import Action, FileChange, Kind, Moment, TimelineRepository, made, touched

log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0
BATCH = 100
MOMENTS_MOST = 2000
EVENTS_MOST = 200
LONGEST_SAID = 1200
CHANGES_MOST = 250
_DOWN = frozenset({Status.STOPPED, Status.FAILED, Status.ARCHIVED})
_ACTIONS: Mapping[EventType, Action] = {kind: action for action, kind in OF_FILE.items()}
_KINDS = {
    EventType.MESSAGE_USER: Kind.MESSAGE,
    EventType.MESSAGE_ASSISTANT: Kind.MESSAGE,
    **dict.fromkeys(_ACTIONS, Kind.FILE),
    **{OF_KIND[kind]: kind for kind in (Kind.COMMIT, Kind.ERROR)},
}


class DraftKeeper:
    """Looks when a session stops, and now and then at all: several of them on one database do each thing once."""

    def __init__(
        self,
        sessions: SessionRepository,
        broadcaster: EventBroadcaster,
        chronicles: ChronicleRepository,
        drafts: DraftRepository,
        told: "Told",
    ) -> None:
        self._sessions = sessions
        self._broadcaster = broadcaster
        self._chronicles = chronicles
        self._drafts = drafts
        self._told = told

    async def listen(self) -> None:
        """Own this task: completes a chronicle as soon as its session is down."""
        async for _, event in self._broadcaster.watch():
            try:
                if event is None or event.type == "session_deleted":
                    await self.sweep()
                elif event.session is not None and event.session.status in _DOWN:
                    await self.look(event.session)
            except (Unavailable, TimeoutError) as error:
                log.warning("chronicle not completed", extra={"cause": str(error)})

    async def run(self) -> None:
        """Own this task: completes what was missed, because nobody ran then or a report came late."""
        while True:
            try:
                await self.sweep()
            except (Unavailable, TimeoutError) as error:
                log.warning("chronicles not completed", extra={"cause": str(error)})
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self, session: Session) -> None:
        """Complete its chronicle. One that was never begun is, if the session did anything."""
        known = await self._chronicles.get(session.id)
        if known is None and session.activity.messages:
            known = await self._chronicles.tell(session, None)
        if known is not None and known.status == "draft":
            await self._complete(known, session)

    async def sweep(self) -> int:
        """Complete all that may be; returns how many were."""
        done = 0
        while found := await self._drafts.resting(BATCH):
            ended = sum([await self._complete(one, await self._session(one)) for one in found])
            done += ended
            if ended == 0 or len(found) < BATCH:
                break
        return done

    async def _session(self, chronicle: Chronicle) -> Session | None:
        return None if chronicle.session_id is None else await self._sessions.get(chronicle.session_id)

    async def _complete(self, chronicle: Chronicle, session: Session | None) -> bool:
        telling = None if chronicle.epoch else await self._told.of(chronicle.origin, session)
        return await self._drafts.complete(chronicle.id, telling)


class Told:
    """What can be told of a session from what is stored of it, when its broker never told it."""

    def __init__(self, timeline: TimelineRepository, events: SessionEventRepository) -> None:
        self._timeline = timeline
        self._events = events

    async def of(self, session_id: UUID, session: Session | None) -> Telling | None:
        """From its timeline, else from its events; None when there is nothing."""
        moments = await self._moments(session_id)
        error = session.error if session is not None and session.status is Status.FAILED else ""
        return story(moments, error) if moments or error else None

    async def _moments(self, session_id: UUID) -> Sequence[Moment]:
        moments = await self._timeline.newest(session_id, (), MOMENTS_MOST)
        if moments:
            first = (await self._timeline.list(session_id, (Kind.MESSAGE,), "", 1)).items
            return [*(one for one in first if one not in moments), *moments]
        request = PageRequest(limit=EVENTS_MOST)
        first_ones = (await self._events.list(session_id, EventFilter(types=tuple(_KINDS)), request)).items
        request = PageRequest(limit=EVENTS_MOST, sort="-sequence")
        last = (await self._events.list(session_id, EventFilter(types=tuple(_KINDS)), request)).items
        every = {event.number: event for event in (*first_ones, *last)}
        return [moment_of(every[number]) for number in sorted(every)]


def moment_of(event: SessionEvent) -> Moment:
    """The line of a timeline that an event of one of these kinds would be."""
    data = {name: value for name, value in event.data.items() if isinstance(value, str)}
    path = next((data[name] for name in ("path", "file", "file_path") if data.get(name)), "")
    action = _ACTIONS.get(event.type)
    text = next((data[name] for name in ("text", "content", "message", "title", "error") if data.get(name)), path)
    return Moment(
        epoch=event.epoch,
        seq=event.sequence,
        at=event.at,
        kind=_KINDS[event.type],
        title=" ".join(text.split())[:500],
        detail=BY_AGENT if event.type is EventType.MESSAGE_ASSISTANT else "",
        files=(FileChange(path=path[:1000], action=action),) if action is not None and path else (),
        commit_hash=next((data[name] for name in ("hash", "commit", "sha") if data.get(name)), "")[:64],
    )


def story(moments: Sequence[Moment], error: str) -> Telling:
    """What these lines, oldest first, tell. `error` is how the session failed."""
    messages = [one for one in moments if one.kind is Kind.MESSAGE]
    asked = next((one.title for one in messages if one.detail != BY_AGENT), "")
    said = next((one.title for one in reversed(messages) if one.detail == BY_AGENT), "")
    last = moments[-1] if moments else None
    failed = [last.title] if last is not None and last.kind is Kind.ERROR else []
    unfinished = [*failed, *([f"The session failed: {error[:LONGEST_SAID]}"] if error else [])]
    if messages and messages[-1].detail != BY_AGENT and not unfinished:
        unfinished = ["The session ended before the agent had answered."]
    return Telling(
        epoch=(last.epoch if last is not None else "") or "forge",
        seq=last.seq if last is not None else 0,
        summary="\n\n".join(text for text in (asked, said) if text),
        key_changes=_changes(moments),
        unfinished_work=tuple(unfinished),
        messages=len(messages),
        duration_seconds=_lasted(moments),
    )


def _changes(moments: Sequence[Moment]) -> tuple[str, ...]:
    commits = [f"Commit {one.hash[:12]} {one.message}".rstrip() for one in made(moments)][::-1]
    files = sorted(touched(moments), key=lambda one: (-one.changes, one.path))
    shown = [f"{one.path} ({one.changes} changes)" if one.changes > 1 else one.path for one in files]
    return tuple([*commits, *shown][:CHANGES_MOST])


def _lasted(moments: Iterable[Moment]) -> float:
    times = [one.at.astimezone(UTC) for one in moments]
    return (max(times, default=datetime.now(UTC)) - min(times, default=datetime.now(UTC))).total_seconds() if times else 0.0
