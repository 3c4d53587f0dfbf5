"""What people write and press in Telegram, done in Volundr."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from volundr.sdk import Conflict, Forbidden, Invalid, NotFound, Rejected, Seat, Send, Sessions, Stored, Unavailable
from volundr_telegram import questions
from volundr_telegram.api import Api, Heard, Later
from volundr_telegram.commands import Commands, Order
from volundr_telegram.desk import FIRST_PAUSE, LONGEST_PAUSE, Desk, Reach
from volundr_telegram.memory import Memory, Question
from volundr_telegram.post import Post

log = logging.getLogger(__name__)

TRIES = 3
REFUSAL_SECONDS, MOST_REFUSALS = 3600.0, 50
HANDLING_SECONDS = 90.0
FAILURES = (Unavailable, Forbidden, Conflict, Invalid, NotFound)
GONE = "Nobody waits for this answer any more."


class Hearing:
    """Updates are done one after the other; one is done for good only after what it caused is stored."""

    def __init__(self, api: Api, sessions: Sessions, memory: Memory, desks: Mapping[int, Desk]) -> None:
        self._api, self._sessions, self._memory, self._desks = api, sessions, memory, desks
        self._commands = Commands(sessions)
        self._refused: dict[int, float] = {}

    async def run(self, reach: Reach, seconds: int) -> None:
        """Listen for ever."""
        pause = FIRST_PAUSE
        while True:
            try:
                updates = await self._api.updates(self._memory.offset, seconds)
            except FAILURES as error:
                reach.down(error if isinstance(error, Unavailable | Forbidden | Conflict) else Unavailable(str(error)))
                await asyncio.sleep(max(pause, error.seconds if isinstance(error, Later) else 0.0))
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            reach.up()
            pause = FIRST_PAUSE
            for heard in updates:
                await self._one(heard)
                self._memory.offset = heard.update + 1
                await self._memory.save()

    async def _one(self, heard: Heard) -> None:
        """A fault in one update must not hold up all that come after it."""
        try:
            async with asyncio.timeout(HANDLING_SECONDS):
                await self._do(heard)
        except Exception:
            log.exception("telegram update not handled", extra={"update": heard.update})
            if (desk := self._desks.get(heard.chat)) is not None:
                desk.reply(Post(html="❌ This could not be done; the log of Skuld says why.", reply_to=heard.message))

    async def _do(self, heard: Heard) -> None:
        desk = self._desks.get(heard.chat)
        if desk is None:
            await self._refuse(heard)
        elif heard.query:
            await self._pressed(desk, heard)
        elif heard.text is None:
            desk.reply(Post(html="Only text is taken here. Files go through the web UI.", reply_to=heard.message))
        else:
            await self._words(desk, heard, heard.text)

    async def _refuse(self, heard: Heard) -> None:
        """Once in an hour, and never more than some: strangers must not use up what Telegram allows the bot."""
        now = time.monotonic()
        self._refused = {chat: at for chat, at in self._refused.items() if now - at < REFUSAL_SECONDS}
        if not heard.chat or heard.chat in self._refused or len(self._refused) >= MOST_REFUSALS:
            return
        self._refused[heard.chat] = now
        words = f"This bot serves its owner. To let this chat in, add {heard.chat} to `chats` in [channels.telegram]."
        with suppress(*FAILURES):
            await self._api.show(heard.chat, Post(html=words), 0)
        log.info("telegram chat refused", extra={"chat": heard.chat})

    # --- words --------------------------------------------------------------------------------------------------------

    async def _words(self, desk: Desk, heard: Heard, text: str) -> None:
        key = desk.memory.key_of(heard.reply_to) if heard.reply_to else ""
        if key.startswith("q:") and (known := self._memory.questions.get(key[2:])):
            await self._answered_in_words(desk, heard, known, text)
            return
        name, _, argument = text.partition(" ")
        if text.startswith("/") and (done := self._commands.find(name[1:].partition("@")[0])):
            await self._try(desk, heard, lambda: done(Order(desk, heard.by, argument.strip())))
            return
        seat = self._commands.current(desk)
        if seat is None:
            desk.reply(self._commands.choose("Which session is this for? Choose one, then say it again."))
            return
        await self._send(desk, heard, seat, text)

    async def _send(self, desk: Desk, heard: Heard, seat: Seat, text: str) -> None:
        frame = Send(id=f"telegram-{heard.chat}-{heard.message}", text=text)
        for _ in range(TRIES):
            try:
                answer = await self._sessions.say(seat.session, frame, heard.by)
            except NotFound:
                answer = Rejected(id=frame.id, error=f"The session {seat.name} does not run any more.")
            if isinstance(answer, Stored):
                await self._receipt(desk, heard)
                return
            if isinstance(answer, Rejected):
                desk.reply(Post(html=Commands.line(f"❌ Not taken: {answer.error}"), reply_to=heard.message))
                return
        desk.reply(
            Post(
                html="❌ Skuld does not say whether it has this. Look into the session, or say it again.", reply_to=heard.message
            )
        )

    async def _receipt(self, desk: Desk, heard: Heard) -> None:
        """A reaction, where the chat allows it; else a line."""
        try:
            await self._api.stored(heard.chat, heard.message)
        except Invalid:
            desk.reply(Post(html="✓", reply_to=heard.message, silent=True))
        except (Unavailable, Forbidden, Conflict, NotFound) as error:
            log.info("telegram receipt not shown", extra={"cause": str(error)})

    async def _try(self, desk: Desk, heard: Heard, work: Callable[[], Awaitable[Post]]) -> None:
        try:
            post = await work()
        except FAILURES as error:
            post = Post(html=Commands.line(f"❌ {error} {error.hint}".strip()))
        post.reply_to = heard.message if not heard.query else 0
        desk.reply(post)

    async def _answered_in_words(self, desk: Desk, heard: Heard, known: Question, text: str) -> None:
        try:
            refusal = await self._sessions.say(known.session, questions.replied(known, text), heard.by)
        except NotFound:
            refusal = Rejected(id=known.id, error=GONE)
        if isinstance(refusal, Rejected):
            desk.reply(Post(html=Commands.line(f"❌ {refusal.error}"), reply_to=heard.message))
        else:
            await self._receipt(desk, heard)

    # --- buttons ------------------------------------------------------------------------------------------------------

    async def _pressed(self, desk: Desk, heard: Heard) -> None:
        verb, _, rest = heard.data.partition(":")
        name, _, argument = rest.partition(":")
        if verb in {"u", "m"}:
            work = self._commands.use_tagged if verb == "u" else self._commands.model_tagged
            await self._try(desk, heard, lambda: work(Order(desk, heard.by, rest)))
            await self._say_at_once(heard, "")
            return
        known = self._memory.questions.get(name)
        decide = questions.pressed(known, verb, argument) if known else None
        if known is None or decide is None:
            await self._say_at_once(heard, "This button is too old. The web UI shows what waits for an answer.", alert=True)
            return
        try:
            refusal = await self._sessions.say(known.session, decide, heard.by)
        except NotFound:
            refusal = Rejected(id=known.id, error=GONE)
        if not isinstance(refusal, Rejected):
            await self._say_at_once(heard, "Allowed" if decide.decision == "allow" else "Denied")
            return
        desk.put(_settled(known, name, refusal.error))
        await self._say_at_once(heard, refusal.error, alert=True)

    async def _say_at_once(self, heard: Heard, text: str, *, alert: bool = False) -> None:
        """Nothing depends on it, and Telegram takes it for some seconds only."""
        with suppress(*FAILURES):
            await self._api.answer(heard.query, text, alert=alert)


def _settled(known: Question, name: str, error: str) -> Post:
    """The message without its buttons, since they do nothing any more."""
    return Post(html=known.decided or questions.closed(known.title, error), kind="question", key=f"q:{name}", only_edit=True)
