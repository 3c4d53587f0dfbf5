"""The log of a long session, without anything around it. `python -m tests.bench.log`"""

import asyncio
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench._kit import Row, show
from volundr.broker.codec import Entry, encode_entry
from volundr.broker.conversation import Conversation
from volundr.broker.history import past
from volundr.broker.log import Log
from volundr.broker.parts import Capabilities
from volundr.broker.records import AgentMessage, Record, ToolFinished, ToolStarted, TurnFinished, TurnStarted, UserMessage
from volundr.broker.recovery import Told, Upkeep, recover
from volundr.broker.scan import CHECKPOINT

LONG, REPLAYED, BATCH = 100_000, 10_000, 4


def records(count: int) -> Iterator[Record]:
    """Turns of ten records: a message, three tools with some output, an answer."""
    for number in range(count):
        turn = 1 + number // 10
        match number % 10:
            case 0:
                yield UserMessage(id=f"m{number}", by="ann", text=f"Please look at file number {number} and mend what is broken")
            case 1:
                yield TurnStarted(turn=turn, messages=(f"m{number - 1}",))
            case 9:
                yield TurnFinished(turn=turn, status="ok")
            case 8:
                yield AgentMessage(
                    id=f"a{number}", block=0, kind="text", text=f"In line {number * 31 % 997} there was a mistake. " * 8
                )
            case odd if odd % 2:
                yield ToolFinished(id=f"t{number - 1}", ok=True, output=f"{number * 7919 % 10007} passed\n" * 12)
            case _:
                title = f"make part{number}"
                yield ToolStarted(id=f"t{number}", name="Bash", title=title, kind="execute", input={"command": title})


def lines(count: int) -> Sequence[bytes]:
    return [encode_entry(Entry(1 + at, "2026-01-01T00:00:00.000Z", 1 + at, record)) for at, record in enumerate(records(count))]


def conversation() -> Conversation:
    return Conversation(
        epoch="",
        agent="demo",
        model="",
        capabilities=Capabilities(),
        always=frozenset(),
        lost=lambda _: False,
        hint=lambda _: "",
    )


async def written(log: Log, raws: Sequence[bytes], *, durable: bool) -> float:
    """Seconds for all of it, four records at a time; `durable`: each batch on the disk before the next."""
    started = time.perf_counter()
    for at in range(0, len(raws), BATCH):
        log.append(raws[at : at + BATCH])
        if durable or at % 4000 == 0:
            await log.sync(log.end)
    await log.sync(log.end)
    return time.perf_counter() - started


def bare(path: Path, raws: Sequence[bytes]) -> float:
    """The same bytes in the same batches written to a plain file."""
    started = time.perf_counter()
    with path.open("wb", buffering=0) as file:
        for at in range(0, len(raws), BATCH):
            file.write(b"\n".join(raws[at : at + BATCH]))
    return time.perf_counter() - started


def opened(folder: Path) -> tuple[Log, float]:
    found, started = conversation(), time.perf_counter()
    log = recover(folder, found, Told())
    return log, time.perf_counter() - started


def spent(work: object) -> float:
    started = time.perf_counter()
    assert callable(work)
    work()
    return time.perf_counter() - started


async def measured(folder: Path) -> list[Row]:
    raws = lines(LONG)
    size = sum(map(len, raws))
    floor = bare(folder / "floor", raws)
    log, _ = opened(folder / "log")
    seconds = await written(log, raws, durable=False)
    rows = [Row(what="append, batches of 4", value=LONG / seconds, unit="records/s", floor=LONG / floor)]
    synced = await written(Log.open(folder / "synced"), raws[:2000], durable=True)
    rows.append(Row(what="append, each batch on the disk", value=2000 / BATCH / synced, unit="batches/s"))
    plain = log.due()
    assert isinstance(log.upkeep, Upkeep)
    before = sum(size for _, size in plain)
    seconds = spent(log.upkeep.work)
    packed = sum(path.stat().st_size for path in (folder / "log").glob("*.z"))
    rows += [
        Row(what="packing: bytes left of 100", value=100 * packed / before, unit="bytes", budget="stored <= 2 x transcript"),
        Row(what=f"packing and checkpoint of {LONG:,}, in a thread", value=seconds, unit="s"),
    ]
    log.close()
    again, quick = opened(folder / "log")
    seconds = spent(lambda: again.read(LONG - REPLAYED + 1, LONG))
    again.release()
    rows += [
        Row(what=f"open {LONG:,} records ({size / 1e6:.0f} MB)", value=quick * 1000, unit="ms", budget="< 300"),
        Row(what=f"replay {REPLAYED:,} records", value=seconds * 1000, unit="ms"),
        Row(what="a page of 500 from the middle, not running", value=pages(folder / "log") * 1000, unit="ms"),
    ]
    (folder / "log" / CHECKPOINT).unlink()
    whole, slow = opened(folder / "log")
    whole.release()
    rows.append(Row(what="open without its checkpoint", value=slow * 1000, unit="ms"))
    return rows


def pages(folder: Path) -> float:
    return spent(lambda: past(folder, LONG // 2, 500))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        show("The log of a session", asyncio.run(measured(Path(folder))))


if __name__ == "__main__":
    main()
