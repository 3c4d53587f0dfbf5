"""What chaos does to a chat: cut sockets, slow readers, a full disk. Nothing is lost and nothing comes twice."""

import asyncio
import json
import os
import random
import subprocess
import sys
from pathlib import Path

from tests.bench.skuld import events
from tests.skuld_kit import Rig, World, skuld, until
from volundr.broker.events import Ready, TextDelta, TextDone, TurnEnded
from volundr.broker.log import Full, Log
from volundr.broker.recovery import Upkeep


def stored(home: Path, session: str) -> list[str]:
    """The records as they lie in the log."""
    text = (home / "sessions" / session / "log.ndjson").read_text(encoding="utf-8")
    return [line[10:] for line in text.splitlines()]


async def stream(rig: Rig, session: str, lines: int) -> None:
    """A long turn, printed in bursts while clients come and go."""
    process = rig.world.of(session)
    for number, line in enumerate(events(lines)):
        process.say(*line)
        if number % 20 == 0:
            await asyncio.sleep(0.001)
    process.say(TurnEnded(status="ok"))


def test_two_hundred_cuts_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    chance = random.Random(7)

    async def story() -> None:
        async with skuld(tmp_path) as rig, asyncio.TaskGroup() as group:
            session = await rig.new()
            turn = group.create_task(stream(rig, session, 6700))
            raw: list[str] = []
            epoch, cuts = "", 0
            while cuts < 200 or not turn.done():
                after = json.loads(raw[-1])["seq"] if raw else 0
                async with rig.client(session, epoch=epoch, after=after, tail=100_000) as client:
                    for _ in range(chance.randrange(1, 9)):
                        if client.frames and client.frames[-1]["type"] == "caught_up" and turn.done():
                            break
                        await client.read()
                    epoch = client.frames[0]["epoch"]
                    raw += client.raw
                    client.socket.transport.abort()
                cuts += 1
            async with rig.client(session, epoch=epoch, after=json.loads(raw[-1])["seq"]) as client:
                await client.wait("caught_up")
                raw += client.raw
            log = stored(tmp_path, session)
            assert len(log) > 2000
            assert raw == log, "byte for byte"
            await until(lambda: not rig.skuld.manager.find(session).journal.stream.clients)

    asyncio.run(story())


def test_a_reader_that_stops_falls_behind_costs_little_and_catches_up(tmp_path: Path) -> None:
    async def story() -> None:
        async with skuld(tmp_path) as rig:
            session = await rig.new()
            async with rig.client(session) as slow, rig.client(session) as quick:
                await slow.wait("caught_up")
                await quick.wait("caught_up")
                process = rig.world.of(session)
                journal = rig.skuld.manager.find(session).journal
                for number in range(600):
                    process.say(TextDelta(id=str(number), block=0, kind="text", text="d"))
                    process.say(TextDone(id=str(number), block=0, kind="text", text="x" * 20_000))
                    if number % 50 == 0:
                        await quick.read()
                await until(lambda: journal.stream.last_seq == 601)
                process.say(TextDelta(id="open", block=0, kind="text", text="not done"))
                ring = journal.stream
                assert sum(len(raw) for _, raw in ring._ring) <= 2 * 1024 * 1024 + 30_000
                await slow.wait("delta", id="open", text="not done")
                assert slow.raw == stored(tmp_path, session)
                process.say(TextDelta(id="open", block=0, kind="text", text="!"))
                assert (await slow.wait("delta", text="!"))["offset"] == 8
                quick.socket.transport.abort()

    asyncio.run(story())


