"""What Skuld costs by itself, in this process, without shim and gateway. `python -m tests.bench.skuld`"""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import uvloop

from tests.bench._kit import Row, percentile, show
from tests.skuld_kit import Process, Rig, skuld, until
from volundr.broker.events import AgentEvent, TextDelta, TextDone, ToolCalled, ToolEnded, TurnEnded


def events(count: int) -> list[Sequence[AgentEvent]]:
    """Lines as a busy agent prints them: mostly deltas, and every so often a tool call and a whole block."""
    lines: list[Sequence[AgentEvent]] = []
    for number in range(count):
        name = f"m{number // 10}"
        match number % 10:
            case 7:
                lines.append((ToolCalled(id=f"t{number}", name="Bash", title="make", input={"command": "make test"}),))
            case 8:
                lines.append((ToolEnded(id=f"t{number - 1}", ok=True, output="ok\n" * 20),))
            case 9:
                lines.append((TextDone(id=name, block=0, kind="text", text="word " * 7),))
            case _:
                lines.append((TextDelta(id=name, block=0, kind="text", text="word "),))
    return lines


async def throughput(rig: Rig, count: int, *, records_only: bool) -> float:
    """Events a second to one client, the agent printing as fast as it is listened to."""
    session = await rig.new()
    async with rig.client(session) as client:
        await client.send(type="send", id="m", text="go")
        await client.wait("turn_started")
        process = rig.world.of(session)
        lines = (
            [line for line in events(count * 4) if not isinstance(line[0], TextDelta)][:count] if records_only else events(count)
        )
        started = time.perf_counter()
        for at in range(0, len(lines), 50):
            process.lines += lines[at : at + 50]
            process.news.set()
            await asyncio.sleep(0)
        process.say(TurnEnded(status="ok"))
        while True:
            message = await client.socket.recv()
            assert isinstance(message, str)
            if '"type":"turn_finished"' in message:
                return len(lines) / (time.perf_counter() - started)


async def latency(rig: Rig, count: int, sessions: int = 1) -> list[float]:
    """Milliseconds from the agent's line to the client's socket, one at a time, others streaming 100 events a second each."""
    names = [await rig.new() for _ in range(sessions)]
    over = False

    async def noise(process: Process) -> None:
        number = 0
        while not over:
            number += 1
            process.say(TextDelta(id=f"n{number // 50}", block=0, kind="text", text="noise "))
            if number % 50 == 49:
                process.say(TextDone(id=f"n{number // 50}", block=0, kind="text", text="noise"))
            await asyncio.sleep(0.01)

    found = []
    async with asyncio.TaskGroup() as group, rig.client(names[0]) as client:
        await client.wait("caught_up")
        for name in names[1:]:
            group.create_task(noise(rig.world.of(name)))
        process = rig.world.of(names[0])
        for number in range(count):
            started = time.perf_counter()
            process.say(TextDone(id=str(number), block=0, kind="text", text="word " * 10))
            while True:
                message = await client.socket.recv()
                assert isinstance(message, str)
                if f'"id":"{number}"' in message:
                    break
            found.append((time.perf_counter() - started) * 1000)
            await asyncio.sleep(0.002)
        over = True
    return found


async def replay(rig: Rig, count: int) -> tuple[float, int]:
    """Seconds to attach and read this many records, frames parsed."""
    session = await rig.new()
    process = rig.world.of(session)
    process.lines += [line for line in events(count * 4) if not isinstance(line[0], TextDelta)][:count]
    process.news.set()
    await until(lambda: rig.skuld.manager.find(session).journal.stream.last_seq > count, 20)
    async with rig.client(session, tail=count) as client:
        started = time.perf_counter()
        await client.wait("caught_up")
        return time.perf_counter() - started, len(client.records())


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


async def speed(home: Path) -> list[Row]:
    rows = []
    async with skuld(home) as rig:
        words = await throughput(rig, 40_000, records_only=False)
        stored = await throughput(rig, 20_000, records_only=True)
        rows.append(Row(what="events a second, mostly words", value=words, unit="1/s", budget="> 10,000"))
        rows.append(Row(what="events a second, all stored", value=stored, unit="1/s"))
        for sessions in (1, 100):
            found, streaming = await latency(rig, 500, sessions), f"{sessions} streaming" if sessions > 1 else "alone"
            rows.append(Row(what=f"agent to socket, {streaming}, p50", value=median(found), unit="ms", budget="< 1"))
            rows.append(Row(what=f"agent to socket, {streaming}, p99", value=percentile(found, 99), unit="ms", budget="< 5"))
        seconds, count = await replay(rig, 10_000)
        rows.append(Row(what=f"replay of {count:,} events, parsed", value=seconds * 1000, unit="ms", budget="< 300"))
    return rows


async def idle(home: Path) -> list[Row]:
    """In a process of its own: memory that was used before says nothing."""
    async with skuld(home) as rig:
        before, opened = resident_mb(), time.perf_counter()
        for _ in range(1000):
            await rig.new()
        taken, spent = resident_mb() - before, time.perf_counter() - opened
    return [
        Row(what="1,000 idle sessions, RSS", value=taken, unit="MB", budget="< 500"),
        Row(what="one of them, until it is ready", value=spent, unit="ms"),
    ]


def main() -> None:
    title, work = ("Skuld, idle sessions", idle) if "idle" in sys.argv else ("Skuld alone, scripted agents", speed)
    with tempfile.TemporaryDirectory() as home, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        show(title, runner.run(work(Path(home))))


if __name__ == "__main__":
    main()
    if "idle" not in sys.argv:
        subprocess.run([sys.executable, "-m", "tests.bench.skuld", "idle"], check=True)
