"""One HTTP request passed on to a Unix socket: bodies stream both ways as they come, and only as fast as they are taken."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httptools

type Headers = Sequence[tuple[bytes, bytes]]

CHUNK = 64 * 1024
CONNECT_SECONDS = 3.0
HEAD_SECONDS = 60.0
"""How long an answer may take to begin. There is no limit for its body: it may be a stream."""
NO_BODY = frozenset({204, 304})

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)


class Broken(Exception):
    """The other end is not there, said something that is no HTTP, or stopped in the middle."""


@dataclass(frozen=True, slots=True)
class Head:
    """How an answer begins. Header names are in lower case."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]


def end_to_end(headers: Headers) -> list[tuple[bytes, bytes]]:
    """The headers that are meant for the other end, not for the connection: also without those that `Connection` names."""
    named = {token.strip().lower() for name, value in headers if name == b"connection" for token in value.split(b",")}
    return [(name, value) for name, value in headers if name not in HOP_BY_HOP and name not in named]


class Exchange:
    """One request and its answer on a connection of its own. Sending and reading may go on at the same time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, to_head: bool) -> None:
        self._reader = reader
        self._writer = writer
        self._to_head = to_head
        self._parser = httptools.HttpResponseParser(self)
        self._chunked = False
        self._headers: list[tuple[bytes, bytes]] = []
        self._head: Head | None = None
        self._body: list[bytes] = []
        self._complete = False
        self._until_close = False

    async def begin(self, method: str, target: bytes, headers: Headers) -> None:
        """Send the head. A request whose length nobody stated goes out in chunks if it has a body (Transfer-Encoding came in)."""
        self._chunked = any(name == b"transfer-encoding" for name, _ in headers)
        lines = [b"%s %s HTTP/1.1\r\n" % (method.encode(), target)]
        lines += [b"%s: %s\r\n" % header for header in end_to_end(headers)]
        lines.append(b"transfer-encoding: chunked\r\n" if self._chunked else b"")
        self._writer.write(b"".join([*lines, b"connection: close\r\n\r\n"]))
        await self._drain()

    async def send(self, data: bytes, *, more: bool) -> None:
        if self._chunked:
            data = (b"%x\r\n%s\r\n" % (len(data), data) if data else b"") + (b"" if more else b"0\r\n\r\n")
        if data:
            self._writer.write(data)
            await self._drain()

    async def _drain(self) -> None:
        try:
            await self._writer.drain()
        except OSError as error:
            raise Broken(str(error)) from error

    async def head(self) -> Head:
        async with asyncio.timeout(HEAD_SECONDS):
            while self._head is None:
                await self._feed()
        return self._head

    async def body(self) -> AsyncIterator[bytes]:
        while True:
            pieces, self._body = self._body, []
            for piece in pieces:
                yield piece
            if self._complete:
                return
            if not self._body:
                await self._feed()

    async def _feed(self) -> None:
        try:
            data = await self._reader.read(CHUNK)
            if data:
                self._parser.feed_data(data)
        except (OSError, httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise Broken(str(error)) from error
        if data:
            return
        if self._head is None or not self._until_close:
            raise Broken("The connection ended in the middle of the answer.")
        self._complete = True

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        headers, self._headers = self._headers, []
        if status < 200:
            return
        names = {name for name, _ in headers}
        self._head = Head(status, headers)
        self._complete = self._to_head or status in NO_BODY
        self._until_close = not names & {b"content-length", b"transfer-encoding"}

    def on_body(self, data: bytes) -> None:
        if not self._complete:
            self._body.append(data)

    def on_message_complete(self) -> None:
        if self._head is not None:
            self._complete = True


@asynccontextmanager
async def exchange(socket: str, *, to_head: bool = False) -> AsyncIterator[Exchange]:
    """A connection for one request. `to_head`: it will be a HEAD request, whose answer has no body whatever it says."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_unix_connection(socket, limit=CHUNK)
    except OSError as error:
        raise Broken(str(error)) from error
    try:
        yield Exchange(reader, writer, to_head=to_head)
    finally:
        writer.transport.abort()
