"""One chat: what is to be shown there, in order, at the pace that Telegram allows."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from volundr.sdk import Conflict, Forbidden, Invalid, NotFound, Unavailable
from volundr_telegram.api import Api, Later
from volundr_telegram.markup import HEADER_ROOM, LIMIT, escape, short, units
from volundr_telegram.memory import ChatMemory, Memory
from volundr_telegram.post import Post

log = logging.getLogger(__name__)

LONGEST_QUEUE, MOST_REPLIES = 100, 50
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
MINUTE = 60.0
UNSHOWN = "\n❓ There is a question that cannot be shown here. Answer it in the web UI."


class Reach:
    """Says once in the log when Telegram is out of reach, and once when it is back."""

    def __init__(self) -> None:
        self._down = ""

    def up(self) -> None:
        if self._down:
            self._down = ""
            log.warning("telegram answers again")

    def down(self, error: Unavailable | Forbidden | Conflict) -> None:
        kind = type(error).__name__
        if kind != self._down:
            self._down = kind
            log.warning("telegram does not serve us, trying again", extra={"cause": f"{error} {error.hint}".strip()})


@dataclass(slots=True)
class Pace:
    """At most one message in so many seconds, and so many in a minute (0: any number)."""

    seconds: float
    per_minute: int = 0
    taken: deque[float] = field(default_factory=deque)

    def wait(self, now: float) -> float:
        """Seconds until the next one may go."""
        while self.taken and self.taken[0] <= now - MINUTE:
            self.taken.popleft()
        least = self.taken[-1] + self.seconds - now if self.taken else 0.0
        full = self.taken[-self.per_minute] + MINUTE - now if 0 < self.per_minute <= len(self.taken) else 0.0
        return max(least, full, 0.0)

    def took(self, now: float) -> None:
        self.taken.append(now)


class Desk:
    """`put` and `reply` never wait. What is too much is left out, oldest first, and said so; questions and ends never are."""

    def __init__(self, chat: int, memory: Memory, pace: Pace, batch_seconds: float) -> None:
        self.chat = chat
        self._all, self._pace, self._batch = memory, pace, batch_seconds
        self._lane: deque[Post] = deque()
        self._urgent: deque[Post] = deque(maxlen=MOST_REPLIES)
        self._current: Post | None = None
        self._left_out = 0
        self._news = asyncio.Event()

    @property
    def memory(self) -> ChatMemory:
        return self._all.chat(self.chat)

    def reply(self, post: Post) -> None:
        """Before everything else that waits."""
        self._urgent.append(post)
        self._news.set()

    def put(self, post: Post) -> None:
        seq, known = post.seq, self._queued(post.key) if post.key else None
        if known is not None and post.moot:
            self._lane.remove(known)
        elif known is not None:
            known.html, known.buttons, known.silent = post.html, post.buttons, known.silent and post.silent
        elif not self._merged(post):
            self._append(post)
        self.note(post.session, post.epoch, seq)
        self._news.set()

    def note(self, session: str, epoch: str, seq: int) -> None:
        """Everything of this session up to `seq` is announced once what is queued now is sent."""
        pending = next((post for post in reversed(self._lane) if post.session == session), self._current)
        if pending is not None and pending.session == session and pending.epoch == epoch:
            pending.seq = max(pending.seq, seq)
        else:
            self.memory.announced(session, epoch, seq)

    def _queued(self, key: str) -> Post | None:
        return next((post for post in self._lane if post.key == key), None)

    def _merged(self, post: Post) -> bool:
        last = self._lane[-1] if self._lane else None
        if last is None or not (last.kind == post.kind == "text") or last.session != post.session:
            return False
        joined = f"{last.html}\n\n{post.html}"
        if units(joined) > LIMIT - HEADER_ROOM // 2:
            return False
        last.html = joined
        return True

    def _append(self, post: Post) -> None:
        for waiting in self._lane:
            waiting.ready = 0.0
        post.ready = _now() + self._batch if post.kind == "text" else 0.0
        self._lane.append(post)
        droppable = [waiting for waiting in self._lane if waiting.kind in {"text", "tools", "person"}]
        if len(droppable) > LONGEST_QUEUE:
            self._leave_out(droppable[0])

    def _leave_out(self, post: Post) -> None:
        at = self._lane.index(post)
        self._lane.remove(post)
        self._left_out += 1
        if self._queued("gap") is None:
            self._lane.insert(at, Post(html="", kind="gap", key="gap"))
        self.note(post.session, post.epoch, post.seq)

    async def run(self, api: Api, reach: Reach, name: Callable[[Post], str]) -> None:
        """Send for ever. `name` is put above a post, "" for none."""
        while True:
            await self._something()
            await asyncio.sleep(self._pace.wait(_now()))
            post = self._current = self._next()
            if post is None:
                continue
            self._pace.took(_now())
            await self._deliver(api, reach, post, name(post))
            self._current = None
            if post.session:
                self.memory.announced(post.session, post.epoch, post.seq)
            if post.session or post.key:
                await self._all.save()

    async def _something(self) -> None:
        while not self._urgent and not (self._lane and self._lane[0].ready <= _now()):
            self._news.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._lane[0].ready - _now() if self._lane else None):
                    await self._news.wait()

    def _next(self) -> Post | None:
        if self._urgent:
            return self._urgent.popleft()
        return self._lane.popleft() if self._lane else None

    async def _deliver(self, api: Api, reach: Reach, post: Post, name: str) -> None:
        """Until it is shown, or Telegram will never take it."""
        shown, pause = self._written(post, name), FIRST_PAUSE
        while True:
            try:
                message = await api.show(self.chat, shown, self.memory.messages.get(post.key, 0))
            except Later as later:
                await asyncio.sleep(later.seconds)
            except (Unavailable, Forbidden, Conflict) as error:
                reach.down(error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            except (Invalid, NotFound) as error:
                log.warning("telegram message not taken", extra={"chat": self.chat, "cause": f"{error} {error.hint}".strip()})
                if isinstance(error, NotFound) or post.kind != "question" or shown.html.endswith(UNSHOWN):
                    return
                shown = Post(html=f"{shown.html.partition('\n')[0] if name else ''}{UNSHOWN}", only_edit=post.only_edit)
            else:
                reach.up()
                if post.key and message and post.kind != "gap":
                    self.memory.sent(post.key, message)
                return

    def _written(self, post: Post, name: str) -> Post:
        text = post.html
        if post.kind == "gap":
            text = f"<i>… {self._left_out} messages are left out here: they are in the web UI.</i>"
            self._left_out = 0
        header = f"<b>{escape(short(name, 60))}</b>\n" if name else ""
        return Post(
            html=header + text,
            buttons=post.buttons,
            only_edit=post.only_edit,
            silent=post.silent,
            reply_to=post.reply_to,
        )


def _now() -> float:
    return asyncio.get_running_loop().time()
