"""What is counted for whoever watches over a forge."""

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

BUCKETS: Sequence[float] = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds in seconds; what took longer is in the last, unbounded one."""

type Label = tuple[str, str, str]
"""Method, route as it is declared, status."""


@dataclass(slots=True)
class Meter:
    """Counts requests of one process. Plain numbers: it stands in the way of every request.

    For each label: how many fell into each bucket (the unbounded one last), and their seconds in total, at the end.
    """

    counts: dict[Label, list[float]] = field(default_factory=dict)

    def note(self, label: Label, seconds: float) -> None:
        row = self.counts.get(label)
        if row is None:
            row = self.counts[label] = [0.0] * (len(BUCKETS) + 2)
        row[bisect_left(BUCKETS, seconds)] += 1
        row[-1] += seconds


def summed(meters: Iterable[Mapping[Label, Sequence[float]]]) -> dict[Label, list[float]]:
    """The counts of several processes as one."""
    total: dict[Label, list[float]] = {}
    for counts in meters:
        for label, row in counts.items():
            known = total.get(label)
            total[label] = list(row) if known is None else [a + b for a, b in zip(known, row, strict=True)]
    return total


class MeterExchange(ABC):
    """Where the workers of one forge leave their counts for each other: a scrape asks only one of them."""

    @abstractmethod
    async def all(self) -> Mapping[Label, Sequence[float]]:
        """The counts of all workers, also of those that have ended, since the forge began. Own ones are up to date."""


class Census(ABC):
    """How much of what there is."""

    @abstractmethod
    async def sessions(self) -> Mapping[str, int]:
        """How many sessions by status, over all tenants."""
