"""One session's frames on their way to many clients: encoded once, pulled by each client at its own pace.

A short ring holds what is new. A client that keeps up reads from it; one that does not falls out and goes on from the log,
so that no client can make Skuld keep more than the ring, and none misses a record or gets one twice.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from volundr.broker.codec import encode
from volundr.broker.frames import Attach, CaughtUp, Hello, KeepAlive, Live, Resync
from volundr.broker.log import Log

MESSAGE_BYTES = 256 * 1024
RING_BYTES = 2 * 1024 * 1024
PRIVATE_FRAMES = 64
_KEEP_ALIVE = encode(KeepAlive())

type Shown = tuple[int, bytes]
"""An encoded frame with its seq, 0 for a live one."""


class Stream:
    """`moment` gives what a client needs besides records to see the present: open blocks and the activity."""

    def __init__(self, log: Log, moment: Callable[[], Sequence[Live]], ring_bytes: int = RING_BYTES) -> None:
        self.log = log
        self.last_seq = log.last_seq
        self.moment = moment
        self.clients: set[Client] = set()
        self._ring: list[Shown] = []
        self._ring_bytes = ring_bytes
        self._bytes = 0
        self._first = 0
        self.next = 0

    def publish(self, frames: Sequence[Shown]) -> None:
        """Show these to everybody. Records must be in the log, and come in their order."""
        for shown in frames:
            self.last_seq = shown[0] or self.last_seq
        if not self.clients:
            self._forget(self.next + len(frames))
            return
        self._ring.extend(frames)
        self.next += len(frames)
        self._bytes += sum(len(raw) for _, raw in frames)
        self._trim()
        for client in self.clients:
            client.wake()

    def after(self, position: int) -> Sequence[Shown] | None:
        """The frames from this position on; None when they are no longer in the ring."""
        return None if position < self._first else self._ring[position - self._first :]

    def join(self, client: "Client") -> None:
        self.clients.add(client)

    def leave(self, client: "Client") -> None:
        self.clients.discard(client)
        if not self.clients:
            self._forget(self.next)

    def _forget(self, position: int) -> None:
        self._ring.clear()
        self._bytes, self._first, self.next = 0, position, position

    def _trim(self) -> None:
        """Drop what everybody has, and the oldest of what is too much."""
        needed = min(client.position for client in self.clients)
        drop = 0
        for _, raw in self._ring:
            if self._first + drop >= needed and self._bytes <= self._ring_bytes:
                break
            self._bytes -= len(raw)
            drop += 1
        del self._ring[:drop]
        self._first += drop


class Client:
    """One socket's view of a session. One task sends what `message` returns; another may `tell` it private frames."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._private: deque[bytes] = deque()
        self._caught_up = False
        self._behind = True
        self.seq = 0
        self.position = 0
        self.closing: tuple[int, str] | None = None
        self.gone = asyncio.Event()

    def attach(self, attach: Attach, hello: Hello) -> None:
        """Decide where this client begins. Call once, before the first `message`."""
        log = self._stream.log
        self._private.append(encode(hello))
        if attach.epoch == hello.epoch and attach.after <= log.last_seq:
            self.seq = max(attach.after, 0)
        else:
            if attach.epoch:
                self._private.append(encode(Resync(reason="This session's log was begun anew.")))
            self.seq = max(self._stream.last_seq - max(attach.tail, 0), 0)
        self.position = self._stream.next
        self._stream.join(self)

    def wake(self) -> None:
        self._news.set()

    def close(self, code: int, reason: str) -> None:
        """Everything that is there is still sent, then `message` returns None."""
        self.closing = (code, reason)
        self._stream.leave(self)
        self._news.set()

    def leave(self) -> None:
        """Nobody reads any more."""
        self._stream.leave(self)
        self.gone.set()

    def tell(self, frame: Live) -> None:
        """A frame for this client only. Who tells much must await `room` now and then."""
        self._private.append(encode(frame))
        if len(self._private) >= PRIVATE_FRAMES:
            self._room.clear()
        self._news.set()

    async def room(self) -> None:
        """Return when this client has taken its private frames: who does not read is not answered without end."""
        await self._room.wait()

    async def message(self, idle: float) -> bytes | None:
        """The next message, one or more frames; a keep-alive after `idle` seconds of nothing; None when it is over."""
        while True:
            self._news.clear()
            if self._private:
                return self._take_private()
            if self._behind:
                if (piece := await self._from_log()) is not None:
                    return piece
                continue
            if (piece := self._from_ring()) is not None:
                return piece
            if self._behind:
                continue
            if self.closing is not None:
                return None
            try:
                async with asyncio.timeout(idle):
                    await self._news.wait()
            except TimeoutError:
                return _KEEP_ALIVE

    def _take_private(self) -> bytes:
        message = b"\n".join(self._private)
        self._private.clear()
        self._room.set()
        return message

    async def _from_log(self) -> bytes | None:
        """Records that this client lacks, a message at a time; at the end of them it joins the ring."""
        stream = self._stream
        if self.seq < stream.last_seq:
            last = min(stream.log.fits(self.seq + 1, MESSAGE_BYTES), stream.last_seq)
            records = await asyncio.to_thread(stream.log.read, self.seq + 1, last)
            self.seq = last
            self.position = stream.next
            return b"\n".join(records)
        self._behind = False
        self.position = stream.next
        frames = [encode(frame) for frame in stream.moment()]
        if not self._caught_up:
            self._caught_up = True
            frames.append(encode(CaughtUp(seq=self.seq)))
        return b"\n".join(frames) or None

    def _from_ring(self) -> bytes | None:
        frames = self._stream.after(self.position)
        if frames is None:
            self._behind = True
            return None
        taken: list[bytes] = []
        size = 0
        for seq, raw in frames:
            if taken and size + len(raw) > MESSAGE_BYTES:
                break
            taken.append(raw)
            size += len(raw) + 1
            if seq:
                self.seq = seq
        self.position += len(taken)
        return b"\n".join(taken) if taken else None
