"""/metrics: for Prometheus"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from volundr import __version__
from volundr.api.deps import service
from volundr.api.security import allowed
from volundr.domain.identity import Principal
from volundr.domain.metrics import BUCKETS, Census, Label, MeterExchange

router = APIRouter(tags=["Health"])


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(
    _: Annotated[Principal, Depends(allowed("system.metrics"))],
    meters: Annotated[MeterExchange, Depends(service(MeterExchange))],
    census: Annotated[Census, Depends(service(Census))],
) -> Response:
    """Prometheus' text format; give your Prometheus an access token as `bearer_token`."""
    counts, sessions = await meters.all(), await census.sessions()
    text = await asyncio.to_thread(exposed, counts, sessions)  # the first one imports the library
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


def exposed(counts: Mapping[Label, Sequence[float]], sessions: Mapping[str, int]) -> bytes:
    """Everything in Prometheus' text format, with what its library knows of this process."""
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
    from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily, Metric
    from prometheus_client.registry import Collector

    requests = HistogramMetricFamily(
        "volundr_http_request_seconds", "Time until an answer of the API began.", labels=("method", "route", "status")
    )
    for label, row in sorted(counts.items()):
        bounds = [*(str(bound) for bound in BUCKETS), "+Inf"]
        running = [sum(row[: place + 1]) for place in range(len(bounds))]
        requests.add_metric(label, list(zip(bounds, running, strict=True)), row[-1])
    there = GaugeMetricFamily("volundr_sessions", "Sessions by status.", labels=("status",))
    for status, many in sorted(sessions.items()):
        there.add_metric([status], many)
    about = InfoMetricFamily("volundr", "Which Volundr this is.", value={"version": __version__})

    class Found(Collector):
        def collect(self) -> list[Metric]:
            return [about, there, requests]

    registry = CollectorRegistry()
    registry.register(Found())
    ProcessCollector(registry=registry)
    return generate_latest(registry)
