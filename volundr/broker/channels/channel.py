"""The ports of other ways to people than the socket: a messenger, say. A plugin offers a `Channel`, Skuld gives it `Sessions`."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from volundr.broker.frames import Choose, Decide, Interrupt, Live, Send
from volundr.broker.parts import Activity, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One session that runs, as a channel shows it."""

    session: str
    name: str
    agent: str
    model: str
    mode: str
    activity: Activity


class Sessions(ABC):
    """The sessions of one Skuld, as channels reach them."""

    @abstractmethod
    def seats(self) -> Sequence[Seat]:
        """Those that run now."""

    @abstractmethod
    async def changed(self, seen: int) -> int:
        """Wait until a session began or ended since `seen` (0 at first: at once); returns what to wait with next time."""

    @abstractmethod
    def listen(self, session: str, epoch: str = "", after: int = 0) -> AsyncIterator[Json]:
        """What clients get, frame by frame, as JSON objects (`records.py`, `frames.py`); ends with the session.

        With `epoch` and `after` (of the `hello` frame, and the last `seq` taken up): every record after that one, once and
        in order, however long nobody listened. Else only what is new. Raises NotFound.
        """

    @abstractmethod
    async def say(self, session: str, frame: Send | Decide | Interrupt | Choose, by: str) -> Live | None:
        """Do this in somebody's name. The answer is a `Stored` or a `Rejected`, None when none comes. Raises NotFound."""


class Channel(ABC):
    """Carries sessions to people somewhere else. One object serves all sessions of a Skuld."""

    @abstractmethod
    async def run(self, sessions: Sessions) -> None:
        """Serve until cancelled. Whatever is out of reach is tried again, with growing pauses; nothing is waited for by a
        session. What it must remember over a restart of Skuld it keeps in a file of its own."""
