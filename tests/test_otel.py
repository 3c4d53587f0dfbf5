"""Events as spans and metrics to a real OTLP receiver, which is away and comes back."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import grpc
import pytest
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.sdk.resources import Resource
from volundr_otel import OtelSettings, make
from volundr_otel.metrics import of
from volundr_otel.sink import SCOPE
from volundr_otel.spans import attributes, name, operation, provider, span_id

from tests.conftest import sqlite_file
from tests.rabbit import free_port
from volundr.contracts.events import PASSWORD, EventSinkContract, told
from volundr.db.migrate import migrate
from volundr.domain.couriers import Courier, Pace
from volundr.domain.errors import Invalid, Unavailable
from volundr.domain.events import EventSink, EventType
from volundr.process import Tasks
from volundr.store.event_cursors import CursorStore
from volundr.store.events import EventStore
from volundr.store.opening import MIGRATIONS

MANY = 1000


class Receiver(trace_service_pb2_grpc.TraceServiceServicer, metrics_service_pb2_grpc.MetricsServiceServicer):
    """Keeps what it gets."""

    def __init__(self) -> None:
        self.spans: list[object] = []
        self.tokens = 0.0
        self.operations = 0
        self.services: set[str] = set()
        self.keys: set[str] = set()

    def take_traces(self, request: trace_service_pb2.ExportTraceServiceRequest, context: grpc.ServicerContext) -> object:
        self.keys |= {str(value) for key, value in context.invocation_metadata() if key == "x-key"}
        for resource in request.resource_spans:
            self.services |= {one.value.string_value for one in resource.resource.attributes if one.key == "service.name"}
            for scoped in resource.scope_spans:
                self.spans += scoped.spans
        return trace_service_pb2.ExportTraceServiceResponse()

    def take_metrics(self, request: metrics_service_pb2.ExportMetricsServiceRequest) -> object:
        for resource in request.resource_metrics:
            for metric in (one for scoped in resource.scope_metrics for one in scoped.metrics):
                if metric.name == "gen_ai.client.token.usage":
                    self.tokens += sum(point.sum for point in metric.histogram.data_points)
                else:
                    self.operations += sum(point.count for point in metric.histogram.data_points)
        return metrics_service_pb2.ExportMetricsServiceResponse()


@contextmanager
def receiving(receiver: Receiver, port: int) -> Iterator[str]:
    """Both services on one port, as a collector has them."""

    class Traces(trace_service_pb2_grpc.TraceServiceServicer):
        def Export(self, request: trace_service_pb2.ExportTraceServiceRequest, context: grpc.ServicerContext) -> object:  # noqa: N802 - its name
            return receiver.take_traces(request, context)

    class Metrics(metrics_service_pb2_grpc.MetricsServiceServicer):
        def Export(self, request: metrics_service_pb2.ExportMetricsServiceRequest, context: grpc.ServicerContext) -> object:  # noqa: N802 - its name
            return receiver.take_metrics(request)

    server = grpc.server(ThreadPoolExecutor(4))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Traces(), server)  # type: ignore[no-untyped-call]
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(Metrics(), server)  # type: ignore[no-untyped-call]
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


class TestOtelSink(EventSinkContract):
    @asynccontextmanager
    async def opened(self, folder: Path) -> AsyncIterator[EventSink]:
        with receiving(Receiver(), free_port()) as endpoint:
            sink = make(OtelSettings(endpoint=endpoint))
            yield sink
            await sink.close()

    def at(self, port: int) -> EventSink:
        return make(OtelSettings(endpoint=f"http://127.0.0.1:{port}", headers={"X-Key": PASSWORD}))

    def test_an_administrator_reads_what_is_wrong(self) -> None:
        async def main() -> None:
            server, port = grpc.server(ThreadPoolExecutor(1)), free_port()
            server.add_insecure_port(f"127.0.0.1:{port}")
            server.start()
            sink = self.at(port)
            with pytest.raises(Unavailable, match=f"OTLP receiver at 127.0.0.1:{port} does not take events: it does not speak"):
                await sink.emit(told(1, UUID(int=1)))
            await sink.close()
            server.stop(None).wait()

        asyncio.run(main())


@pytest.mark.parametrize("endpoint", ["", "host:4317", "grpc://host", "http://user:pass@host:4317", "http://"])
def test_what_is_no_address_of_a_receiver_is_refused_when_the_forge_starts(endpoint: str) -> None:
    with pytest.raises(Invalid, match=r"\[sinks.otel\] endpoint"):
        make(OtelSettings(endpoint=endpoint))


def test_events_are_named_as_the_conventions_say() -> None:
    session = UUID(int=5)
    tool, chat = told(1, session), told(2, session, EventType.MESSAGE_ASSISTANT)
    assert (name(tool), operation(tool)) == ("execute_tool Bash", "execute_tool")
    assert (name(chat), operation(chat)) == ("chat claude-sonnet-4-5", "chat")
    assert attributes(chat)["gen_ai.usage.output_tokens"] == 5
    words = replace(chat, model="")  # what a broker reports: its model and tokens come as an event of their own
    assert (name(words), operation(words)) == ("message_assistant", "")
    assert operation(replace(words, type=EventType.TOKEN_USAGE)) == "chat"
    assert (attributes(chat)["gen_ai.provider.name"], provider("gpt-5"), provider("llama")) == ("anthropic", "openai", "")
    assert "grüße" not in str(attributes(tool))  # what was said is nobody's business there
    assert span_id(tool) == span_id(told(1, session)) != span_id(chat)
    assert of([], make_resource(), SCOPE) is None


def make_resource() -> Resource:
    return Resource({})


def test_spans_have_the_times_and_places_of_their_events() -> None:
    async def main() -> None:
        receiver, session = Receiver(), uuid4()
        with receiving(receiver, free_port()) as endpoint:
            sink = make(OtelSettings(endpoint=endpoint, headers={"X-Key": "k"}, service="forge-1"))
            await sink.emit_batch([told(1, session), told(2, session, EventType.ERROR), told(3, session, EventType.TOKEN_USAGE)])
            await sink.close()
        first, second, third = receiver.spans
        assert (first.name, third.name) == ("execute_tool Bash", "chat claude-sonnet-4-5")  # type: ignore[attr-defined]
        assert first.end_time_unix_nano == round(told(1, session).at.timestamp()) * 1_000_000_000  # type: ignore[attr-defined]
        assert (first.end_time_unix_nano - first.start_time_unix_nano) == 1_500_000_000  # type: ignore[attr-defined]
        assert first.trace_id == second.trace_id == session.bytes  # type: ignore[attr-defined]
        assert (first.status.code, second.status.code) == (0, 2)  # type: ignore[attr-defined]
        assert (receiver.services, receiver.keys) == ({"forge-1"}, {"k"})
        assert (receiver.tokens, receiver.operations) == (15, 2)  # of token_usage; of execute_tool and chat

    asyncio.run(main())


@pytest.mark.e2e
def test_a_receiver_that_was_away_has_every_span_afterwards_and_counts_each_once(tmp_path: Path) -> None:
    async def main() -> None:
        receiver, port, session = Receiver(), free_port(), uuid4()
        async with sqlite_file(tmp_path) as db:
            await migrate(db, MIGRATIONS)
            events, cursors, tasks = EventStore(db), CursorStore(db), Tasks()
            sink = make(OtelSettings(endpoint=f"http://127.0.0.1:{port}"))
            courier = Courier(sink, events, cursors, Pace(batch=100, idle=0.05, least_pause=0.1, longest_pause=0.5))
            tasks.spawn(courier.run(), name="courier")

            async def until(number: int) -> None:
                async with asyncio.timeout(60):
                    while (await cursors.health(["otel"]))[0].cursor < number:
                        await asyncio.sleep(0.02)

            with receiving(receiver, port):
                await events.add([told(number, session, EventType.TOKEN_USAGE) for number in range(1, MANY // 2 + 1)])
                courier.wake()
                await until(MANY // 2)
            await events.add([told(number, session, EventType.TOKEN_USAGE) for number in range(MANY // 2 + 1, MANY + 1)])
            courier.wake()
            async with asyncio.timeout(30):
                while not (seen := (await cursors.health(["otel"]))[0]).error:
                    await asyncio.sleep(0.02)
            assert (seen.healthy, seen.cursor, seen.lag_events) == (False, MANY // 2, MANY // 2)
            assert f"127.0.0.1:{port} does not take events: it cannot be reached" in seen.error
            with receiving(receiver, port):
                await until(MANY)
                assert (await cursors.health(["otel"]))[0].healthy
                await tasks.close()
        assert len({span.span_id for span in receiver.spans}) == MANY  # type: ignore[attr-defined]
        assert receiver.tokens == MANY * 15
        assert receiver.operations == MANY

    asyncio.run(main())
