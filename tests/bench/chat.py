"""What Skuld, shim and gateway add to an agent's lines, against the same lines from a bare pipe. `python -m tests.bench.chat`"""

import asyncio
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median
from uuid import uuid4

import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.bench._kit import AGENT, Row, percentile, printing_forge, show
from tests.e2e.forge import Forge

DELTAS = 50_000
BLOCKS = 10_000
CLOCK = "clock 500 0.004"
ROUNDS = 3
_TIME = re.compile(r'"text":"t(\d+)\."')


@asynccontextmanager
async def attached(forge: Forge, session: str, tail: int = 1) -> AsyncIterator[ClientConnection]:
    ticket = await asyncio.to_thread(forge.api, "POST", f"/sessions/{session}/ticket")
    protocols = [Subprotocol("volundr.chat.v1"), Subprotocol(f"volundr.ticket.{ticket['ticket']}")]
    headers = {"authorization": f"Bearer {forge.token}"}
    address = forge.url.replace("http", "ws", 1) + ticket["path"]
    async with connect(
        address, subprotocols=protocols, additional_headers=headers, max_size=None, max_queue=None, compression=None
    ) as socket:
        await socket.send(f'{{"type":"attach","tail":{tail}}}')
        yield socket


async def ask(socket: ClientConnection, words: str) -> AsyncIterator[str]:
    """Say it, and what comes until the turn is over."""
    await socket.send(f'{{"type":"send","id":"{uuid4()}","text":"{words}"}}')
    while True:
        message = str(await socket.recv())
        yield message
        if '"type":"turn_finished"' in message:
            return


async def bare(words: str) -> AsyncIterator[str]:
    """The same lines without Volundr: a pipe."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-S", str(AGENT), *words.split(), stdout=pipe, limit=1 << 20)
    assert process.stdout is not None
    while chunk := await process.stdout.read(1 << 16):
        yield chunk.decode()
    await process.wait()


async def delays(stream: AsyncIterator[str]) -> list[float]:
    """Milliseconds from the print to here, for each line that tells when it was printed."""
    found = []
    async for message in stream:
        now = time.perf_counter_ns()
        found += [(now - int(at)) / 1e6 for at in _TIME.findall(message)]
    return found


async def rate(stream: AsyncIterator[str], count: int) -> float:
    """Lines a second, from the first one that comes to the last."""
    begun = 0.0
    async for message in stream:
        if not begun and (
            "agent_message" in message or "delta" in message or "assistant" in message or "stream_event" in message
        ):
            begun = time.perf_counter()
    return count / (time.perf_counter() - begun)


async def latencies(forge: Forge) -> list[Row]:
    session = (await asyncio.to_thread(forge.session, "latency", "claude"))["id"]
    through: list[float] = []
    floor: list[float] = []
    async with attached(forge, session) as socket:
        for _ in range(ROUNDS):
            through += await delays(ask(socket, CLOCK))
            floor += await delays(bare(CLOCK))
    rows = []
    for which, budget in ((50, "< 1"), (99, "< 5")):
        added = percentile(through, which) - percentile(floor, which)
        what = f"agent to browser, p{which}"
        rows.append(Row(what=what, value=percentile(through, which), unit="ms", floor=percentile(floor, which)))
        rows.append(Row(what=f"added, p{which}", value=added, unit="ms", budget=budget))
    return rows


async def rates(forge: Forge) -> list[Row]:
    session = (await asyncio.to_thread(forge.session, "rates", "claude"))["id"]
    rows = []
    async with attached(forge, session) as socket:
        for what, words, count in (
            ("events a second, mostly words", f"deltas {DELTAS}", DELTAS),
            ("events a second, all stored", f"blocks {BLOCKS}", BLOCKS),
        ):
            through = median([await rate(ask(socket, words), count) for _ in range(ROUNDS)])
            floor = median([await rate(bare(words), count) for _ in range(ROUNDS)])
            rows.append(Row(what=what, value=through, unit="1/s", floor=floor, budget="> 10,000"))
    return rows


async def replay(forge: Forge) -> list[Row]:
    session = (await asyncio.to_thread(forge.session, "replay", "claude"))["id"]
    async with attached(forge, session) as socket:
        async for _ in ask(socket, f"blocks {BLOCKS}"):
            pass
    spent = []
    for _ in range(5):
        begun = time.perf_counter()
        async with attached(forge, session, tail=BLOCKS) as socket:
            while '"type":"caught_up"' not in str(await socket.recv()):
                pass
            spent.append((time.perf_counter() - begun) * 1000)
    return [Row(what=f"attach and replay of {BLOCKS:,} events", value=median(spent), unit="ms", budget="< 300")]


async def main(forge: Forge) -> None:
    show("Latency", await latencies(forge))
    show("Throughput, one browser", await rates(forge))
    show("Replay", await replay(forge))


if __name__ == "__main__":
    with printing_forge() as running:
        uvloop.run(main(running))
