"""/stream: what happens to sessions, as Server-Sent Events."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header
from starlette.responses import StreamingResponse

from volundr.api.deps import service
from volundr.api.security import allowed
from volundr.api.sessions import show
from volundr.domain.identity import Principal
from volundr.domain.sessions.ports import Event, EventBroadcaster

HEARTBEAT_SECONDS = 15.0

router = APIRouter(prefix="/api/v1/stream", tags=["Stream"])


@router.get("", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
async def stream(
    who: Annotated[Principal, Depends(allowed("session.read"))],
    events: Annotated[EventBroadcaster, Depends(service(EventBroadcaster))],
    last_event_id: Annotated[str, Header()] = "",
) -> StreamingResponse:
    """`session` (as GET shows it), `session_deleted` and `resync` (load the list anew) of your own sessions.

    Events have ids; a client that comes back with `Last-Event-ID` gets what it missed. A comment every 15 s is the heartbeat.
    """
    headers = {"cache-control": "no-cache", "x-accel-buffering": "no"}
    return StreamingResponse(_lines(who, events, last_event_id), media_type="text/event-stream", headers=headers)


async def _lines(who: Principal, events: EventBroadcaster, after: str) -> AsyncIterator[bytes]:
    yield b"retry: 1000\n: hello\n\n"
    watching = aiter(events.watch(after))
    coming = asyncio.ensure_future(anext(watching))  # noqa: TID251 - owned and cancelled right here
    try:
        while True:
            done, _ = await asyncio.wait({coming}, timeout=HEARTBEAT_SECONDS)
            if not done:
                yield b": still here\n\n"
                continue
            event_id, event = coming.result()
            coming = asyncio.ensure_future(anext(watching))  # noqa: TID251
            if event is None or _concerns(who, event):
                yield write(event_id, event)
    finally:
        coming.cancel()


def _concerns(who: Principal, event: Event) -> bool:
    return event.owner_id == who.user_id and event.tenant_id == who.tenant_id


def write(event_id: str, event: Event | None) -> bytes:
    """One event in the wire's form; None is `resync`."""
    name, data = ("resync", {}) if event is None else (event.type, show(event.session) if event.session else dict(event.data))
    return f"id: {event_id}\nevent: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()
