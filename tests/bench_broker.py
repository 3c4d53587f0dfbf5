"""What Skuld costs: `python -m tests.bench_broker [idle]` prints figures; `build.py bench` uses `measure`."""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles

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


async def measure(home: Path) -> dict[str, float]:
    figures: dict[str, float] = {}
    async with skuld(home) as rig:
        figures["events_per_second"] = round(await throughput(rig, 40_000, records_only=False))
        figures["records_per_second"] = round(await throughput(rig, 20_000, records_only=True))
        for sessions in (1, 100):
            found = await latency(rig, 500, sessions)
            figures[f"added_ms_p50_{sessions}"] = round(median(found), 3)
            figures[f"added_ms_p99_{sessions}"] = round(quantiles(found, n=100)[98], 3)
        seconds, count = await replay(rig, 10_000)
        figures["replay_10k_ms"] = round(seconds * 1000)
        figures["replayed"] = count
    return figures


async def measure_idle(home: Path) -> dict[str, float]:
    """In a process of its own: memory that was used before says nothing."""
    figures: dict[str, float] = {}
    async with skuld(home) as rig:
        before, opened = resident_mb(), time.perf_counter()
        for _ in range(1000):
            await rig.new()
        figures["mb_of_1000_idle_sessions"] = round(resident_mb() - before)
        figures["ms_per_session_start"] = round(time.perf_counter() - opened, 2)
    return figures


def main() -> None:
    import uvloop

    with tempfile.TemporaryDirectory() as home, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        work = measure_idle if "idle" in sys.argv else measure
        print(json.dumps(runner.run(work(Path(home))), indent=2))


if __name__ == "__main__":
    main()
