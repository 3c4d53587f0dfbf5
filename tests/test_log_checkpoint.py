"""A long session opens from its checkpoint, and is the same session as one that is read from its first record."""

import asyncio
import json
import time
import tracemalloc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volundr.broker.checkpoint import fingerprint, load
from volundr.broker.codec import Entry, encode_entry
from volundr.broker.conversation import Conversation
from volundr.broker.epochs import epoch_of
from volundr.broker.frames import Attach, Hello
from volundr.broker.history import past
from volundr.broker.log import Log
from volundr.broker.parts import Activity, Attachment, Capabilities, Choice, Rule, Task, Usage
from volundr.broker.records import (
    AgentMessage,
    AgentOffers,
    AgentState,
    Chosen,
    InterruptRequested,
    MessageSeen,
    Notice,
    PermissionDecided,
    PermissionRaised,
    PlanChanged,
    Record,
    ToolFinished,
    ToolStarted,
    TurnFinished,
    TurnStarted,
    UserMessage,
)
from volundr.broker.recovery import Told, Upkeep, recover
from volundr.broker.scan import CHECKPOINT
from volundr.broker.state import State
from volundr.broker.stream import Client, Stream
from volundr.broker.typed import codec


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


def opening() -> list[Record]:
    """Something of every kind that leaves a trace in the state."""
    file = Attachment(id="f" * 32, name="a.png", media_type="image/png", size=3)
    rule = Rule(tool="Bash", subject="ls")
    asked: dict[str, Any] = {
        "tool": "Bash",
        "title": "ls",
        "input": {"command": "ls", "deep": [1, {"a": None}]},
        "rules": (rule,),
    }
    return [
        AgentState(state="starting", run="r1", agent="demo"),
        AgentState(state="ready", run="r1", agent="demo", model="m", mode="plan", native="n1"),
        AgentOffers(models=(Choice(id="m", label="M"),)),
        PlanChanged(tasks=(Task(text="one"), Task(text="two", state="done"))),
        Chosen(model="m2", by="ann"),
        UserMessage(id="u1", by="ann", text="go\ud800 — ", attachments=(file,)),
        TurnStarted(turn=1, messages=("u1",)),
        MessageSeen(id="u1"),
        PermissionRaised(id="p1", scopes=("once", "session"), native={"id": 4}, **asked),
        PermissionDecided(id="p1", decision="allow", scope="session", by="ann"),
        ToolStarted(id="t1", name="Bash", title="ls", kind="execute", input={"command": "ls"}),
        PermissionRaised(id="p2", scopes=("once",), **asked),
        UserMessage(id="u2", by="bob", text="later", attachments=(file,)),
        Notice(level="warning", text="slow", detail="very"),
    ]


