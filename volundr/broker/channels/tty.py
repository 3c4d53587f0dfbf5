"""The socket of a terminal, `/s/{id}/ws/terminal/{terminal}`: ttyd's protocol, after a ticket."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from starlette.websockets import WebSocket, WebSocketDisconnect

from volundr.broker.broker import Broker
from volundr.broker.channels.admission import Admission
from volundr.broker.channels.websocket import FAULT, NO_ATTACH, NO_SESSION, REFUSED, TICKET
from volundr.broker.service_manager import ServiceManager
from volundr.broker.terminal.protocol import PROTOCOL, Flow, Greeting, Input, Resize, greeting, parse
from volundr.domain.errors import Forbidden, Invalid, NotFound

if TYPE_CHECKING:
    from volundr.broker.terminal.terminal import Terminal
    from volundr.broker.terminal.viewer import Viewer

GREETING_SECONDS = 10.0
TYPING_SECONDS = 30.0
"""How long input may wait for a program that reads none, such as a stopped one."""
STALLED_SECONDS = 60.0


class _Over(Exception):
    """This socket ends, by our doing."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


async def tty(websocket: WebSocket) -> None:
    """One viewer from its greeting to its end. Close codes are those of the chat, and 1000 or 4001 when the program ended."""
    offered = websocket.scope.get("subprotocols", [])
    await websocket.accept(subprotocol=PROTOCOL if PROTOCOL in offered else None)
    try:
        if PROTOCOL not in offered:
            raise _Over(NO_ATTACH, "This socket speaks the subprotocol tty.")
        said = await _greeting(websocket)
        ticket = next((one.removeprefix(TICKET) for one in offered if one.startswith(TICKET)), said.token)
        terminal = _enter(websocket, ticket)
        await _serve(websocket, terminal, said)
    except _Over as over:
        with suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
            async with asyncio.timeout(GREETING_SECONDS):
                await websocket.close(over.code, over.reason[:100])
    except WebSocketDisconnect:
        pass


async def _greeting(websocket: WebSocket) -> Greeting:
    try:
        async with asyncio.timeout(GREETING_SECONDS):
            return greeting(await _next(websocket))
    except TimeoutError:
        raise _Over(NO_ATTACH, "No first frame came.") from None
    except Invalid as error:
        raise _Over(NO_ATTACH, str(error)) from None


def _enter(websocket: WebSocket, ticket: str) -> "Terminal":
    manager: ServiceManager = websocket.app.state.manager
    admission: Admission = websocket.app.state.admission
    name = websocket.path_params["session_id"]
    try:
        broker: Broker = manager.find(name)
        admission.admit(broker.spec.secret, name, ticket)
        return broker.terminals.find(websocket.path_params["terminal_id"])
    except NotFound as error:
        raise _Over(NO_SESSION, str(error)) from None
    except Forbidden as error:
        raise _Over(REFUSED, str(error)) from None


async def _serve(websocket: WebSocket, terminal: "Terminal", said: Greeting) -> None:
    viewer = terminal.attach(said.size, read_only=websocket.query_params.get("view") == "1")
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_send(websocket, viewer), name=f"send terminal {terminal.id}")
            group.create_task(_receive(websocket, terminal, viewer), name=f"read viewer of terminal {terminal.id}")
    except* (WebSocketDisconnect, _Over) as errors:
        ours = [error for error in errors.exceptions if isinstance(error, _Over)]
        if ours:
            raise ours[0] from None
    finally:
        terminal.leave(viewer)


async def _send(websocket: WebSocket, viewer: "Viewer") -> None:
    while frames := await viewer.frames():
        for frame in frames:
            try:
                async with asyncio.timeout(STALLED_SECONDS):
                    await websocket.send_bytes(frame)
            except TimeoutError:
                raise _Over(FAULT, "This client does not read.") from None
    closing = viewer.closing
    raise _Over(closing.code if closing else FAULT, closing.reason if closing else "")


async def _receive(websocket: WebSocket, terminal: "Terminal", viewer: "Viewer") -> None:
    while True:
        frame = await _next(websocket)
        try:
            wanted = parse(frame)
        except Invalid:
            continue  # as ttyd does: a terminal has no place to say what was wrong
        match wanted:
            case Input(data=data):
                await _type(terminal, viewer, data)
            case Resize(size=size):
                terminal.resize(viewer, size)
            case Flow(paused=paused):
                viewer.pause(on=paused)
            case None:
                pass


async def _type(terminal: "Terminal", viewer: "Viewer", data: bytes) -> None:
    try:
        async with asyncio.timeout(TYPING_SECONDS):
            await terminal.type(viewer, data)
    except TimeoutError:
        raise _Over(FAULT, "The program does not read its input.") from None


async def _next(websocket: WebSocket) -> str | bytes:
    """The next frame of either kind. Raises WebSocketDisconnect at the end."""
    message = await websocket.receive()
    if message["type"] != "websocket.receive":
        raise WebSocketDisconnect(message.get("code", FAULT))
    text: str | None = message.get("text")
    data: bytes | None = message.get("bytes")
    return text if text is not None else data or b""
