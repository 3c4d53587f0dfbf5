"""/metrics, as Prometheus' own parser reads it."""

import asyncio
import json
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.forge import Site, in_forge
from volundr.api.metrics import exposed
from volundr.domain.metrics import Meter, summed
from volundr.local.meters import MeterFiles

LIST = ("GET", "/api/v1/sessions", "200")


def values(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """Samples by name and labels; `le` comes first, then method, route, status."""
    samples = [one for family in text_string_to_metric_families(text) for one in family.samples]
    return {(one.name, tuple(value for _, value in sorted(one.labels.items()))): one.value for one in samples}


def test_requests_and_sessions_are_counted(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        for _ in range(3):
            await site.http.get("/api/v1/sessions")
        await site.http.post("/api/v1/sessions", json={"name": "one", "agent": "demo", "start": False})
        await site.http.get("/api/v1/nowhere")
        found = values((await site.http.get("/metrics")).text)
        assert found["volundr_http_request_seconds_count", LIST] == 3
        assert found["volundr_http_request_seconds_bucket", ("+Inf", *LIST)] == 3
        assert found["volundr_sessions", ("created",)] == 1
        assert found["volundr_http_request_seconds_count", ("GET", "", "404")] == 1
        assert found["process_resident_memory_bytes", ()] > 1_000_000

    in_forge(tmp_path, scenario)


def test_who_is_nobody_sees_no_numbers(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        answer = await site.http.get("/metrics", headers={"authorization": "Bearer wrong"})
        assert answer.status_code == 401

    in_forge(tmp_path, scenario)


def test_buckets_hold_what_took_at_most_that_long() -> None:
    meter = Meter()
    for seconds in (0.0005, 0.001, 0.0011, 99.0):
        meter.note(LIST, seconds)
    found = values(exposed(meter.counts, {}).decode())
    assert found["volundr_http_request_seconds_bucket", ("0.001", *LIST)] == 2
    assert found["volundr_http_request_seconds_bucket", ("10.0", *LIST)] == 3
    assert found["volundr_http_request_seconds_bucket", ("+Inf", *LIST)] == 4
    assert found["volundr_http_request_seconds_sum", LIST] == 0.0005 + 0.001 + 0.0011 + 99.0


def test_the_worker_that_is_asked_knows_what_the_others_counted(tmp_path: Path) -> None:
    one, other = Meter(), Meter()
    one.note(LIST, 0.1)
    other.note(LIST, 0.2)
    (tmp_path / "4711.json").write_text(json.dumps([[*LIST, other.counts[LIST]]]))
    (tmp_path / "4712.json").write_text("{half")
    files = MeterFiles(tmp_path, one)

    async def main() -> None:
        await files.save()
        assert await files.all() == summed([one.counts, other.counts])

    asyncio.run(main())
    assert len(list(tmp_path.glob("*.json"))) == 3
