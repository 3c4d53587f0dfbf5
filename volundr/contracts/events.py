"""What every EventSink must do."""

import asyncio
import logging
import socket
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from volundr.domain.errors import Unavailable
from volundr.domain.events import SINK_SECONDS, EventSink, EventType, SessionEvent, event_id

AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
LARGEST = 2**53
"""The largest number that the routes let through."""
PASSWORD = "never-shown-91c4"  # noqa: S105 - what must not be seen


def told(number: int, session: UUID, kind: EventType = EventType.TOOL_USE) -> SessionEvent:
    return SessionEvent(
        number=number,
        id=event_id(session, "e", number, kind),
        session_id=session,
        tenant_id="default",
        owner_id="local",
        epoch="e",
        sequence=number,
        type=kind,
        at=AT + timedelta(seconds=number),
        data={"tool": "Bash", "text": "grüße"},
        tokens_in=10,
        tokens_out=5,
        duration_ms=1500,
        model="claude-sonnet-4-5",
    )


def nobody() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@asynccontextmanager
async def deaf() -> AsyncIterator[int]:
    """A server that takes connections and never says a word."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield int(listening.getsockname()[1])


class EventSinkContract(ABC):
    @abstractmethod
    def opened(self, folder: Path) -> AbstractAsyncContextManager[EventSink]:
        """A sink whose server is there."""

    @abstractmethod
    def at(self, port: int) -> EventSink:
        """One whose server would be on this port of 127.0.0.1, configured with `PASSWORD` wherever it takes one."""

    def test_a_batch_is_taken_and_the_same_again(self, tmp_path: Path) -> None:
        async def main() -> None:
            async with self.opened(tmp_path) as sink:
                session = uuid4()
                batch = [told(number, session) for number in range(1, 6)]
                await sink.emit_batch(batch)
                await sink.emit_batch(batch)
                await sink.emit(told(6, session, EventType.ERROR))
                await sink.emit_batch([])
                await sink.flush()
                assert await sink.healthy()

        asyncio.run(main())

    def test_every_kind_of_event_is_taken(self, tmp_path: Path) -> None:
        async def main() -> None:
            async with self.opened(tmp_path) as sink:
                session = uuid4()
                await sink.emit_batch([told(number, session, kind) for number, kind in enumerate(EventType)])
                bare = SessionEvent(
                    id=uuid4(), session_id=session, tenant_id="t", owner_id="o", type=EventType.MESSAGE_USER, at=AT
                )
                await sink.emit(bare)

        asyncio.run(main())

    def test_no_event_that_can_be_stored_holds_up_those_behind_it(self, tmp_path: Path) -> None:
        async def main() -> None:
            async with self.opened(tmp_path) as sink:
                usual = told(1, uuid4())
                odd = (
                    replace(usual, at=datetime(1, 1, 1, tzinfo=UTC)),
                    replace(usual, at=datetime(9999, 12, 31, tzinfo=UTC)),
                    replace(usual, at=datetime(1970, 1, 1, tzinfo=UTC), duration_ms=LARGEST),
                    replace(usual, tokens_in=LARGEST, tokens_out=LARGEST, sequence=LARGEST, cost=1e12),
                    replace(usual, data={"tool": "\ud800", "agent": "\ud800", "": [{"deep": None}]}, model="\ud800"),
                    replace(usual, type=EventType.SESSION_STOP, data={"agent": ["no", "text"]}),
                )
                for one in odd:
                    await sink.emit(one)
                await sink.emit_batch([replace(usual, id=uuid4(), data={"tool": "x" * 16_000}) for _ in range(500)])

        asyncio.run(main())

    def test_a_server_that_never_answers_is_given_up_while_the_courier_still_waits(self) -> None:
        async def main() -> None:
            async with asyncio.timeout(SINK_SECONDS), deaf() as port:
                sink = self.at(port)
                with pytest.raises(Unavailable):
                    await sink.emit(told(1, uuid4()))
                assert not await sink.healthy()
                await sink.close()

        asyncio.run(main())

    def test_one_that_cannot_reach_its_server_says_so_without_any_secret(self, caplog: pytest.LogCaptureFixture) -> None:
        async def main() -> None:
            caplog.set_level(logging.DEBUG)
            sink = self.at(nobody())
            with pytest.raises(Unavailable) as caught:
                await sink.emit(told(1, uuid4()))
            assert PASSWORD not in str(caught.value)
            assert str(caught.value)
            assert not await sink.healthy()
            assert PASSWORD not in repr(sink.__dict__.get("_settings"))
            await sink.close()
            await sink.close()
            assert PASSWORD not in caplog.text

        asyncio.run(main())
