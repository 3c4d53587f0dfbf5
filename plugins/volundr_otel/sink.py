"""Sends events to an OTLP receiver over gRPC and waits for its answer."""

import logging
from collections.abc import Sequence
from urllib.parse import urlsplit

import grpc.aio
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from volundr.sdk import EventSink, SessionEvent, Unavailable
from volundr_otel import OtelSettings, metrics, spans

log = logging.getLogger(__name__)

EXPORT_SECONDS = 8.0
"""For each of the two calls: both together end before the courier's own patience does."""
SCOPE = InstrumentationScope("volundr")
PORT = 4317
TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
METRICS = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
_WHY = {
    "UNAVAILABLE": "it cannot be reached",
    "DEADLINE_EXCEEDED": f"it did not answer within {EXPORT_SECONDS:.0f} s",
    "UNAUTHENTICATED": "it refuses the headers",
    "PERMISSION_DENIED": "it refuses the headers",
    "UNIMPLEMENTED": "it does not speak OTLP over gRPC; a port for OTLP over HTTP is another one",
    "RESOURCE_EXHAUSTED": "it has too much to do, or takes smaller messages only",
}


class OtelSink(EventSink):
    """Spans first, then metrics: what comes again because the second failed is the same span, and is not counted twice.

    Tries once; who calls tries again. Nothing goes on in a thread of ours: a cancelled call is over.
    """

    name = "otel"

    def __init__(self, settings: OtelSettings) -> None:
        self._settings = settings
        self._resource = Resource({"service.name": settings.service})
        self._channel: grpc.aio.Channel | None = None
        parts = urlsplit(settings.endpoint)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        self._place = f"{host}:{parts.port or PORT}"
        self._tls = parts.scheme == "https"
        self._metadata = tuple((name.lower(), value) for name, value in settings.headers.items())
        self._well = True

    async def emit_batch(self, events: Sequence[SessionEvent]) -> None:
        if not events:
            return
        try:
            await self._send(events, self._channel or self._open())
        except grpc.RpcError as error:
            self._well = False
            await self.close()
            why = error.code().name if isinstance(error, grpc.aio.AioRpcError) else type(error).__name__
            log.warning("the OTLP receiver does not take events", extra={"place": self._place, "cause": why})
            text = _WHY.get(why, why)  # never the receiver's own words: they may repeat a header
            raise Unavailable(f"The OTLP receiver at {self._place} does not take events: {text}.") from error
        self._well = True

    async def close(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()

    async def healthy(self) -> bool:
        return self._well

    async def _send(self, events: Sequence[SessionEvent], channel: grpc.aio.Channel) -> None:
        export = channel.unary_unary(TRACES, ExportTraceServiceRequest.SerializeToString, ExportTraceServiceResponse.FromString)
        told = encode_spans([spans.span(event, self._resource, SCOPE) for event in events])
        traced: ExportTraceServiceResponse = await export(told, timeout=EXPORT_SECONDS, metadata=self._metadata)
        self._refused("spans", traced.partial_success.rejected_spans)
        measured = metrics.of(events, self._resource, SCOPE)
        if measured is not None:
            export = channel.unary_unary(
                METRICS, ExportMetricsServiceRequest.SerializeToString, ExportMetricsServiceResponse.FromString
            )
            counted: ExportMetricsServiceResponse = await export(
                encode_metrics(measured), timeout=EXPORT_SECONDS, metadata=self._metadata
            )
            self._refused("metrics", counted.partial_success.rejected_data_points)

    def _refused(self, what: str, many: int) -> None:
        """What a receiver took and rejected must not be sent again, says the protocol."""
        if many:
            log.warning("the OTLP receiver rejected some", extra={"place": self._place, "what": what, "many": many})

    def _open(self) -> grpc.aio.Channel:
        if self._tls:
            self._channel = grpc.aio.secure_channel(self._place, grpc.ssl_channel_credentials())
        else:
            self._channel = grpc.aio.insecure_channel(self._place)
        return self._channel
