"""`/ws/cli/{session_id}`: where shims, and CLIs that speak NDJSON over a WebSocket, reach the session they belong to."""

import asyncio
import hmac
import logging
from abc import ABC, abstractmethod

from starlette.websockets import WebSocket, WebSocketDisconnect

log = logging.getLogger(__name__)

PROTOCOL = "volundr.shim.v1"
KEEP_ALIVE = 10.0
SILENCE = 30.0
"""Seconds: how often to show a sign of life, and after how long without one a link counts as dead."""
NO_SESSION, REFUSED, GOING_AWAY = 4404, 4401, 1001


class Link:
    """One accepted WebSocket of text messages."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def receive(self, limit: float | None = SILENCE) -> str:
        """The next message. Raises ConnectionError when the link is over or silent for too long."""
        try:
            async with asyncio.timeout(limit):
                message = await self._socket.receive()
        except TimeoutError as error:
            raise ConnectionError("silent for too long") from error
        except RuntimeError as error:  # starlette's word for a socket that is closed already
            raise ConnectionError("closed") from error
        if message["type"] != "websocket.receive":
            raise ConnectionError("closed")
        return message.get("text") or (message.get("bytes") or b"").decode("utf-8", "replace")

    async def send(self, text: str) -> None:
        """Send it; quietly not when the link is over: the receiver sees that, and what matters is sent again."""
        try:
            await self._socket.send_text(text)
        except (RuntimeError, WebSocketDisconnect, OSError):
            log.debug("link is over before a message was sent")

    async def close(self, code: int = GOING_AWAY) -> None:
        try:
            await self._socket.close(code)
        except (RuntimeError, WebSocketDisconnect, OSError):
            log.debug("link was closed already")


class LinkOwner(ABC):
    """A transport that is reached through links."""

    @abstractmethod
    async def serve(self, link: Link) -> None:
        """Be served by this link until it is over."""


class Links:
    """Knows for each session the secret of its links and who owns them. The broker's app mounts `endpoint`."""

    def __init__(self) -> None:
        self._owners: dict[str, tuple[str, bool, LinkOwner]] = {}

    def open(self, session: str, secret: str, owner: LinkOwner, *, numbered: bool) -> None:
        """Let links for this session in from now on: those of a shim (`numbered`), or a CLI's own."""
        self._owners[session] = (secret, numbered, owner)

    def close(self, session: str, owner: LinkOwner) -> None:
        if self._owners.get(session, ("", False, None))[2] is owner:
            del self._owners[session]

    async def endpoint(self, socket: WebSocket) -> None:
        """The WebSocket route; its path has the parameter `session_id`."""
        session = str(socket.path_params["session_id"])
        secret, numbered, owner = self._owners.get(session, ("", False, None))
        given = socket.headers.get("authorization", "").removeprefix("Bearer ")
        right = hmac.compare_digest(secret.encode(), given.encode("utf-8", "surrogateescape"))
        if owner is None or not right or not secret:
            await socket.close(NO_SESSION if owner is None else REFUSED)
            return
        if numbered != (PROTOCOL in socket.scope.get("subprotocols", ())):
            await socket.close(REFUSED)
            return
        await socket.accept(PROTOCOL if numbered else None)
        await owner.serve(Link(socket))
