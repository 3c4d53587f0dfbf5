"""What is known of the processes that hold sessions, Skuld and the shim: are they up, and if not, why.

The process that keeps them alive (see `supervisor`) knows it at first hand; a worker of `volundr serve` is told by that one.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from volundr.domain.errors import Unavailable

START_SECONDS = 20.0
HOPELESS = 2
"""After so many failed starts in a row nobody waits any longer for the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How one process is. `problem` is why it is not up, in its own words; `failures` counts failed starts."""

    up: bool = False
    problem: str = ""
    failures: int = 0


class Keepers:
    """A board with the condition of each. Whoever knows more writes it with `learn`; everybody else may wait for it."""

    def __init__(self, names: Sequence[str]) -> None:
        self._known = {name: Condition() for name in names}
        self._turn = asyncio.Event()
        self._generation = 0

    def learn(self, name: str, condition: Condition) -> None:
        """This one is so now. Wakes those who wait when it came up or died."""
        turned = condition.up is not self._known[name].up
        self._known[name] = condition
        if turned or condition.failures:
            self._generation += 1
            self._turn.set()
            self._turn.clear()

    @property
    def conditions(self) -> Mapping[str, Condition]:
        return dict(self._known)

    async def ready(self, limit: float = START_SECONDS) -> None:
        """Return when all are up. Raises Unavailable with the cause when one is not within the limit, or cannot start."""
        for name in self._known:
            try:
                async with asyncio.timeout(limit):
                    while not self._known[name].up and self._known[name].failures < HOPELESS:
                        await self.next_change(self._generation)
            except TimeoutError:
                pass
            if not self._known[name].up:
                raise self.trouble(name)

    def trouble(self, name: str) -> Unavailable:
        cause = self._known[name].problem or "it does not answer"
        return Unavailable(f"{name.capitalize()} is not running: {cause}", hint=f"`volundr logs {name}` shows more.")

    def is_up(self, name: str) -> bool:
        return self._known[name].up

    async def next_change(self, seen: int) -> int:
        """Wait until one of them died or came up since `seen` (at first 0), and return the number to wait with next."""
        while self._generation <= seen:
            await self._turn.wait()
        return self._generation
