"""The newest lines of an agent's output as they came, for whoever has to find out what it really said."""

from collections import deque
from collections.abc import Sequence

MOST_LINES = 1000
MOST_CHARACTERS = 512 * 1024


class RawLines:
    """Bounded in number and size; a line that is too large by itself is cut. Not stored: it is gone with Skuld."""

    def __init__(self) -> None:
        self._kept: deque[tuple[int, str]] = deque()
        self._size = 0

    def note(self, number: int, line: str) -> None:
        """Called for every line: cheap."""
        if len(line) > MOST_CHARACTERS // 8:
            line = line[: MOST_CHARACTERS // 8]
        self._kept.append((number, line))
        self._size += len(line)
        while len(self._kept) > MOST_LINES or self._size > MOST_CHARACTERS:
            self._size -= len(self._kept.popleft()[1])

    def last(self, count: int) -> Sequence[tuple[int, str]]:
        """(number within its run, line), oldest first."""
        return list(self._kept)[-count:] if count > 0 else []
