"""OpenTelemetry: session events as spans and metrics of the GenAI conventions. `[sinks.otel]` turns it on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from volundr.sdk import Adapters, EventSink, Invalid, hookimpl


@dataclass(frozen=True, slots=True, kw_only=True)
class OtelSettings:
    """`[sinks.otel]`. `endpoint` of an OTLP receiver over gRPC: `http://` without TLS, `https://` with it. `headers` may hold
    a key and are never shown. `service` is what the receiver calls this forge."""

    endpoint: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    service: str = "volundr"


def make(settings: OtelSettings) -> EventSink:
    """Raises Invalid when there is no address to send to."""
    try:
        parts = urlsplit(settings.endpoint)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.username
    except ValueError:
        fits = False
    if not fits:
        raise Invalid("[sinks.otel] endpoint must look like http://host:4317; keys belong into headers.")
    from volundr_otel.sink import OtelSink

    return OtelSink(settings)


@hookimpl
def volundr_adapters(adapters: Adapters) -> None:
    """Offer the sink."""
    adapters.offer(EventSink, "otel", OtelSettings, make)
