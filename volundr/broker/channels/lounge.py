"""The sessions of this Skuld, as channels reach them."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

from volundr.broker.broker import Broker
from volundr.broker.channels.channel import Seat, Sessions
from volundr.broker.frames import KEEP_ALIVE_SECONDS, Attach, Choose, Decide, Interrupt, Live, Send
from volundr.broker.parts import Json
from volundr.broker.service_manager import ServiceManager

ANSWER_SECONDS = 5.0


class Lounge(Sessions):
    def __init__(self, manager: ServiceManager) -> None:
        self._manager = manager

    def seats(self) -> Sequence[Seat]:
        return [_seat(broker) for broker in self._manager.brokers()]

    async def changed(self, seen: int) -> int:
        return await self._manager.changed(seen)

    async def listen(self, session: str, epoch: str = "", after: int = 0) -> AsyncIterator[Json]:
        client = self._manager.find(session).attach(Attach(epoch=epoch, after=after, tail=0))
        try:
            while (message := await client.message(KEEP_ALIVE_SECONDS)) is not None:
                for line in message.split(b"\n"):
                    yield json.loads(line)
        finally:
            client.leave()

    async def say(self, session: str, frame: Send | Decide | Interrupt | Choose, by: str) -> Live | None:
        answer: asyncio.Future[Live] = asyncio.get_running_loop().create_future()

        def reply(live: Live) -> None:
            if not answer.done():
                answer.set_result(live)

        self._manager.find(session).say(frame, by, reply)
        if not isinstance(frame, Send):  # what is refused is refused at once; what is done is seen by everybody
            return answer.result() if answer.done() else None
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                return await answer
        return None


def _seat(broker: Broker) -> Seat:
    state = broker.journal.conversation.state
    return Seat(
        session=broker.spec.session_id,
        name=broker.spec.name,
        agent=broker.spec.agent,
        model=state.model,
        mode=state.mode,
        activity=broker.journal.activity,
    )
