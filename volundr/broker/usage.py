"""Tokens counted once: an agent says sums of a whole process or thread, what is reported are turns."""

from collections.abc import Iterable, Sequence

from volundr.broker.codec import Entry
from volundr.broker.parts import Usage
from volundr.broker.records import TurnFinished

type Counts = tuple[int, int, int, int]
type Item = dict[str, object]

LONGEST_MODEL = 200


class Meter:
    """Turns an agent's growing sums by model into what each turn added.

    `spent` is what the log has of the same sums already: a meter that begins in the middle of a process, or in a thread that
    was resumed, must be given it, or the first turn would count everything before it once more.
    """

    def __init__(self, spent: Iterable[Usage] = ()) -> None:
        self._sums: dict[str, Usage] = {}
        for usage in spent:
            self._sums[usage.model] = plus(self._sums.get(usage.model), usage)

    def take(self, sums: Iterable[Usage]) -> Sequence[Usage]:
        """What is new in the whole list of sums. A model whose sum shrank, or was left out before, began again at nothing."""
        now = {usage.model: usage for usage in sums}
        added = [_since(usage, self._sums.get(model)) for model, usage in now.items()]
        self._sums = now
        return [usage for usage in added if any(_counts(usage))]


def told(entry: Entry) -> Sequence[Item]:
    """What a record says about tokens, as items of a report."""
    record = entry.record
    if not isinstance(record, TurnFinished):
        return ()
    sums: dict[str, Usage] = {}
    for usage in record.usage:
        sums[usage.model] = plus(sums.get(usage.model), usage)
    return [
        {
            "type": "usage",
            "seq": entry.seq,
            "at": entry.at,
            "turn": record.turn,
            "model": usage.model[:LONGEST_MODEL],
            "input": usage.input,
            "output": usage.output,
            "cache_read": usage.cache_read,
            "cache_write": usage.cache_write,
            "cost_usd": usage.cost_usd,
        }
        for usage in sums.values()
    ]


def _counts(usage: Usage) -> Counts:
    return usage.input, usage.output, usage.cache_read, usage.cache_write


def _made(model: str, counts: Counts, cost: float | None) -> Usage:
    return Usage(model=model, input=counts[0], output=counts[1], cache_read=counts[2], cache_write=counts[3], cost_usd=cost)


def plus(one: Usage | None, other: Usage) -> Usage:
    """Two uses of one model as one."""
    if one is None:
        return other
    a, b = _counts(one), _counts(other)
    return _made(other.model, (a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]), _cost(one.cost_usd, other.cost_usd, 1))


def _since(now: Usage, before: Usage | None) -> Usage:
    if before is None or any(a < b for a, b in zip(_counts(now), _counts(before), strict=True)):
        return now
    return _minus(now, before)


def _minus(now: Usage, before: Usage) -> Usage:
    a, b = _counts(now), _counts(before)
    return _made(now.model, (a[0] - b[0], a[1] - b[1], a[2] - b[2], a[3] - b[3]), _cost(now.cost_usd, before.cost_usd, -1))


def _cost(one: float | None, other: float | None, sign: int) -> float | None:
    """Unknown stays unknown: a part whose price nobody knows cannot be counted as free."""
    return None if one is None or other is None else max(0.0, round(one + sign * other, 9))
