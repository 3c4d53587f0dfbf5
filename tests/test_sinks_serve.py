"""A server of four workers whose events go to a real RabbitMQ and a real OTLP receiver, by its settings file alone."""

import asyncio
import json
import signal
from pathlib import Path

import pytest

from tests.conftest import NO_POSTGRES, POSTGRES
from tests.rabbit import MISSING, PROGRAM, Rabbit, free_port, rabbit
from tests.server_kit import Server, schema, server, wait_for
from tests.test_otel import Receiver, receiving
from tests.test_rabbitmq import bound

MANY = 300
PASSWORD = "shown-nowhere-5d1e"


def tell(at: Server, session: str, first: int) -> None:
    for number in range(first, first + MANY, 50):
        events = [
            {"type": "tool_use", "sequence": place, "at": "2026-11-01T12:00:00Z", "data": {"tool": "Bash"}, "duration_ms": 40}
            for place in range(number, number + 50)
        ]
        assert at.ask("POST", f"/api/v1/sessions/{session}/events/batch", json={"events": events}).status_code == 201


def sinks(at: Server) -> dict[str, dict[str, object]]:
    return {one["name"]: one for one in at.ask("GET", "/api/v1/events/sinks").json()["sinks"]}


def delivered(at: Server) -> bool:
    return all(one["healthy"] and one["lag_events"] == 0 for one in sinks(at).values())


async def places(broker: Rabbit, session: str) -> list[int]:
    """Of the session's events, in the order of their first arrival."""
    found: dict[str, int] = {}
    async with bound(broker.url) as queue:
        while (message := await queue.get(fail=False, no_ack=True)) is not None:
            said = json.loads(message.body)
            if said["session_id"] == session and said["type"] == "tool_use":
                found.setdefault(said["id"], said["sequence"])
    return list(found.values())


async def ready(broker: Rabbit) -> None:
    await broker.up()
    async with bound(broker.url):
        pass


@pytest.mark.e2e
@pytest.mark.skipif(not POSTGRES, reason=NO_POSTGRES)
@pytest.mark.skipif(not PROGRAM.exists(), reason=MISSING)
def test_four_workers_deliver_through_an_outage_of_both(tmp_path: Path) -> None:
    receiver, port = Receiver(), free_port()
    with rabbit(tmp_path / "rabbit") as broker, schema() as url:
        home = tmp_path / "home"
        home.mkdir(mode=0o700)
        (home / "config.toml").write_text(
            f'[sinks.rabbitmq]\nurl = "{broker.url}"\n\n'
            f'[sinks.otel]\nendpoint = "http://127.0.0.1:{port}"\nheaders = {{ x-key = "{PASSWORD}" }}\n'
        )
        broker.start()
        asyncio.run(ready(broker))
        with server(home, url, "--workers", "4") as one:
            one.up()
            session = one.ask("POST", "/api/v1/sessions", json={"name": "x", "agent": "demo"}).json()["id"]
            with receiving(receiver, port):
                tell(one, session, 1)
                wait_for("both to have all", lambda: delivered(one))
            broker.end(signal.SIGKILL)
            tell(one, session, MANY + 1)
            wait_for("both to be known as down", lambda: not any(sinks(one)[name]["healthy"] for name in ("rabbitmq", "otel")))
            seen = one.ask("GET", "/api/v1/events/sinks").text
            assert "guest" not in seen
            assert PASSWORD not in seen
            broker.start()
            with receiving(receiver, port):
                wait_for("both to have all again", lambda: delivered(one), 90)
            assert one.end() == 0
        assert asyncio.run(places(broker, session)) == list(range(1, 2 * MANY + 1))
        tools = {span.span_id for span in receiver.spans if span.name == "execute_tool Bash"}  # type: ignore[attr-defined]
        assert len(tools) == 2 * MANY
        logs = "".join(path.read_text(errors="replace") for path in home.rglob("*.log"))
        assert "guest:guest" not in logs
        assert PASSWORD not in logs
