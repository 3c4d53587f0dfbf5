"""The chat socket of a session, `/s/{id}/ws/chat`."""

import asyncio
import logging
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from volundr.broker.broker import Broker
from volundr.broker.channels.admission import Admission
from volundr.broker.codec import encode, parse
from volundr.broker.frames import KEEP_ALIVE_SECONDS, Attach, Rejected
from volundr.broker.service_manager import ServiceManager
from volundr.broker.stream import Client
from volundr.domain.errors import Forbidden, Invalid, NotFound, Unavailable

log = logging.getLogger(__name__)

PROTOCOL = "volundr.chat.v1"
TICKET = "volundr.ticket."
FRAME_BYTES = 16 * 1024 * 1024
ATTACH_SECONDS = 10.0
STALLED_SECONDS = 60.0
REFUSED, NO_SESSION, NO_ATTACH, TOO_BIG, FAULT = 4401, 4404, 4400, 1009, 1011


class _Over(Exception):
    """This socket ends, by our doing."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


async def chat(websocket: WebSocket) -> None:
    """One client from its first frame to its last. Why it was turned away is said in the close code: scripts see no other."""
    offered = websocket.scope.get("subprotocols", [])
    await websocket.accept(subprotocol=PROTOCOL if PROTOCOL in offered else None)
    try:
        broker, by = _enter(websocket, offered)
        attach = await _attach(websocket)
        await _serve(websocket, broker, attach, by)
    except _Over as over:
        await _close(websocket, over.code, over.reason)
    except WebSocketDisconnect:
        pass
    except Unavailable as error:
        await _close(websocket, FAULT, str(error)[:100])


def _enter(websocket: WebSocket, offered: list[str]) -> tuple[Broker, str]:
    manager: ServiceManager = websocket.app.state.manager
    admission: Admission = websocket.app.state.admission
    name = websocket.path_params["session_id"]
    ticket = next((one.removeprefix(TICKET) for one in offered if one.startswith(TICKET)), "")
    try:
        broker = manager.find(name)
        return broker, admission.admit(broker.spec.secret, name, ticket).subject
    except NotFound as error:
        raise _Over(NO_SESSION, str(error)) from None
    except Forbidden as error:
        raise _Over(REFUSED, str(error)) from None


async def _attach(websocket: WebSocket) -> Attach:
    try:
        async with asyncio.timeout(ATTACH_SECONDS):
            frame = parse(await _next(websocket))
    except TimeoutError:
        raise _Over(NO_ATTACH, "No attach frame came.") from None
    except Invalid as error:
        await websocket.send_text(encode(Rejected(id="", error=str(error))).decode())
        raise _Over(NO_ATTACH, "The first frame was no attach.") from None
    if not isinstance(frame, Attach):
        raise _Over(NO_ATTACH, "The first frame was no attach.")
    return frame


async def _serve(websocket: WebSocket, broker: Broker, attach: Attach, by: str) -> None:
    client = broker.attach(attach)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_send(websocket, client), name=f"send to client of {broker.spec.session_id}")
            group.create_task(_receive(websocket, broker, client, by), name=f"read client of {broker.spec.session_id}")
    except* (WebSocketDisconnect, _Over, Unavailable) as errors:
        ours = [error for error in errors.exceptions if isinstance(error, _Over)]
        away = [error for error in errors.exceptions if isinstance(error, Unavailable)]
        if ours or away:
            raise (ours or away)[0] from None
    finally:
        client.leave()


async def _send(websocket: WebSocket, client: Client) -> None:
    while (message := await client.message(KEEP_ALIVE_SECONDS)) is not None:
        try:
            async with asyncio.timeout(STALLED_SECONDS):
                await websocket.send({"type": "websocket.send", "text": message.decode()})
        except TimeoutError:
            raise _Over(FAULT, "This client does not read.") from None
    raise _Over(*client.closing or (FAULT, ""))


async def _receive(websocket: WebSocket, broker: Broker, client: Client, by: str) -> None:
    while True:
        try:
            frame = parse(await _next(websocket))
        except Invalid as error:
            client.tell(Rejected(id="", error=str(error)))
        else:
            if isinstance(frame, Attach):
                client.tell(Rejected(id="", error="This socket is attached already."))
            else:
                broker.say(frame, by, client.tell)
        await client.room()


async def _next(websocket: WebSocket) -> str:
    """The next text. Raises WebSocketDisconnect at the end, Invalid for bytes."""
    message = await websocket.receive()
    if message["type"] != "websocket.receive":
        raise WebSocketDisconnect(message.get("code", FAULT))
    text: str | None = message.get("text")
    if text is None:
        raise Invalid("This frame cannot be read: it is binary.")
    # Characters first: counting bytes costs a copy, and most frames are short.
    if len(text) > FRAME_BYTES or (len(text) * 4 > FRAME_BYTES and len(text.encode(errors="replace")) > FRAME_BYTES):
        raise _Over(TOO_BIG, "A frame may have 16 MiB at most.")
    return text


async def _close(websocket: WebSocket, code: int, reason: str) -> None:
    with suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
        async with asyncio.timeout(ATTACH_SECONDS):
            await websocket.close(code, reason)
