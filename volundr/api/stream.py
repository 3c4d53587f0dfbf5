"""/stream: what happens to sessions, as Server-Sent Events."""

import asyncio
import json
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Depends, Header
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from volundr.api.deps import service
from volundr.api.security import WhoseRows, allowed
from volundr.api.sessions import show
from volundr.domain.identity import Principal, Whose
from volundr.domain.sessions.ports import Event, EventBroadcaster

HEARTBEAT_SECONDS = 15.0
WAITING_MOST = 256
"""Events written but not yet sent to one client. Beyond it the client's place in the broadcaster waits, at no cost."""

router = APIRouter(prefix="/api/v1/stream", tags=["Stream"])


@router.get("", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
async def stream(
    _: Annotated[Principal, Depends(allowed("session.read"))],
    rows: WhoseRows,
    events: Annotated[EventBroadcaster, Depends(service(EventBroadcaster))],
    last_event_id: Annotated[str, Header()] = "",
) -> Response:
    """`session` (as GET shows it), `session_deleted` and `resync` (load the list anew) of your sessions (or all of the tenant).

    Events have ids; a client that comes back with `Last-Event-ID` gets what it missed. A comment every 15 s is the heartbeat.
    """
    return EventStream(rows, events, last_event_id)


class EventStream(Response):
    """What happened while the client was slow, or in the same moment, leaves in one piece."""

    media_type = "text/event-stream"

    def __init__(self, rows: Whose, events: EventBroadcaster, after: str, heartbeat: float = HEARTBEAT_SECONDS) -> None:
        super().__init__(headers={"cache-control": "no-cache", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._rows = rows
        self._events = events
        self._after = after
        self._heartbeat = heartbeat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's own
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        waiting: asyncio.Queue[bytes] = asyncio.Queue(WAITING_MOST)
        waiting.put_nowait(b"retry: 1000\n: hello\n\n")
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._read(waiting), name="watch for a client"),
                group.create_task(self._write(waiting, send), name="send to a client"),
            ]
            while (await receive())["type"] != "http.disconnect":
                pass
            for task in tasks:
                task.cancel()

    async def _read(self, into: asyncio.Queue[bytes]) -> None:
        async for event_id, event in self._events.watch(self._after):
            if event is None or _concerns(self._rows, event):
                await into.put(write(event_id, event))

    async def _write(self, waiting: asyncio.Queue[bytes], send: Send) -> None:
        with suppress(OSError):  # the client went away: `receive` says so too
            while True:
                body = await _next(waiting, self._heartbeat)
                await send({"type": "http.response.body", "body": body, "more_body": True})


async def _next(waiting: asyncio.Queue[bytes], heartbeat: float) -> bytes:
    try:
        async with asyncio.timeout(heartbeat):
            pieces = [await waiting.get()]
    except TimeoutError:
        return b": still here\n\n"
    while not waiting.empty():
        pieces.append(waiting.get_nowait())
    return b"".join(pieces)


def _concerns(rows: Whose, event: Event) -> bool:
    return event.tenant_id == rows.tenant_id and rows.owner_id in {None, event.owner_id}


def write(event_id: str, event: Event | None) -> bytes:
    """One event in the wire's form; None is `resync`."""
    if event is None:
        name, data = "resync", b"{}"
    else:
        name = event.type
        data = show(event.session) if event.session else json.dumps(dict(event.data), separators=(",", ":")).encode()
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (event_id.encode(), name.encode(), data)
