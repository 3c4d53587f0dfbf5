"""The door to a session: `/s/{id}/…` leads to that session's Skuld and nowhere else."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import time
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from starlette.types import Message, Receive, Scope, Send

from volundr.api.security import (
    UNAUTHENTICATED,
    Headers,
    Refusal,
    Site,
    check_host,
    check_origin,
    credentials,
    refuse,
    unavailable,
)
from volundr.domain import tickets
from volundr.domain.errors import NotFound, Unavailable
from volundr.domain.gateway import GatewayPort
from volundr.domain.identity import AuthorizationPort, IdentityPort, Principal
from volundr.domain.sessions.model import Session, of_session
from volundr.domain.upstream import Upstream
from volundr.local.splice import AWAY, BrowserSide, Pass, Refused, ServerState
from volundr.process import Tasks
from volundr.relay import Broken, Exchange, end_to_end, exchange

log = logging.getLogger(__name__)

ACTION = "session.connect"
_ROOM = re.compile(rb"/s/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})((?:/[^?#]*)?)(\?[^#]*)?")
_NOT_PASSED_ON = frozenset({b"cookie", b"authorization", b"expect"})
_NOT_PASSED_BACK = frozenset({b"set-cookie", b"service-worker-allowed", b"clear-site-data", b"server", b"date"})
_SANDBOX = (b"content-security-policy", b"sandbox; default-src 'none'; frame-ancestors 'none'")
"""What a session serves has our origin, and an agent may have written it: without a policy of its own it may do nothing."""

UNKNOWN = Refusal(status=404, detail="There is no such session, or it does not run.")
NO_PATH = Refusal(
    status=404, detail="This path leads to no session: it has to be /s/<session id>/… without `.`, `..` or empty parts."
)
NOT_YOURS = Refusal(status=403, detail="You may not open this session.")


class LocalGateway(GatewayPort):
    """Sessions of process pods: `find` knows the socket of a session's Skuld, or None when the session does not run."""

    def __init__(self, find: Callable[[Session], Upstream | None]) -> None:
        self._find = find

    def path(self, session: Session) -> str:
        return f"/s/{session.id}"

    async def upstream(self, session: Session) -> Upstream | None:
        return self._find(session)


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """All that both ways in (sockets and requests) have to ask. `secret` is the session secret of an id, `session` finds it."""

    site: Site
    identity: IdentityPort
    authorization: AuthorizationPort
    gateway: GatewayPort
    secret: Callable[[UUID], str]
    session: Callable[[UUID], Awaitable[Session]]

    async def enter(self, target: bytes, who: Principal | None) -> tuple[UUID, Upstream]:
        """Where this request target leads for this caller. Raises Refused."""
        session_id = session_of(target)
        if session_id is None:
            raise Refused(NO_PATH)
        if who is None:
            raise Refused(UNAUTHENTICATED)
        try:
            session = await self.session(session_id)
            if who.suspended or not await self.authorization.allows(who, ACTION, of_session(session)):
                raise Refused(NOT_YOURS)
            upstream = await self.gateway.upstream(session)
        except NotFound:
            upstream = None
        except Unavailable as error:
            raise Refused(unavailable(error)) from error
        if upstream is None:
            raise Refused(UNKNOWN)
        return session_id, upstream


def session_of(target: bytes) -> UUID | None:
    """The session that a request target names; None if it names none or could be read in a second way."""
    match = _ROOM.fullmatch(target)
    if match is None:
        return None
    parts = unquote(match[2].decode("latin-1"), "latin-1").split("/")[1:]
    if any(part in {".", ".."} or "\\" in part or "\0" in part for part in parts) or "" in parts[:-1]:
        return None
    return UUID(match[1].decode())


def gateway_socket(door: Door, tasks: Tasks) -> type[asyncio.Protocol]:
    """The class to give uvicorn as `ws=`. `tasks` keeps the handshakes that are under way."""

    class GatewaySocket(BrowserSide):
        """Made by uvicorn for every request that wants to become a WebSocket."""

        def __init__(self, config: object, server_state: ServerState, app_state: dict[str, Any]) -> None:  # noqa: ARG002
            super().__init__(server_state, tasks, lambda head: decide(door, head))

    return GatewaySocket


