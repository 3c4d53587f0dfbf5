"""`gen_ai.client.token.usage` and `gen_ai.client.operation.duration` of a batch of events, as increments."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    ResourceMetrics,
    ScopeMetrics,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from volundr.sdk import SessionEvent
from volundr_otel import spans

TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
"""Bounds that the conventions advise."""

COUNTED = "token_usage"
"""Tokens are counted where the forge's own figures count them; other events may repeat them, and do so in their span."""

type Labels = tuple[tuple[str, str], ...]


def of(events: Sequence[SessionEvent], resource: Resource, scope: InstrumentationScope) -> MetricsData | None:
    """None when there is nothing to count. Increments, not sums: no process has to remember what was counted before."""
    tokens: dict[Labels, list[float]] = defaultdict(list)
    seconds: dict[Labels, list[float]] = defaultdict(list)
    for event in events:
        about = _labels(event)
        for kind, count in (("input", event.tokens_in), ("output", event.tokens_out)):
            if count is not None and event.type == COUNTED:
                tokens[(*about, ("gen_ai.token.type", kind))].append(float(count))
        if event.duration_ms is not None and spans.operation(event):
            seconds[about].append(event.duration_ms / 1000)
    begin = min((spans.nanos(event) for event in events), default=0)
    end = max((spans.nanos(event) for event in events), default=0)
    measured = [
        Metric(name=name, description=description, unit=unit, data=_histogram(values, bounds, begin, end))
        for name, description, unit, values, bounds in (
            ("gen_ai.client.token.usage", "Tokens of a model", "{token}", tokens, TOKENS),
            ("gen_ai.client.operation.duration", "Time of an operation", "s", seconds, SECONDS),
        )
        if values
    ]
    if not measured:
        return None
    scoped = ScopeMetrics(scope=scope, metrics=measured, schema_url="")
    return MetricsData(resource_metrics=[ResourceMetrics(resource=resource, scope_metrics=[scoped], schema_url="")])


def _labels(event: SessionEvent) -> Labels:
    shown = spans.attributes(event)
    names = ("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model", "gen_ai.tool.name", "volundr.tenant.id")
    return tuple((name, str(shown[name])) for name in names if name in shown)


def _histogram(values: dict[Labels, list[float]], bounds: Sequence[float], begin: int, end: int) -> Histogram:
    return Histogram(data_points=list(_points(values, bounds, begin, end)), aggregation_temporality=AggregationTemporality.DELTA)


def _points(values: dict[Labels, list[float]], bounds: Sequence[float], begin: int, end: int) -> Iterator[HistogramDataPoint]:
    for labels, found in values.items():
        counts = [0] * (len(bounds) + 1)
        for value in found:
            counts[bisect_left(bounds, value)] += 1
        yield HistogramDataPoint(
            attributes=dict(labels),
            start_time_unix_nano=begin,
            time_unix_nano=end,
            count=len(found),
            sum=sum(found),
            bucket_counts=counts,
            explicit_bounds=bounds,
            min=min(found),
            max=max(found),
        )
