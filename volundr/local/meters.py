"""The counts of each worker in a file of its own, for the one that is asked."""

import asyncio
import json
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from volundr.domain.metrics import Label, Meter, MeterExchange, summed

log = logging.getLogger(__name__)

SAVE_SECONDS = 5.0


def forget_counts(folder: Path) -> None:
    """Empty the folder of what an earlier forge's workers counted, or make it: where it stands, workers leave their counts."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in folder.glob("*.json"):
        path.unlink(missing_ok=True)


class MeterFiles(MeterExchange):
    """`folder` belongs to one forge; whoever starts several workers makes it. A worker's file outlives it: counters only grow."""

    def __init__(self, folder: Path, meter: Meter) -> None:
        self._folder = folder
        self._meter = meter
        self._own = f"{os.getpid()}.json"
        self._saved = 0.0

    async def all(self) -> Mapping[Label, Sequence[float]]:
        others = await asyncio.to_thread(self._read)
        return summed([*others, self._meter.counts])

    async def run(self) -> None:
        """Own this task: saves what was counted, now and then."""
        while True:
            await asyncio.sleep(SAVE_SECONDS)
            await self.save()

    async def save(self) -> None:
        many = sum(sum(row[:-1]) for row in self._meter.counts.values())
        if many != self._saved:
            self._saved = many
            text = json.dumps([[*label, list(row)] for label, row in self._meter.counts.items()])
            await asyncio.to_thread(self._write, text)

    def _write(self, text: str) -> None:
        if not self._folder.is_dir():
            return  # one process alone: nobody else would read it
        fresh = self._folder / f".{self._own}"
        fresh.write_text(text)
        fresh.replace(self._folder / self._own)

    def _read(self) -> list[Mapping[Label, Sequence[float]]]:
        found: list[Mapping[Label, Sequence[float]]] = []
        for path in self._folder.glob("*.json"):
            if path.name == self._own:
                continue
            try:
                found.append({(a, b, c): row for a, b, c, row in json.loads(path.read_text())})
            except (OSError, ValueError) as error:  # a full disk, say: the others still count
                log.warning("counts of a worker cannot be read", extra={"file": path.name, "cause": str(error)})
        return found
