"""What the channel knows after a restart: how far each chat has been told, what it asked, which updates are done."""

import asyncio
import hashlib
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

log = logging.getLogger(__name__)

MOST_MESSAGES, MOST_CURSORS, MOST_QUESTIONS = 200, 500, 300


def tag(*parts: str) -> str:
    """A short name for something, the same each time."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


@dataclass(slots=True, kw_only=True)
class Question:
    """A permission that was shown. `asks` is the question of a single choice, `labels` its options, `given` its input as JSON."""

    session: str
    id: str
    title: str
    asks: str = ""
    labels: list[str] = field(default_factory=list)
    given: str = ""
    decided: str = ""


@dataclass(slots=True, kw_only=True)
class ChatMemory:
    """`cursors`: epoch and last announced record by session. `messages`: the message id of a post, by its key."""

    current: str = ""
    follow: str = "all"
    cursors: dict[str, tuple[str, int]] = field(default_factory=dict)
    messages: dict[str, int] = field(default_factory=dict)

    def announced(self, session: str, epoch: str, seq: int) -> None:
        known = self.cursors.pop(session, ("", 0))
        self.cursors[session] = (epoch, max(seq, known[1]) if known[0] == epoch else seq)
        _trim(self.cursors, MOST_CURSORS)

    def sent(self, key: str, message: int) -> None:
        self.messages.pop(key, None)
        self.messages[key] = message
        _trim(self.messages, MOST_MESSAGES)

    def key_of(self, message: int) -> str:
        return next((key for key, known in self.messages.items() if known == message), "")


class Memory:
    """`<home>/channels/telegram.json`, written whole and then put in place. Read it with `load` first."""

    def __init__(self, home: Path) -> None:
        self._path = home / "channels" / "telegram.json"
        self._lock = asyncio.Lock()
        self._unsaved = False
        self.offset = 0
        self.chats: dict[int, ChatMemory] = {}
        self.questions: dict[str, Question] = {}

    def chat(self, chat: int) -> ChatMemory:
        return self.chats.setdefault(chat, ChatMemory())

    def begin(self, session: str, chats: Sequence[int]) -> tuple[str, int] | None:
        """From where this session's records are wanted; None when it was never told of to one of these chats."""
        cursors = [self.chat(chat).cursors.get(session) for chat in chats]
        known = [cursor for cursor in cursors if cursor is not None]
        if not known:
            return None
        epoch = known[-1][0]
        return epoch, min(seq for of, seq in known if of == epoch)

    def ask(self, name: str, question: Question) -> None:
        if name not in self.questions:
            self.questions[name] = question
            _trim(self.questions, MOST_QUESTIONS)

    async def load(self) -> None:
        """A file that cannot be read is put aside: then some things may be told again."""
        try:
            text = await asyncio.to_thread(self._path.read_text, "utf-8")
        except FileNotFoundError:
            return
        try:
            self._fill(text)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            log.warning("telegram's memory is unreadable and begun anew", extra={"cause": type(error).__name__})
            await asyncio.to_thread(self._path.replace, self._path.with_suffix(".broken"))
            self.offset, self.chats, self.questions = 0, {}, {}

    def _fill(self, text: str) -> None:
        found = json.loads(text)
        self.offset = int(found["offset"])
        for name, kept in found["chats"].items():
            cursors = {session: (str(epoch), int(seq)) for session, (epoch, seq) in kept["cursors"].items()}
            self.chats[int(name)] = ChatMemory(**{**kept, "cursors": cursors})
        self.questions = {name: Question(**kept) for name, kept in found["questions"].items()}

    async def save(self) -> None:
        """Put what is kept now on disk. Where that fails the channel goes on: only after a restart would it be missed."""
        async with self._lock:
            text = json.dumps(
                {
                    "offset": self.offset,
                    "chats": {str(chat): asdict(kept) for chat, kept in self.chats.items()},
                    "questions": {name: asdict(question) for name, question in self.questions.items()},
                }
            )
            try:
                await asyncio.to_thread(_write, self._path, text)
            except OSError as error:
                if not self._unsaved:
                    log.warning("telegram's memory is not stored", extra={"cause": str(error)})
                self._unsaved = True
            else:
                self._unsaved = False


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_suffix(".new")
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    new.replace(path)


def _trim[K, V](kept: dict[K, V], most: int) -> None:
    while len(kept) > most:
        del kept[next(iter(kept))]
