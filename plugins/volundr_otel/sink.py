"""Sends events to an OTLP receiver over gRPC and waits for its answer."""

import asyncio
import logging
from collections.abc import Sequence
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from volundr.sdk import EventSink, SessionEvent, Unavailable
from volundr_otel import OtelSettings, metrics, spans

log = logging.getLogger(__name__)

EXPORT_SECONDS = 10
SCOPE = InstrumentationScope("volundr")
logging.getLogger("opentelemetry.exporter.otlp.proto.grpc.exporter").setLevel(logging.CRITICAL)
"""Each failure is ours to tell, once, and without the endpoint's own words."""


class OtelSink(EventSink):
    """Spans first, then metrics: what comes again because the second failed is the same span, and is not counted twice."""

    name = "otel"

    def __init__(self, settings: OtelSettings) -> None:
        self._settings = settings
        self._resource = Resource({"service.name": settings.service})
        self._exporters: tuple[OTLPSpanExporter, OTLPMetricExporter] | None = None
        self._place = urlsplit(settings.endpoint).netloc
        self._well = True

    async def emit_batch(self, events: Sequence[SessionEvent]) -> None:
        self._well = await asyncio.to_thread(self._send, events)
        if not self._well:
            await self.close()
            raise Unavailable(f"The OTLP receiver at {self._place} does not take events.")

    async def close(self) -> None:
        exporters, self._exporters = self._exporters, None
        if exporters is not None:
            await asyncio.to_thread(_shut, exporters)

    async def healthy(self) -> bool:
        return self._well

    def _send(self, events: Sequence[SessionEvent]) -> bool:
        traces, counts = self._exporters or self._open()
        sent = traces.export([spans.span(event, self._resource, SCOPE) for event in events])
        if sent is not SpanExportResult.SUCCESS:
            return False
        measured = metrics.of(events, self._resource, SCOPE)
        return measured is None or counts.export(measured) is MetricExportResult.SUCCESS

    def _open(self) -> tuple[OTLPSpanExporter, OTLPMetricExporter]:
        parts = urlsplit(self._settings.endpoint)
        headers = tuple((name.lower(), value) for name, value in self._settings.headers.items())
        insecure = parts.scheme == "http"
        self._exporters = (
            OTLPSpanExporter(endpoint=self._settings.endpoint, insecure=insecure, headers=headers, timeout=EXPORT_SECONDS),
            OTLPMetricExporter(endpoint=self._settings.endpoint, insecure=insecure, headers=headers, timeout=EXPORT_SECONDS),
        )
        return self._exporters


def _shut(exporters: tuple[OTLPSpanExporter, OTLPMetricExporter]) -> None:
    traces, counts = exporters
    traces.shutdown()
    counts.shutdown()
