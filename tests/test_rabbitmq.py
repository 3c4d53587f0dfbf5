"""Events to a real RabbitMQ: stopped and killed in the middle, and none is missing afterwards."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter
from uuid import UUID, uuid4

import aio_pika
import pytest
from volundr_rabbitmq import RabbitSettings, make
from volundr_rabbitmq.sink import body, routing_key

from tests.conftest import sqlite_file
from tests.rabbit import MISSING, PROGRAM, Rabbit, rabbit
from volundr.contracts.events import PASSWORD, EventSinkContract, told
from volundr.db.migrate import migrate
from volundr.domain.couriers import Courier, Pace
from volundr.domain.errors import Invalid, Unavailable
from volundr.domain.events import EventSink
from volundr.process import Tasks
from volundr.store.event_cursors import CursorStore
from volundr.store.events import EventStore
from volundr.store.opening import MIGRATIONS

MANY = 5000
SESSIONS = 10

needs_rabbit = pytest.mark.skipif(not PROGRAM.exists(), reason=MISSING)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rabbit]:
    with rabbit(tmp_path_factory.mktemp("rabbit") / "r") as made:
        made.start()
        asyncio.run(made.up())
        yield made


@pytest.mark.e2e
@needs_rabbit
class TestRabbitSink(EventSinkContract):
    @pytest.fixture(autouse=True)
    def with_server(self, server: Rabbit) -> None:
        self.server = server

    @asynccontextmanager
    async def opened(self, folder: Path) -> AsyncIterator[EventSink]:
        sink = make(RabbitSettings(url=self.server.url))
        yield sink
        await sink.close()

    def at(self, port: int) -> EventSink:
        return make(RabbitSettings(url=f"amqp://guest:{PASSWORD}@127.0.0.1:{port}/"))

    @pytest.mark.parametrize(
        ("url", "exchange", "why"),
        [
            ("guest:wrong@{}/", "volundr.events", "the user or the password"),
            ("guest:guest@{}/nowhere", "volundr.events", "virtual host"),
            ("guest:guest@{}/", "amq.direct", "not a durable topic exchange"),
        ],
    )
    def test_an_administrator_reads_what_is_wrong(self, url: str, exchange: str, why: str) -> None:
        async def main() -> None:
            place = f"127.0.0.1:{self.server.port}"
            sink = make(RabbitSettings(url=f"amqp://{url.format(place)}", exchange=exchange))
            with pytest.raises(Unavailable, match=f"RabbitMQ at {place} does not take events: .*{why}"):
                await sink.emit(told(1, UUID(int=1)))
            await sink.close()

        asyncio.run(main())


@pytest.mark.parametrize("url", ["", "http://host", "amqp://", "amqp://host:port/", "host:5672"])
def test_what_is_no_address_of_a_broker_is_refused_when_the_forge_starts(url: str) -> None:
    with pytest.raises(Invalid, match=r"\[sinks.rabbitmq\] url"):
        make(RabbitSettings(url=url))


def test_a_message_says_whose_event_it_is() -> None:
    event = told(7, UUID(int=1))
    assert routing_key(event) == f"volundr.default.{UUID(int=1)}.tool_use"
    said = json.loads(body(event))
    assert (said["id"], said["number"], said["data"]["text"], said["tokens_in"]) == (event.message_id, 7, "grüße", 10)


@asynccontextmanager
async def bound(url: str) -> AsyncIterator[aio_pika.abc.AbstractQueue]:
    connection = await aio_pika.connect(url)
    channel = await connection.channel()
    exchange = await channel.declare_exchange("volundr.events", aio_pika.ExchangeType.TOPIC, durable=True)
    queue = await channel.declare_queue("all", durable=True)
    await queue.bind(exchange, "volundr.#")
    yield queue
    await connection.close()


@pytest.mark.e2e
@needs_rabbit
def test_a_broker_that_is_stopped_and_killed_gets_every_event_at_least_once_and_in_order(tmp_path: Path) -> None:
    async def main(server: Rabbit) -> None:
        server.start()
        await server.up()
        async with bound(server.url):
            pass
        async with sqlite_file(tmp_path) as db:
            await migrate(db, MIGRATIONS)
            events, cursors, tasks = EventStore(db), CursorStore(db), Tasks()
            sessions = [uuid4() for _ in range(SESSIONS)]
            sink = make(RabbitSettings(url=server.url))
            pace = Pace(batch=100, idle=0.05, least_pause=0.1, longest_pause=0.5)
            courier = Courier(sink, events, cursors, pace)
            tasks.spawn(courier.run(), name="courier")
            for part in range(10):
                numbers = range(part * MANY // 10, (part + 1) * MANY // 10)
                await events.add([told(number + 1, sessions[number % SESSIONS]) for number in numbers])
                courier.wake()
                if part in {3, 6}:  # in the middle of what it is given
                    server.end(signal.SIGTERM if part == 3 else signal.SIGKILL)
                    async with asyncio.timeout(30):
                        while not (seen := (await cursors.health(["rabbitmq"]))[0]).error:
                            await asyncio.sleep(0.02)
                    assert (seen.healthy, await sink.healthy()) == (False, False)
                    assert seen.failing_since is not None
                    assert seen.lag_events > 0
                    assert "does not take events" in seen.error
                    server.start()
            await server.up()
            async with asyncio.timeout(60):
                while (await cursors.health(["rabbitmq"]))[0].cursor < MANY:
                    await asyncio.sleep(0.05)
            (seen,) = await cursors.health(["rabbitmq"])
            assert (seen.healthy, seen.error, seen.lag_events) == (True, "", 0)
            await tasks.close()
        await arrived(server, sessions)

    with rabbit(tmp_path / "rabbit") as server:
        asyncio.run(main(server))


async def arrived(server: Rabbit, sessions: list[UUID]) -> None:
    """Each at least once; the first arrivals of each session in their order."""
    first: dict[str, list[int]] = {str(session): [] for session in sessions}
    known: set[str] = set()
    async with bound(server.url) as queue:
        while (message := await queue.get(fail=False, no_ack=True)) is not None:
            said = json.loads(message.body)
            assert message.message_id == said["id"]
            assert message.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
            if said["id"] not in known:
                known.add(said["id"])
                first[said["session_id"]].append(said["sequence"])
    assert len(known) == MANY
    assert all(numbers == sorted(numbers) and len(numbers) == MANY // SESSIONS for numbers in first.values())


@pytest.mark.e2e
@needs_rabbit
def test_a_batch_is_confirmed_as_a_whole_and_not_event_by_event(server: Rabbit) -> None:
    """500 events in one batch take far less than 500 round trips of their own."""

    async def main() -> None:
        sink = make(RabbitSettings(url=server.url, exchange="volundr.fast"))
        session = uuid4()
        await sink.emit(told(1, session))
        begun = perf_counter()
        await sink.emit_batch([told(number, session) for number in range(2, 502)])
        together = perf_counter() - begun
        begun = perf_counter()
        for number in range(502, 602):
            await sink.emit(told(number, session))
        alone = (perf_counter() - begun) * 5
        print(f"500 events: {together:.3f} s together, {alone:.3f} s one by one ({500 / together:.0f}/s)")
        assert together < alone
        await sink.close()

    asyncio.run(main())
