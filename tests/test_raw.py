"""What an agent really said, for whoever has to find out."""

import asyncio
import time
from pathlib import Path

from tests.skuld_kit import skuld, until
from volundr.broker.demo.plugin import DemoAgent
from volundr.broker.transports import raw
from volundr.broker.transports.raw import RawLines
from volundr.broker.transports.stdio import StdioTransport
from volundr.domain.sessions.spec import SessionSpec
from volundr.domain.tickets import issue


def test_the_newest_lines_are_kept_and_no_more_than_is_bearable() -> None:
    kept = RawLines()
    for number in range(raw.MOST_LINES + 5):
        kept.note(number, f"line {number}")
    assert len(kept.last(10_000)) == raw.MOST_LINES
    assert kept.last(2) == [
        (raw.MOST_LINES + 3, f"line {raw.MOST_LINES + 3}"),
        (raw.MOST_LINES + 4, f"line {raw.MOST_LINES + 4}"),
    ]
    for number in range(100):
        kept.note(number, "x" * raw.MOST_CHARACTERS)
    assert sum(len(line) for _, line in kept.last(10_000)) <= raw.MOST_CHARACTERS
    assert not kept.last(0)


def test_a_sessions_raw_lines_can_be_asked_for(tmp_path: Path) -> None:
    async def main() -> None:
        agents = {"demo": DemoAgent(tmp_path / "sessions")}
        async with skuld(tmp_path, agents=agents, transport=lambda _: StdioTransport()) as rig:
            spec = SessionSpec(
                session_id="s1",
                name="n",
                agent="demo",
                transport="stdio",
                workspace=str(tmp_path),
                secret="s3",
                env={"HOME": "/"},
            )
            await rig.skuld.manager.start(spec)
            broker = rig.skuld.manager.find("s1")
            await until(lambda: bool(broker.raw(1)), 10)
            status, answer = await rig.http("GET", "/s/s1/raw?lines=1", issue("s3", "s1", "ann", time.time()))
            assert status == 200
            assert answer["lines"][0]["line"] == 1
            assert "control_response" in answer["lines"][0]["text"]
            await rig.skuld.manager.stop("s1")

    asyncio.run(main())
