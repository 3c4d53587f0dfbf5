"""Tokens are counted once: transcripts with totals that were added up by hand.

The transcripts `usage_*.ndjson` are written in the shapes that Claude Code 2.1.197 prints (`claude_*.ndjson` are recorded).
"""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from volundr_claude import OncePerMessage

from tests.skuld_kit import ScriptedAgent, World, skuld, until
from volundr.broker.codec import Entry
from volundr.broker.events import Ready, TurnEnded
from volundr.broker.parts import Usage
from volundr.broker.records import Notice, TurnFinished
from volundr.broker.transports.stream_json import StreamJsonDialect
from volundr.broker.transports.transport import Dialect, Job
from volundr.broker.usage import Meter, told

RECORDINGS = Path(__file__).parent / "recordings"
BIG, SMALL = "claude-opus-4-8[1m]", "claude-haiku-4-5"

type Counts = tuple[int, int, int, int, float | None]
"""Input, output, cache read, cache write, cost."""


def turns(name: str, dialect: StreamJsonDialect | None = None) -> list[dict[str, Counts]]:
    if dialect is None:
        dialect = StreamJsonDialect()
        dialect.opening()
    lines = [line[2:] for line in (RECORDINGS / f"{name}.ndjson").read_text("utf-8").splitlines() if line.startswith("<")]
    ended = [event for line in lines for event in dialect.decode(line) if isinstance(event, TurnEnded)]
    return [{use.model: counts(use) for use in turn.usage} for turn in ended]


def counts(use: Usage) -> Counts:
    return (use.input, use.output, use.cache_read, use.cache_write, use.cost_usd)


def total(found: Sequence[dict[str, Counts]]) -> dict[str, tuple[float, ...]]:
    models = sorted({model for turn in found for model in turn})
    return {
        model: tuple(round(sum(turn[model][n] or 0 for turn in found if model in turn), 9) for n in range(5)) for model in models
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # Three blocks of one message, and another message: 12 + 12 in, 10 + 6 out, 100 + 100 from the cache.
        ("usage_blocks", [{BIG: (24, 16, 200, 0, 0.00062)}]),
        # The sub-agent's model counts beside the main one, and not again in the next turn.
        (
            "usage_sub_agent",
            [{BIG: (20, 30, 200, 5, 0.01), SMALL: (500, 70, 1000, 40, 0.002)}, {BIG: (10, 5, 300, 0, 0.004)}],
        ),
        # 9000 written once; then 9000 read and 30 written.
        ("usage_cached", [{BIG: (4, 10, 0, 9000, 0.2)}, {BIG: (4, 12, 9000, 30, 0.03)}]),
        # Two messages in one result: 12 + 12 in, 10 + 9 out, 100 + 100 from the cache.
        ("usage_merged", [{BIG: (24, 19, 200, 0, 0.0007)}]),
        ("usage_resumed", [{BIG: (7, 3, 40, 0, 0.0001)}]),
        # A result without sums says nothing about them: 10 and 5, 20 and 6.
        ("usage_gap", [{BIG: (10, 20, 0, 0, 0.1)}, {}, {BIG: (5, 6, 0, 0, 0.03)}]),
        ("usage_reset", [{BIG: (100, 200, 0, 0, 1.0)}, {BIG: (10, 20, 0, 0, 0.1)}]),
        ("usage_unpriced", [{"local-model": (10, 20, 0, 0, None)}]),
    ],
)
def test_a_transcript_has_the_totals_that_were_added_up_by_hand(name: str, expected: list[dict[str, Counts]]) -> None:
    assert turns(name) == expected


def test_a_recorded_conversation_adds_up_to_what_the_program_said_last() -> None:
    # Six results of one process; the last one says 84 in, 58 out, 700 from the cache, $0.00222.
    assert total(turns("claude_turns")) == {BIG: (84, 58, 700, 0, 0.00222)}


def test_resumed_in_a_new_process_only_what_is_new_counts() -> None:
    assert total([*turns("usage_cached"), *turns("usage_resumed")]) == {BIG: (15, 25, 9040, 9030, 0.2301)}


def test_one_process_for_each_message_counts_all_models() -> None:
    dialect = OncePerMessage()
    dialect.opening()
    found = turns("usage_sub_agent", dialect)
    assert total(found) == {BIG: (30, 35, 500, 5, 0.014), SMALL: (500, 70, 1000, 40, 0.002)}