def test_a_turn_of_ten_thousand_pieces_takes_at_most_twice_its_words_on_the_disk(tmp_path: Path) -> None:
    async def story() -> None:
        async with skuld(tmp_path) as rig:
            session = await rig.new()
            process, words = rig.world.of(session), 0
            for block in range(200):
                for _ in range(50):
                    process.say(TextDelta(id=str(block), block=0, kind="text", text="word "))
                process.say(TextDone(id=str(block), block=0, kind="text", text="word " * 50))
                words += 250
            process.say(TurnEnded(status="ok"))
            journal = rig.skuld.manager.find(session).journal
            await until(lambda: journal.stream.last_seq > 200, 20)
            await until(lambda: not journal.conversation.state.blocks)
            assert len(stored(tmp_path, session)) < 210, "one record a block, none a piece"
            await rig.skuld.manager.stop(session)
        folder = tmp_path / "sessions" / session
        size = sum(path.stat().st_size for path in folder.iterdir())
        print(f"{words} bytes of words, {size} on the disk: {size / words:.2f}")
        assert size <= 2 * words
        log = Log.open(folder, full=Full(records=100))
        log.append([b"{}"])
        await log.sync(log.end)
        Upkeep(folder, log).work()
        log.close()
        packed = sum(path.stat().st_size for path in folder.iterdir())
        print(f"packed: {packed / words:.2f}")
        assert packed < words / 2

    asyncio.run(story())


def test_skuld_ends_again_and_again_in_a_turn(tmp_path: Path) -> None:
    async def story() -> None:
        world = World()
        raw: list[str] = []
        epoch, session = "", ""
        lines = events(300)
        for life in range(6):
            async with skuld(tmp_path, world) as rig:
                session = session or await rig.new()
                process = world.of(session)
                async with rig.client(session, epoch=epoch, after=len(raw), tail=100_000) as client:
                    for line in lines[life * 50 : life * 50 + 50]:
                        process.say(*line)
                    wanted = lines[life * 50 + 49][0]
                    assert isinstance(wanted, TextDone)
                    await client.wait("agent_message", id=wanted.id)
                    epoch = client.frames[0]["epoch"]
                    raw += client.raw
        assert raw == stored(tmp_path, session)
        assert len(raw) == 1 + 300 * 3 // 10

    asyncio.run(story())


FULL = """
import asyncio, resource, signal, sys
from pathlib import Path
from tests.skuld_kit import skuld, until
from tests.test_broker_cuts import stored
from volundr.broker.events import TextDone, TurnEnded
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
home = Path(sys.argv[1])

async def main():
    async with skuld(home) as rig:
        session = await rig.new()
        async with rig.client(session) as ann:
            await ann.send(type="send", id="a", text="go")
            await ann.wait("turn_started")
            process = rig.world.of(session)
            resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))
            for number in range(40):
                process.say(TextDone(id=str(number), block=0, kind="text", text="x" * 100))
                await asyncio.sleep(0.001)
            broker = rig.skuld.manager.find(session)
            await until(lambda: bool(broker.journal.stuck))
            await ann.send(type="send", id="b", text="more")
            rejected = await ann.wait("rejected", id="b")
            assert "cannot be written" in rejected["error"], rejected
            shown = [r["seq"] for r in ann.records()]
            assert shown == list(range(1, len(shown) + 1)) and len(shown) < 30
            assert len(stored(home, session)) == len(shown), "what was shown is in the log, and nothing else is"
            assert process.settled < 40
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            await ann.wait("agent_message", id="39")
            await ann.send(type="send", id="b", text="more")
            await ann.wait("stored", id="b")
            process.say(TurnEnded(status="ok"))
            await ann.wait("turn_started", turn=2)
            assert ann.raw == stored(home, session)
            await until(lambda: process.settled == 41)

asyncio.run(main())
"""


def test_a_full_disk_stops_the_agent_not_the_session_and_room_mends_it(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    ran = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=False, timeout=60, env=environment
    )
    assert ran.returncode == 0, ran.stderr[-3000:]


def test_ready_is_reported_once_however_often_the_agent_says_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with skuld(tmp_path) as rig:
            session = await rig.new()
            async with rig.client(session) as ann:
                for model in ("a", "a", "b"):
                    rig.world.of(session).say(Ready(native="n", model=model))
                await ann.wait("agent_state", model="b")
                assert [r["model"] for r in ann.records() if r.get("state") == "ready"] == ["a", "b"]

    asyncio.run(story())