def working(count: int) -> Iterator[Record]:
    for number in range(count):
        match number % 10:
            case 0:
                yield UserMessage(id=f"m{number}", by="ann", text="do it " * 10)
            case 1:
                yield TurnStarted(turn=2 + number // 10, messages=(f"m{number - 1}",))
            case 9:
                yield TurnFinished(
                    turn=2 + number // 10, status="failed", error="x", usage=(Usage(model="m", input=1, cost_usd=0.5),)
                )
            case 8:
                yield AgentMessage(id=f"a{number}", block=0, kind="text", text=f"some words {number} " * 9)
            case odd if odd % 2:
                yield ToolFinished(id=f"t{number - 1}", ok=True, output="line\n" * 10)
            case _:
                yield ToolStarted(id=f"t{number}", name="Bash", title=f"make {number}", kind="execute", input={"n": number})


def entries(records: Sequence[Record], first: int = 1) -> list[bytes]:
    return [encode_entry(Entry(first + at, f"2026-01-01T{at % 24:02}", at % 3, record)) for at, record in enumerate(records)]


def kept(folder: Path, raws: Sequence[bytes], every: int = 5000, at_close: int = 1) -> None:
    """A log with these records and a checkpoint at its close, as Skuld makes it."""
    log = recover(folder, conversation(), Told())
    log.upkeep = Upkeep(folder, log, every, at_close)
    write(log, raws)
    log.close()


def write(log: Log, raws: Sequence[bytes]) -> None:
    async def story() -> None:
        for at in range(0, len(raws), 100):
            log.append(raws[at : at + 100])
            if at % 5000 == 0:
                await log.sync(log.end)
        await log.sync(log.end)

    asyncio.run(story())


def opened(folder: Path) -> tuple[State, Sequence[str], int]:
    """The state, the told lines, and how many records the checkpoint spared."""
    found, told = conversation(), Told()
    log = recover(folder, found, told)
    known = log.known
    log.release()
    return found.state, told.last(999), known


def from_scratch(folder: Path) -> tuple[State, Sequence[str], int]:
    (folder / CHECKPOINT).unlink(missing_ok=True)
    return opened(folder)


def test_a_state_from_a_checkpoint_is_the_state_of_the_whole_log_wherever_it_was_made(tmp_path: Path) -> None:
    raws = entries([*opening(), *working(20)])
    for count in (1, 2, 5, *range(6, len(raws) + 1, 4)):
        folder = tmp_path / str(count)
        kept(folder, raws[:count])
        log = recover(folder, conversation(), Told())
        write(log, raws[count:])
        log.release()
        state, told, known = opened(folder)
        assert known == count
        whole = from_scratch(folder)
        assert whole[2] == 0
        assert (state, told) == whole[:2]


def test_a_damaged_or_cut_checkpoint_is_not_used(tmp_path: Path) -> None:
    kept(tmp_path, entries([*opening(), *working(200)]))
    whole = (tmp_path / CHECKPOINT).read_bytes()
    state, told, known = opened(tmp_path)
    assert known == 214
    for at in range(0, len(whole), 37):
        for damaged in (whole[:at], bytes([*whole[:at], whole[at] ^ 1, *whole[at + 1 :]])):
            (tmp_path / CHECKPOINT).write_bytes(damaged)
            assert opened(tmp_path) == (state, told, 0)


def test_a_checkpoint_of_another_log_of_an_older_epoch_or_of_other_code_is_not_used(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    kept(here, entries([*opening(), *working(20)]))
    kept(there, entries([*working(40)]))
    own = (here / CHECKPOINT).read_bytes()
    (here / CHECKPOINT).write_bytes((there / CHECKPOINT).read_bytes())
    assert opened(here)[2] == 0
    (here / CHECKPOINT).write_bytes(own)
    assert opened(here)[2] == 34
    (here / "log.json").write_text((there / "log.json").read_text())
    (here / CHECKPOINT).write_bytes((there / CHECKPOINT).read_bytes())
    assert opened(here)[2] == 0, "of this epoch, but its last record is not where it should be"
    assert load(there, json.loads((there / "log.json").read_text())["epoch"]) is not None
    head, _, _ = (there / CHECKPOINT).read_bytes().partition(b"\n")
    assert fingerprint().encode() in head


def test_a_log_that_became_shorter_than_its_checkpoint_is_read_anew(tmp_path: Path) -> None:
    raws = entries([*opening(), *working(20)])
    kept(tmp_path, raws)
    size = (tmp_path / "log.ndjson").stat().st_size
    with (tmp_path / "log.ndjson").open("rb+") as file:
        file.truncate(size - 5)
    state, _, known = opened(tmp_path)
    assert known == 0
    assert state.seq < len(raws)


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sequence[bytes]]:
    """A session of 100,000 records as Skuld leaves it, and these records."""
    folder = tmp_path_factory.mktemp("long")
    raws = entries([*opening(), *working(99_986)])
    kept(folder, raws)
    return folder, raws


@pytest.mark.e2e
def test_a_session_of_100_000_events_opens_at_once_and_is_paged_without_being_read(long: tuple[Path, Sequence[bytes]]) -> None:
    folder, _ = long
    started = time.perf_counter()
    state, _, known = opened(folder)
    spent = time.perf_counter() - started
    print(f"opened in {spent * 1000:.0f} ms")
    assert (state.seq, known) == (100_000, 100_000)
    assert spent < 0.3
    tracemalloc.start()
    page = json.loads(past(folder, 50_000, 500))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [one["seq"] for one in page["records"]] == list(range(49_500, 50_000))
    assert peak < 8_000_000


@pytest.mark.e2e
def test_who_is_100_000_records_behind_costs_a_message_at_a_time(long: tuple[Path, Sequence[bytes]]) -> None:
    folder, raws = long
    checkpoint = load(folder, epoch_of(folder))
    assert checkpoint is not None
    log = Log.open(folder, known=checkpoint.known)

    async def story() -> tuple[int, int, int]:
        stream = Stream(log, list)
        client = Client(stream)
        hello = Hello(
            session="s",
            epoch=log.epoch,
            first_seq=1,
            last_seq=log.last_seq,
            agent="demo",
            capabilities=Capabilities(),
            activity=Activity(state="idle"),
        )
        tracemalloc.start()
        client.attach(Attach(epoch=log.epoch, after=1, tail=1), hello)
        got, longest = 1, 0
        while client.seq < log.last_seq:
            message = await client.message(1.0) or b""
            longest = max(longest, len(message))
            lines = [line for line in message.split(b"\n") if b'"seq"' in line[:60]]
            if b'"hello"' not in message:
                assert lines == raws[got : got + len(lines)]
                got += len(lines)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return got, longest, peak

    got, longest, peak = asyncio.run(story())
    log.close()
    print(f"{sum(map(len, raws)) / 1e6:.0f} MB behind, {peak / 1e6:.1f} MB at once, messages of at most {longest} bytes")
    assert got == 100_000
    assert longest <= 256 * 1024
    assert peak < 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class One:
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Two:
    text: str | None = None
    pair: tuple[str, int] = ("", 0)


@dataclass(slots=True)
class Whole:
    many: dict[int, One | Two]
    names: set[str]
    by: Mapping[str, Sequence[Two]]
    kind: Literal["a", "b"] = "a"
    maybe: One | None = None
    cost: float | None = None
    moment: dict[tuple[str, int], str] = field(default_factory=dict, compare=False)


ones = st.builds(One, number=st.integers())
twos = st.builds(Two, text=st.none() | st.text(), pair=st.tuples(st.text(), st.integers()))
wholes = st.builds(
    Whole,
    many=st.dictionaries(st.integers(), ones | twos),
    names=st.sets(st.text()),
    by=st.dictionaries(st.text(), st.lists(twos).map(tuple)),
    maybe=st.none() | ones,
    cost=st.none() | st.floats(allow_nan=False),
)


@settings(deadline=None)
@given(wholes)
def test_typed_data_survives_json(whole: Whole) -> None:
    way = codec(Whole)
    assert way.unpack(json.loads(json.dumps(way.pack(whole)))) == whole


def test_the_shape_tells_of_every_change_of_a_type() -> None:
    assert "number: " in codec(Whole).shape
    assert "moment" not in codec(Whole).shape
    with pytest.raises(TypeError, match="No way to tell these apart"):
        codec(int | str)


def test_unfinished_things_are_in_the_state_that_is_kept(tmp_path: Path) -> None:
    """Who stops in the middle: the open question, the interrupt that was asked for, the waiting message."""
    kept(tmp_path, entries([*opening(), InterruptRequested(by="ann", turn=1)]))
    state, _, known = opened(tmp_path)
    assert known == 15
    assert list(state.questions) == ["p2"]
    assert state.waiting == {"u2": "later"}
    assert state.interrupting and state.outstanding