# --- the meter --------------------------------------------------------------------------------------------------------


def use(output: int, model: str = "m", cost: float | None = None, **more: int) -> Usage:
    return Usage(model=model, output=output, cost_usd=cost, **more)


def test_a_meter_gives_what_was_added_by_each_turn() -> None:
    meter = Meter()
    assert list(meter.take([use(112, input=10, cost=0.1)])) == [use(112, input=10, cost=0.1)]
    assert list(meter.take([use(224, input=10, cost=0.3)])) == [use(112, cost=0.2)]
    assert list(meter.take([use(224, input=10, cost=0.3)])) == []


def test_a_meter_that_begins_in_the_middle_is_told_what_was_spent() -> None:
    spent = [use(100, cost=0.5), use(12, cost=0.25), use(7, model="n")]
    assert list(Meter(spent).take([use(336, cost=1.0), use(7, model="n")])) == [use(224, cost=0.25)]


def test_sums_that_shrink_or_were_left_out_begin_again() -> None:
    meter = Meter([use(100), use(50, model="n")])
    assert list(meter.take([use(30)])) == [use(30)]
    assert list(meter.take([use(31), use(60, model="n")])) == [use(1), use(60, model="n")]


def test_an_unknown_price_stays_unknown() -> None:
    assert list(Meter([use(1, cost=None)]).take([use(2, cost=0.5)])) == [use(1, cost=None)]


def test_a_report_names_each_model_of_a_turn_once() -> None:
    record = TurnFinished(turn=3, status="ok", usage=(use(1, cost=0.1), use(2, cost=0.2), use(4, model="n")))
    items = told(Entry(9, "2026-01-01T00:00:00.000Z", 0, record))
    assert [(item["model"], item["output"], item["cost_usd"], item["seq"]) for item in items] == [
        ("m", 3, 0.3, 9),
        ("n", 4, None, 9),
    ]
    assert json.dumps(items)
    assert told(Entry(10, "", 0, Notice(level="info", text="x"))) == ()


def test_skuld_that_finds_an_agent_again_knows_what_its_process_has_spent(tmp_path: Path) -> None:
    async def story() -> None:
        world, agent = World(), Noting()
        async with skuld(tmp_path, world, agent) as rig:
            session = await rig.new()
            for number in (1, 2):
                state = rig.skuld.manager.find(session).journal.conversation.state
                async with rig.client(session) as ann:
                    await ann.send(type="send", id=f"m{number}", text="x")
                    await ann.wait("turn_started", turn=number)
                both = (use(number, cost=0.25), use(5, model="n"))
                world.of(session).say(Ready(model="m"), TurnEnded(status="ok", usage=both))
                await until(lambda: not state.working)  # noqa: B023
        agent.asked.clear()
        async with skuld(tmp_path, world, agent):
            await until(lambda: bool(agent.asked))
        assert list(agent.asked[0].spent) == [use(3, cost=0.5), use(10, model="n")]

    asyncio.run(story())


class Noting(ScriptedAgent):
    """Keeps what its dialects were made for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Job] = []

    def dialect(self, job: Job) -> Dialect:
        self.asked.append(job)
        return super().dialect(job)


def test_a_program_found_again_in_the_middle_counts_all_models_with_their_price() -> None:
    first = Usage(model=BIG, input=20, output=30, cache_read=200, cache_write=5, cost_usd=0.01)
    helper = Usage(model=SMALL, input=500, output=70, cache_read=1000, cache_write=40, cost_usd=0.002)
    lines = [line[2:] for line in (RECORDINGS / "usage_sub_agent.ndjson").read_text("utf-8").splitlines()]
    ends = [number for number, line in enumerate(lines) if '"type":"result"' in line]
    late = StreamJsonDialect(spent=[first, helper])
    (ended,) = [event for line in lines[ends[0] + 1 :] for event in late.decode(line) if isinstance(event, TurnEnded)]
    assert [(use.model, counts(use)) for use in ended.usage] == [(BIG, (10, 5, 300, 0, 0.004))]
    whole = StreamJsonDialect()
    (one, _) = [event for line in lines for event in whole.decode(line) if isinstance(event, TurnEnded)]
    assert list(one.usage) == [first, helper]
