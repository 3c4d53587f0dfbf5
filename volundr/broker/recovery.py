"""Where a session goes on: its log read again, folded into its conversation."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from volundr.broker.codec import Entry, decode_entry
from volundr.broker.conversation import Conversation
from volundr.broker.log import Log
from volundr.broker.records import AgentState, Notice, TurnFinished

TOLD_LINES = 400
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Told:
    """The last things worth knowing when something goes wrong, as lines for people."""

    _lines: deque[str] = field(default_factory=lambda: deque(maxlen=TOLD_LINES))

    def note(self, entry: Entry) -> None:
        match entry.record:
            case AgentState(state=state, run=run, error=error, hint=hint):
                self._lines.append(f"{entry.at} run {run} {state} {error} {hint}".rstrip())
            case Notice(level=level, text=text, detail=detail):
                self._lines.append(f"{entry.at} {level}: {text} {detail}".rstrip())
            case TurnFinished(turn=turn, status=status, error=error) if status != "ok":
                self._lines.append(f"{entry.at} turn {turn} {status} {error}".rstrip())
            case _:
                pass

    def last(self, count: int) -> Sequence[str]:
        return [line for text in self._lines for line in text.splitlines()][-count:] if count > 0 else []


def recover(folder: Path, conversation: Conversation, told: Told) -> Log:
    """Blocking. Open the log and let the conversation take up all of it. Raises Unavailable."""
    log = Log.open(folder)
    conversation.epoch = log.epoch
    for first in range(1, log.last_seq + 1, _PAGE):
        for raw in log.read(first, first + _PAGE - 1):
            entry = decode_entry(raw)
            conversation.apply(entry)
            told.note(entry)
    return log
