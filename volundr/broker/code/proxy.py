"""`/s/{id}/code/…`: the session's code-server, behind the ticket of the session."""

import asyncio
import logging
from contextlib import suppress

import websockets
from starlette.requests import Request
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, unix_connect

from volundr.broker import problem
from volundr.broker.code.server import CodeServer
from volundr.broker.routes.entry import admit
from volundr.domain.errors import NotFound, VolundrError
from volundr.relay import Broken, Exchange, Headers, end_to_end, exchange

log = logging.getLogger(__name__)

FRAME_BYTES = 64 * 1024 * 1024
NO_SUCH, REFUSED, FAULT = 4404, 4401, 1011
OPEN_SECONDS = 10.0
_NOT_PASSED_ON = frozenset({b"authorization", b"cookie", b"accept-encoding"})
_POLICY = (b"content-security-policy", b"frame-ancestors 'self'")
"""For what has no policy of its own: scripts and workers of the editor must be allowed to do their work."""


class CodeProxy:
    """An ASGI app, HTTP and WebSocket, to be mounted at `/s/{session_id}/code`."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await _socket(WebSocket(scope, receive, send))
        elif scope["type"] == "http":
            await _request(Request(scope, receive), send)


async def _request(request: Request, send: Send) -> None:
    try:
        server = _server(request.scope, request.headers.get("authorization", ""))
        async with server.used() as socket, exchange(str(socket), to_head=request.method == "HEAD") as talk:
            await talk.begin(request.method, _target(request.scope), _asked(request.scope["headers"]))
            async with asyncio.TaskGroup() as group:
                asking = group.create_task(_ask(talk, request), name="editor request")
                await _answer(talk, send)
                asking.cancel()
    except* VolundrError as errors:
        refused = problem.answer(next(one for one in _leaves(errors) if isinstance(one, VolundrError)))
        await refused(request.scope, request.receive, send)
    except* (Broken, TimeoutError) as errors:
        log.info("editor request failed", extra={"cause": repr(errors.exceptions[0])})


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    return [leaf for one in group.exceptions for leaf in (_leaves(one) if isinstance(one, BaseExceptionGroup) else [one])]


def _server(scope: Scope, authorization: str) -> CodeServer:
    return admit(scope["app"].state, scope["path_params"]["session_id"], authorization).code


def _target(scope: Scope) -> bytes:
    """The path below `/code`, as it was written."""
    raw: bytes = scope["raw_path"]
    path = raw.partition(b"/code")[2] or b"/"
    return path + (b"?" + scope["query_string"] if scope["query_string"] else b"")


def _asked(headers: Headers) -> Headers:
    return [header for header in headers if header[0] not in _NOT_PASSED_ON]


async def _ask(talk: Exchange, request: Request) -> None:
    async for piece in request.stream():
        await talk.send(piece, more=True)
    await talk.send(b"", more=False)


async def _answer(talk: Exchange, send: Send) -> None:
    head = await talk.head()
    headers = [header for header in end_to_end(head.headers) if header[0] != b"set-cookie"]
    if not any(name == _POLICY[0] for name, _ in headers):
        headers.append(_POLICY)
    await send({"type": "http.response.start", "status": head.status, "headers": headers})
    async for piece in talk.body():
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _socket(browser: WebSocket) -> None:
    try:
        server = _server(browser.scope, browser.headers.get("authorization", ""))
        async with server.used() as socket:
            origin = browser.headers.get("origin", "")
            host = browser.headers.get("host", "localhost")
            uri = f"ws://{host}{_target(browser.scope).decode('latin-1')}"
            headers = {"Origin": origin} if origin else {}
            async with unix_connect(
                str(socket), uri, additional_headers=headers, max_size=FRAME_BYTES, open_timeout=OPEN_SECONDS, ping_interval=None
            ) as editor:
                await browser.accept()
                await _join(browser, editor)
    except VolundrError as error:
        await browser.accept()
        await _close(browser, NO_SUCH if isinstance(error, NotFound) else REFUSED, str(error)[:100])
    except (OSError, websockets.WebSocketException, TimeoutError) as error:
        log.info("editor socket failed", extra={"cause": repr(error)})
        await _close(browser, FAULT, "The editor does not answer.")


async def _join(browser: WebSocket, editor: ClientConnection) -> None:
    """Both ways, until one side ends."""
    async with asyncio.TaskGroup() as group:
        up = group.create_task(_up(browser, editor), name="to the editor")
        down = group.create_task(_down(browser, editor), name="from the editor")
        await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        down.cancel()


async def _up(browser: WebSocket, editor: ClientConnection) -> None:
    while (message := await browser.receive())["type"] == "websocket.receive":
        try:
            await editor.send(message["text"] if message.get("text") is not None else message["bytes"])
        except websockets.ConnectionClosed:
            return


async def _down(browser: WebSocket, editor: ClientConnection) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):
        async for message in editor:
            if isinstance(message, str):
                await browser.send_text(message)
            else:
                await browser.send_bytes(message)
        await _close(browser, editor.close_code or FAULT, editor.close_reason or "")


async def _close(browser: WebSocket, code: int, reason: str) -> None:
    with suppress(RuntimeError, WebSocketDisconnect):
        await browser.close(code if code not in (1005, 1006) else 1000, reason)