async def decide(door: Door, head: bytes) -> Pass:
    """Where a socket that was opened with this head goes, and the head to open it with there. Raises Refused."""
    request_line, *lines = head.split(b"\r\n\r\n", 1)[0].split(b"\r\n")
    headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
    method, _, rest = request_line.partition(b" ")
    target = rest.rpartition(b" ")[0]
    shown = credentials(headers, target.decode("latin-1"))
    by_cookie = shown is not None and shown.kind == "cookie"
    refusal = check_host(headers, door.site) or check_origin(headers, door.site, needed=by_cookie)
    if refusal is None and (method != b"GET" or any(name in {b"content-length", b"transfer-encoding"} for name, _ in headers)):
        refusal = Refusal(status=400, detail="A WebSocket begins with a GET request that has no body.")
    if refusal is not None:
        raise Refused(refusal)
    try:
        who = await door.identity.identify(shown) if shown else None
    except Unavailable as error:
        raise Refused(unavailable(error)) from error
    session_id, upstream = await door.enter(target, who)
    kept = [b"%s: %s\r\n" % header for header in headers if header[0] not in _NOT_PASSED_ON]
    if b"/code/" in target and who is not None:  # the editor's own page opens it, which knows no ticket
        ticket = tickets.issue(door.secret(session_id), str(session_id), who.user_id, time())
        kept.append(b"authorization: Bearer %s\r\n" % ticket.encode())
    return upstream, b"".join([b"GET ", target, b" HTTP/1.1\r\n", *kept, b"\r\n"])


class GatewayApp:
    """The ASGI app for everything under `/s/` that is no socket. Stands behind SecurityMiddleware, which found out who asks."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await refuse(scope, send, NO_PATH)
            return
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        who: Principal | None = scope.get("state", {}).get("principal")
        try:
            session_id, upstream = await self._door.enter(target, who)
        except Refused as refused:
            await refuse(scope, send, refused.refusal)
            return
        assert who is not None  # or `enter` had raised
        ticket = tickets.issue(self._door.secret(session_id), str(session_id), who.user_id, time())
        await _pass_on(scope, receive, send, (upstream, target, ticket))


async def _pass_on(scope: Scope, receive: Receive, send: Send, to: tuple[Upstream, bytes, str]) -> None:
    upstream, target, ticket = to
    begun = False

    async def sender(message: Message) -> None:
        nonlocal begun
        begun = True
        await send(message)

    try:
        async with exchange(upstream.socket, to_head=scope["method"] == "HEAD") as talk:
            await talk.begin(scope["method"], target, _asked(scope["headers"], ticket))
            async with asyncio.TaskGroup() as group:
                asking = group.create_task(_ask(talk, receive), name="gateway request")
                answering = group.create_task(_answer(talk, sender), name="gateway answer")
                await asyncio.wait([asking, answering], return_when=asyncio.FIRST_COMPLETED)
                asking.cancel()
                answering.cancel()
    except* (Broken, TimeoutError) as errors:
        log.warning("gateway request failed", extra={"cause": repr(errors.exceptions[0]), "begun": begun})
        if not begun:  # else uvicorn cuts the connection, so that nobody takes half an answer for a whole one
            await refuse(scope, send, AWAY)


def _asked(headers: Headers, ticket: str) -> list[tuple[bytes, bytes]]:
    return [*(header for header in headers if header[0] not in _NOT_PASSED_ON), (b"authorization", b"Bearer " + ticket.encode())]


async def _ask(talk: Exchange, receive: Receive) -> None:
    """Pass the body on, then watch the caller. Returns when the caller is gone; an upstream that does not listen may answer."""
    listening = True
    while (message := await receive())["type"] == "http.request":
        if listening:
            try:
                await talk.send(message.get("body", b""), more=message.get("more_body", False))
            except Broken:
                listening = False


async def _answer(talk: Exchange, send: Send) -> None:
    head = await talk.head()
    headers = [header for header in end_to_end(head.headers) if header[0] not in _NOT_PASSED_BACK]
    if not any(name == _SANDBOX[0] for name, _ in headers):
        headers.append(_SANDBOX)
    await send({"type": "http.response.start", "status": head.status, "headers": headers})
    async for piece in talk.body():
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
