"""The thousand cuts: a browser's socket cut at 1,000 random points of a session of 10,000 events, and Skuld killed at 50.

What the page put together is the uninterrupted transcript, byte for byte: nothing lost, nothing twice.
"""

import asyncio
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chat_client import Frame
from tests.e2e.forge import Forge, forge_at
from tests.kill.cuts import CutClient, Line, Page
from volundr.broker.log import Log
from volundr.process import Tasks

pytestmark = pytest.mark.e2e

CUTS, KILLS, EVENTS = 1000, 50, 10_000
ROUNDS, WORDS, PAUSE = 60, 6, 0.003
LIMIT = 240.0
EAGER = Path(__file__).with_name("eager.py")
SCRIPT = "".join(f"{{{{slow: {WORDS} {PAUSE}}}}}{{{{read: round{number}}}}}" for number in range(ROUNDS)) + "{{text: end of it}}"
ROUND = "".join(f"word{number} " for number in range(WORDS))


@pytest.fixture
def eager(tmp_path: Path) -> Iterator[Forge]:
    """A forge that starts a killed Skuld again at once."""
    with forge_at(tmp_path / "home", program=(sys.executable, str(EAGER))) as forge:
        yield forge


def test_a_thousand_cuts_and_fifty_kills_lose_nothing_and_double_nothing(eager: Forge) -> None:
    seed = int(os.environ.get("VOLUNDR_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
    print(f"seed {seed} (VOLUNDR_TEST_SEED={seed} repeats it)")
    asyncio.run(story(eager, seed))


async def story(forge: Forge, seed: int) -> None:
    chance = random.Random(seed)
    session = (await asyncio.to_thread(forge.session, "cuts"))["id"]
    begun = time.monotonic()
    async with Line(chance, int(forge.url.rpartition(":")[2])).open() as line, asyncio.timeout(LIMIT):
        client = CutClient(session, lambda: (forge.url, forge.token), line=line)
        tasks = Tasks()
        running = tasks.spawn(client.run(), name="chat")
        killer = tasks.spawn(kill(forge, chance), name="kill")
        said = []
        while len(line.cuts) < CUTS or not killer.done() or events(client) < EVENTS:
            said.append(await client.say(SCRIPT))
            await until(lambda: turns(client) >= len(said), running)
        killed = killer.result()
        cuts = len(line.cuts)
        line.whole = True
        await until(lambda: len(stored(forge, session)) == client.seq, running)
        await tasks.close()
    spent = time.monotonic() - begun
    log = stored(forge, session)
    inside = sum(1 for size in line.cuts if size > 700)
    print(
        f"{cuts} cuts ({inside} among the frames, {cuts - inside} in the handshake or the first frame), {killed} kills of Skuld, "
        f"{events(client)} events ({len(log)} records, {client.page.deltas} pieces), {client.connections} connections, "
        f"{spent:.0f} s"
    )
    assert client.arrived == list(range(1, len(log) + 1)), "a record was missed or came twice"
    assert [client.raw[seq] for seq in client.arrived] == log
    assert [ending(one) for one in client.records if one["type"] == "turn_finished"] == [("ok", "")] * len(said)
    assert_page(client.page, len(said))
    assert [one["id"] for one in client.records if one["type"] == "user_message"] == said, "each message once, in its order"
    assert await uninterrupted(forge, session) == log
    assert killed == KILLS


def assert_page(page: Page, turns: int) -> None:
    """What the demo agent was told to say, whatever its pieces went through."""
    assert page.shown == [*[ROUND] * ROUNDS, "end of it"] * turns
    assert page.holes == []
    assert page.wrong == []
    assert page.growing == {}


async def kill(forge: Forge, chance: random.Random) -> int:
    """`kill -9` at random moments of Skuld's lives, early ones too: it is killed while it recovers as well."""
    before = 0
    for _ in range(KILLS):
        await until(lambda: (forge.home / "run/skuld.json").exists() and forge.pid("skuld") != before)  # noqa: B023 - asked now
        await asyncio.sleep(chance.uniform(0.1, 1.0))
        before = forge.kill("skuld")
    return KILLS


async def uninterrupted(forge: Forge, session: str) -> list[bytes]:
    """The same session as one sees it whose line is never cut."""
    async with Line(random.Random(0), int(forge.url.rpartition(":")[2]), whole=True).open() as line:
        client = CutClient(session, lambda: (forge.url, forge.token), line=line)
        tasks = Tasks()
        running = tasks.spawn(client.run(), name="chat")
        async with asyncio.timeout(30):
            await until(client.attached.is_set, running)
        await tasks.close()
        assert client.connections == 1
        return [client.raw[seq] for seq in client.arrived]


def stored(forge: Forge, session: str) -> list[bytes]:
    log = Log.peek(forge.home / "sessions" / session)
    assert log is not None
    return log.read(1, log.last_seq)


def turns(client: CutClient) -> int:
    return sum(one["type"] == "turn_finished" for one in client.records)


def ending(turn: Frame) -> tuple[str, str]:
    return turn["status"], turn["error"]


def events(client: CutClient) -> int:
    """What the agent did: the words it said one by one, and the records of it."""
    whole = sum(1 for one in client.records if one["type"] in {"agent_message", "tool_started", "tool_finished"})
    return whole + sum(WORDS for one in client.records if one["type"] == "agent_message")


async def until(true: Callable[[], object], running: asyncio.Task[None] | None = None) -> None:
    """Within the limit of who waits; raises what broke the client."""
    while not true():
        if running is not None and running.done():
            running.result()
        await asyncio.sleep(0.01)
