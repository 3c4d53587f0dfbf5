"""What every EventSink must do."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from volundr.domain.errors import Unavailable
from volundr.domain.events import EventSink, EventType, SessionEvent, event_id

AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
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


class EventSinkContract(ABC):
    @abstractmethod
    def opened(self, folder: Path) -> AbstractAsyncContextManager[EventSink]:
        """A sink whose server is there."""

    @abstractmethod
    def away(self) -> EventSink:
        """One whose server is not, configured with `PASSWORD` wherever it takes one."""

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

    def test_one_that_cannot_reach_its_server_says_so_without_any_secret(self) -> None:
        async def main() -> None:
            sink = self.away()
            with pytest.raises(Unavailable) as caught:
                await sink.emit(told(1, uuid4()))
            assert PASSWORD not in str(caught.value)
            assert str(caught.value)
            assert not await sink.healthy()
            assert PASSWORD not in repr(sink.__dict__.get("_settings"))
            await sink.close()
            await sink.close()

        asyncio.run(main())
