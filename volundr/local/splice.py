"""Two connections made one: what a browser's socket says goes to Skuld byte for byte, and back.

After the handshake nothing here looks at the bytes, makes a task or copies: a read of one side is a write of the other, and a
side that does not keep up stops the reading of its opposite.
"""

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Awaitable, Callable, MutableSet
from typing import Any, Protocol, cast

from volundr.api.security import Refusal
from volundr.domain.upstream import Upstream
from volundr.process import Tasks

log = logging.getLogger(__name__)

LIMIT = 256 * 1024
"""How many bytes may wait for a side that does not keep up before the other side is no longer read."""
LINGER_SECONDS = 30.0
"""How long one side may take for its last bytes after the other is gone."""
CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 2.5
"""How long Skuld may take to accept a connection, and then to answer on it: together less than five seconds."""
REFUSAL_SECONDS = 2.0
"""How long Skuld's own refusal may take to get through."""
SILENCE_SECONDS = 30
"""How long the other end of a browser's connection may be unreachable."""
SWITCHED = b"HTTP/1.1 101"

type Pass = tuple[Upstream, bytes]
"""Where a socket goes, and the head to open it with."""


class ServerState(Protocol):
    """What uvicorn shares among its connections, as far as it concerns us."""

    connections: MutableSet[Any]


