"""A WebSocket client over a Unix socket, as small as the shim needs it: text messages, no extensions, no TLS.

The frames' mask is all zeros: masks protect proxies from scripts in web pages, and here is neither. So nothing is copied.
"""

import asyncio
import base64
import hashlib
import os
import struct
from collections.abc import Mapping

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_NO_MASK = b"\0\0\0\0"
_MASKED = 0x80
_FIN = 0x80
_CONTINUATION, _TEXT, _CLOSE, _PING, _PONG = 0, 1, 8, 9, 10
_SHORT, _TWO_BYTES, _EIGHT_BYTES = 125, 126, 127
LARGEST = 128 * 1024 * 1024


class Refused(ConnectionError):
    """The server does not want this connection (now)."""


class Closed(ConnectionError):
    """The connection is over."""


class Client:
    """One open WebSocket. One task may receive while another sends."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, socket: str, path: str, headers: Mapping[str, str]) -> "Client":
        """Connect. Raises OSError (Refused among them) when that fails. The caller sets the time limit."""
        reader, writer = await asyncio.open_unix_connection(socket)
        try:
            await _shake_hands(reader, writer, path, headers)
        except BaseException:
            writer.transport.abort()
            raise
        writer.transport.set_write_buffer_limits(high=1024 * 1024)
        return cls(reader, writer)

    async def send(self, text: bytes) -> None:
        """One text message. Waits while the server does not keep up. Raises ConnectionError when it is gone."""
        self._write(_TEXT, text)
        await self._writer.drain()

    async def receive(self) -> bytes:
        """The next text message. Raises Closed at the end."""
        parts: list[bytes] = []
        try:
            while True:
                final, opcode, payload = await self._frame()
                if opcode == _PING:
                    self._write(_PONG, payload)
                elif opcode == _CLOSE:
                    raise Closed("closed by the server")
                elif opcode in (_CONTINUATION, _TEXT):
                    parts.append(payload)
                    if final:
                        return b"".join(parts)
        except asyncio.IncompleteReadError as error:
            raise Closed("connection lost") from error

    def close(self) -> None:
        """Say goodbye and cut the connection; what was sent is still written."""
        if not self._writer.is_closing():
            self._write(_CLOSE, struct.pack(">H", 1000))
            self._writer.close()

    def _write(self, opcode: int, payload: bytes) -> None:
        if self._writer.is_closing():  # asyncio's `writelines` does not look itself, and breaks
            raise Closed("connection lost")
        size = len(payload)
        if size <= _SHORT:
            head = struct.pack(">BB", _FIN | opcode, _MASKED | size)
        elif size < 1 << 16:
            head = struct.pack(">BBH", _FIN | opcode, _MASKED | _TWO_BYTES, size)
        else:
            head = struct.pack(">BBQ", _FIN | opcode, _MASKED | _EIGHT_BYTES, size)
        self._writer.writelines((head, _NO_MASK, payload))

    async def _frame(self) -> tuple[bool, int, bytes]:
        first, second = await self._reader.readexactly(2)
        size = second & ~_MASKED
        if size == _TWO_BYTES:
            (size,) = struct.unpack(">H", await self._reader.readexactly(2))
        elif size == _EIGHT_BYTES:
            (size,) = struct.unpack(">Q", await self._reader.readexactly(8))
        if size > LARGEST or first & 0x70 or second & _MASKED:
            raise Closed("a frame that makes no sense here")
        return bool(first & _FIN), first & 0x0F, await self._reader.readexactly(size)


async def _shake_hands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, headers: Mapping[str, str]) -> None:
    key = base64.b64encode(os.urandom(16))
    fields = {
        "Host": "skuld",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key.decode(),
        **headers,
    }
    writer.write((f"GET {path} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields.items()) + "\r\n").encode())
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise Refused("no answer to the handshake") from error
    proof = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
    status, *lines = head.split(b"\r\n")
    answered = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
    if b" 101 " not in status + b" " or answered.get(b"sec-websocket-accept") != proof:
        raise Refused(status.decode("latin-1"))
