"""What a broker reports of a session, as events of it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from volundr.domain.events import EventType, SessionEvent, event_id
from volundr.domain.sessions.model import Session
from volundr.domain.timeline import Action, FileChange, Kind, Moment
from volundr.domain.tokens import TokenUse

BY_AGENT = "agent"
"""What a message's `detail` says when the agent wrote it."""
OF_FILE: Mapping[Action, EventType] = {
    "created": EventType.FILE_CREATED,
    "modified": EventType.FILE_MODIFIED,
    "deleted": EventType.FILE_DELETED,
}
OF_KIND: Mapping[Kind, EventType] = {
    Kind.COMMIT: EventType.GIT_COMMIT,
    Kind.COMMAND: EventType.TERMINAL_COMMAND,
    Kind.PERMISSION: EventType.PERMISSION,
    Kind.ERROR: EventType.ERROR,
}


def events_of(session: Session, uses: Sequence[TokenUse], moments: Sequence[Moment]) -> Sequence[SessionEvent]:
    """In the order of the session's log. The same report again makes the same events: their ids come from their places."""
    told = [_used(session, use) for use in uses] + [event for moment in moments for event in _told(session, moment)]
    return sorted(told, key=lambda event: (event.epoch, event.sequence))


def _used(session: Session, use: TokenUse) -> SessionEvent:
    """`tokens_in` is all that went into the model, from a cache or not; `data` has them apart."""
    return SessionEvent(
        id=event_id(session.id, use.epoch, use.seq, f"token_usage {use.model}"),
        session_id=session.id,
        tenant_id=session.tenant_id,
        owner_id=session.owner_id,
        epoch=use.epoch,
        sequence=use.seq,
        type=EventType.TOKEN_USAGE,
        at=use.at,
        data={
            "turn": use.turn,
            "input": use.input,
            "cache_read": use.cache_read,
            "cache_write": use.cache_write,
            "priced_by": use.priced_by,
        },
        tokens_in=use.input + use.cache_read + use.cache_write,
        tokens_out=use.output,
        cost=use.cost_usd,
        model=use.model,
    )


def _told(session: Session, moment: Moment) -> Iterator[SessionEvent]:
    if moment.kind is Kind.FILE:
        for change in moment.files:
            yield _event(session, moment, OF_FILE[change.action], _of_file(change), change.path)
    elif moment.kind is Kind.MESSAGE:
        kind = EventType.MESSAGE_ASSISTANT if moment.detail == BY_AGENT else EventType.MESSAGE_USER
        yield _event(session, moment, kind, {"text": moment.title})
    elif moment.kind is Kind.COMMIT:
        yield _event(session, moment, OF_KIND[moment.kind], {"message": moment.title, "hash": moment.commit_hash})
    else:
        yield _event(session, moment, OF_KIND[moment.kind], {"title": moment.title, "detail": moment.detail})


def _of_file(change: FileChange) -> dict[str, Any]:
    return {"path": change.path, "insertions": change.insertions, "deletions": change.deletions}


def _event(session: Session, moment: Moment, kind: EventType, data: dict[str, Any], what: str = "") -> SessionEvent:
    return SessionEvent(
        id=event_id(session.id, moment.epoch, moment.seq, f"{kind} {what}".rstrip()),
        session_id=session.id,
        tenant_id=session.tenant_id,
        owner_id=session.owner_id,
        epoch=moment.epoch,
        sequence=moment.seq,
        type=kind,
        at=moment.at,
        data=data,
    )