class Refused(Exception):
    """This socket is not let in."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal


def notice_silence(connection: socket.socket | None) -> None:
    """End this connection once its other end has been unreachable for half a minute, whether or not there is something to say:
    a laptop that went to sleep or lost its network says no goodbye."""
    if connection is None or connection.family not in (socket.AF_INET, socket.AF_INET6):
        return
    with socket.socket(fileno=os.dup(connection.fileno())) as twin:  # the loop's own object takes no options
        twin.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if sys.platform == "linux":
            twin.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, SILENCE_SECONDS // 2)
            twin.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, SILENCE_SECONDS // 6)
            twin.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
            twin.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE_SECONDS * 1000)


class Side(asyncio.Protocol):
    """One of the two connections: knows how to be slow, to be over, and who is opposite."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.opposite: Side | None = None
        self._reading = True
        self.ended = False
        self._linger: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # stream connections only
        self.transport.set_write_buffer_limits(high=LIMIT)

    def data_received(self, data: bytes) -> None:
        other = self.opposite
        if other is not None and other.transport is not None and not other.transport.is_closing():
            other.transport.write(data)

    def pause_writing(self) -> None:
        if self.opposite is not None:
            self.opposite.read(False)

    def resume_writing(self) -> None:
        if self.opposite is not None:
            self.opposite.read(True)

    def read(self, wanted: bool) -> None:
        transport = self.transport
        if transport is None or transport.is_closing() or wanted is self._reading:
            return
        self._reading = wanted
        if wanted:
            transport.resume_reading()
        else:
            transport.pause_reading()

    def eof_received(self) -> bool:
        """This side has said its last byte; it may still listen. When both have, both are closed."""
        self.ended = True
        other = self.opposite
        if other is None or other.transport is None or other.ended:
            self.close()
            return False
        if not other.transport.is_closing() and other.transport.can_write_eof():
            other.transport.write_eof()
        self.linger(LINGER_SECONDS)
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - both ends close alike
        self.transport = None
        if self._linger is not None:
            self._linger.cancel()
        if self.opposite is not None:
            self.opposite.finish()
            self.opposite = None

    def finish(self) -> None:
        """Close once what was written is out, or when that takes too long."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.close()
        self.linger(LINGER_SECONDS)

    def close(self) -> None:
        other = self.opposite
        self.finish()
        if other is not None:
            other.finish()

    def linger(self, seconds: float) -> None:
        """Both sides are cut after this time, whatever still waits. The first call counts."""
        if self.transport is not None and self._linger is None:
            self._linger = asyncio.get_running_loop().call_later(seconds, self._give_up)

    def _give_up(self) -> None:
        for side in (self, self.opposite):
            if side is not None and side.transport is not None:
                side.transport.abort()


class SkuldSide(Side):
    """The connection to Skuld. Until Skuld agrees to the WebSocket, the browser is not read: it has no HTTP to say."""

    def __init__(self) -> None:
        super().__init__()
        self._answer = b""
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._patience = asyncio.get_running_loop().call_later(ANSWER_SECONDS, self._no_answer)

    def data_received(self, data: bytes) -> None:
        if self._answer != SWITCHED:
            self._hear(data)
        super().data_received(data)

    def _hear(self, data: bytes) -> None:
        self._answer += data[: len(SWITCHED) - len(self._answer)]
        if self._answer == SWITCHED:
            self._be_patient()
            if self.opposite is not None:
                self.opposite.read(True)
        elif not SWITCHED.startswith(self._answer):
            self._be_patient()
            self.linger(REFUSAL_SECONDS)

    def _be_patient(self) -> None:
        if self._patience is not None:
            self._patience.cancel()

    def _no_answer(self) -> None:
        browser = self.opposite
        if not self._answer and browser is not None and browser.transport is not None:
            browser.transport.write(answer(AWAY))
        self.close()

    def resume_writing(self) -> None:
        if self._answer == SWITCHED:
            super().resume_writing()

    def eof_received(self) -> bool:
        if self._answer == SWITCHED:
            return super().eof_received()
        self._no_answer()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._be_patient()
        super().connection_lost(exc)


class BrowserSide(Side):
    """The connection from the browser, as uvicorn hands it over: it stands in the server's list, and the server may end it."""

    def __init__(self, state: ServerState, tasks: Tasks, decide: Callable[[bytes], Awaitable[Pass]]) -> None:
        super().__init__()
        self._connections = state.connections
        self._tasks = tasks
        self._decide = decide
        self._opening: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        notice_silence(transport.get_extra_info("socket"))
        self._connections.add(self)
        self.read(False)

    def data_received(self, data: bytes) -> None:
        if self.opposite is not None:
            super().data_received(data)
        elif self._opening is None:
            self._opening = self._tasks.spawn(self._open(data), name="gateway socket")
        else:
            self.close()

    async def _open(self, head: bytes) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                upstream, request = await self._decide(head)
                loop = asyncio.get_running_loop()
                _, skuld = await loop.create_unix_connection(SkuldSide, upstream.socket)
        except Refused as refused:
            self._refuse(refused.refusal)
        except OSError as error:  # TimeoutError is one
            log.warning("gateway socket has no upstream", extra={"cause": repr(error)})
            self._refuse(AWAY)
        except Exception:
            log.exception("gateway socket could not be decided")
            self._refuse(BROKEN)
        else:
            self._join(skuld, request)

    def _join(self, skuld: Side, request: bytes) -> None:
        assert skuld.transport is not None
        if self.transport is None or self.transport.is_closing():
            skuld.transport.abort()
            return
        self.opposite, skuld.opposite = skuld, self
        skuld.transport.write(request)

    def _refuse(self, refusal: Refusal) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(answer(refusal))
            self.finish()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        if self._opening is not None:
            self._opening.cancel()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """uvicorn ends gracefully: the browser will connect again."""
        if self._opening is not None:
            self._opening.cancel()
        self.close()


def answer(refusal: Refusal) -> bytes:
    """The refusal as an HTTP response that ends the connection."""
    body = refusal.body()
    challenge = b'www-authenticate: Bearer realm="volundr"\r\n' if refusal.status == 401 else b""
    return b"HTTP/1.1 %d %s\r\ncontent-type: application/problem+json\r\ncontent-length: %d\r\n%sconnection: close\r\n\r\n%s" % (
        refusal.status,
        refusal.title.encode(),
        len(body),
        challenge,
        body,
    )


AWAY = Refusal(
    status=502,
    detail="The session's broker does not answer.",
    hint="It is being started again; try once more in a few seconds. `volundr logs skuld` shows why if it stays so.",
)
BROKEN = Refusal(status=500, detail="The gateway failed; the forge's log says why.")
