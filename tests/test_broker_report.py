"""What Skuld tells the forge: the newest state, also after the forge was away, and never too often."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.skuld_kit import skuld, until
from volundr.broker.events import Ready, TextDone, TurnEnded
from volundr.broker.parts import Activity
from volundr.broker.report import News, Reporter
from volundr.domain.tickets import derive
from volundr.process import Tasks


@dataclass
class Forge:
    """Takes reports over real HTTP; answers with `status`."""

    status: int = 204
    port: int = 0
    heard: list[dict[str, Any]] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    calls: int = 0

    def told(self) -> dict[str, Any]:
        """The newest activity, or nothing yet."""
        return next((one for one in reversed(self.heard) if "state" in one), {"state": ""})

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(int(line.split(":")[1]) for line in head.splitlines() if line.lower().startswith("content-length"))
        body = json.loads(await reader.readexactly(length))
        self.calls += 1
        if self.status < 400 and head.startswith("PUT"):
            self.heads.append(head)
            self.heard.append(body)
        writer.write(f"HTTP/1.1 {self.status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self.take, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield f"http://127.0.0.1:{self.port}/api/v1/sessions/x/activity"


def news(number: int) -> News:
    return News(activity=Activity(state="working", what=str(number)), messages=number)


def test_a_burst_is_told_as_first_and_last(tmp_path: Path) -> None:
    async def story() -> None:
        forge, tasks = Forge(), Tasks()
        async with forge.open() as url:
            reporter = Reporter(url, "secret")
            tasks.spawn(reporter.run(), name="report")
            for number in range(100):
                reporter.tell(news(number))
                await asyncio.sleep(0)
            assert await reporter.flush(3)
            assert forge.heard[-1]["what"] == "99"
            assert forge.calls <= 3
            assert "authorization: bearer secret" in forge.heads[0].lower()
            await tasks.close()

    asyncio.run(story())


def test_a_forge_that_was_away_or_troubled_hears_the_newest_when_it_is_back(tmp_path: Path) -> None:
    async def story() -> None:
        forge, tasks = Forge(), Tasks()
        async with forge.open() as url:
            pass
        reporter = Reporter(url, "secret")
        tasks.spawn(reporter.run(), name="report")
        reporter.tell(news(1))
        assert not await reporter.flush(0.05)
        reporter.tell(news(2))
        forge.status = 503
        async with forge.open():
            await until(lambda: forge.calls > 0)
            forge.status = 204
            assert await reporter.flush(5)
        assert [one["what"] for one in forge.heard] == ["2"]
        await tasks.close()

    asyncio.run(story())


def test_a_session_reports_what_it_does_and_that_it_stopped(tmp_path: Path) -> None:
    async def story() -> None:
        forge = Forge()
        async with forge.open() as url, skuld(tmp_path) as rig:
            session = await rig.new(report_url=url)
            async with rig.client(session) as ann:
                await ann.send(type="send", id="m", text="x")
                await until(lambda: any(one.get("state") == "working" for one in forge.heard))
                rig.world.of(session).say(Ready(model="big"), TextDone(id="a", block=0, kind="text", text="hi"))
                rig.world.of(session).say(TurnEnded(status="ok"))
                await until(lambda: forge.told()["state"] == "idle")
            assert (forge.told()["messages"], forge.told()["model"]) == (2, "big")
            await rig.skuld.manager.stop(session)
            assert forge.told()["state"] == "stopped"
            assert f"Bearer {derive('s3', 'report')}" in forge.heads[-1]

    asyncio.run(story())
