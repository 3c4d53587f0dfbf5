"""Telegram's Bot API, through its library: what it answers and how it fails, in our words. The token stays in here."""

import asyncio
import html
import logging
import re
import warnings
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextlib import suppress as ignoring
from dataclasses import dataclass
from typing import TYPE_CHECKING

from volundr.sdk import Conflict, Forbidden, Invalid, NotFound, Unavailable
from volundr_telegram.post import Post, Row

if TYPE_CHECKING:
    from telegram import Bot, InlineKeyboardMarkup, LinkPreviewOptions, Update
    from telegram.request import HTTPXRequest

CONNECT_SECONDS, ANSWER_SECONDS = 10.0, 20.0
COMMANDS = (
    ("sessions", "choose the session of this chat"),
    ("status", "what the sessions do"),
    ("interrupt", "end the running turn"),
    ("model", "see and choose the model"),
    ("follow", "all sessions or the chosen one"),
    ("help", "what this bot can do"),
)


class Later(Unavailable):
    """Telegram wants us to wait this many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__("Telegram takes no more messages for a while.")
        self.seconds = seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Something that happened in a chat: words (`text` is None for a picture and the like), or a pressed button (`data`)."""

    update: int
    chat: int
    message: int = 0
    by: str = ""
    text: str | None = None
    reply_to: int = 0
    query: str = ""
    data: str = ""


class Api:
    """Every call may raise Later, Unavailable (out of reach), Forbidden (the token), Conflict (somebody else listens with
    it), NotFound (the chat), Invalid (this request)."""

    def __init__(self, bot: "Bot", token: str) -> None:
        self._bot = bot
        self._token = token

    async def open(self) -> str:
        """The bot's name. Whatever listened by a webhook does no longer."""
        with self._told():
            me = await self._bot.get_me()
            await self._bot.delete_webhook()
        with ignoring(Invalid), self._told():
            await self._bot.set_my_commands(COMMANDS)
        return me.username or me.first_name

    async def updates(self, offset: int, seconds: int) -> Sequence[Heard]:
        """Wait so long for what is new from `offset` on; what is before it is done for good."""
        with self._told():
            found = await self._bot.get_updates(
                offset=offset, timeout=seconds, allowed_updates=["message", "callback_query"], read_timeout=ANSWER_SECONDS
            )
        return [_heard(update) for update in found]

    async def show(self, chat: int, post: Post, message: int) -> int:
        """Send it, or change `message` to it. Returns the message's id, 0 when there is nothing that could be changed."""
        if message:
            try:
                return await self._edit(chat, post, message)
            except Invalid as error:
                if "not found" not in str(error) and "can't be edited" not in str(error):
                    raise
        return 0 if post.only_edit else await self._send(chat, post)

    async def _edit(self, chat: int, post: Post, message: int) -> int:
        try:
            with self._told():
                await self._bot.edit_message_text(
                    post.html,
                    chat,
                    message,
                    parse_mode="HTML",
                    reply_markup=_markup(post.buttons),
                    link_preview_options=_no_preview(),
                )
        except Invalid as error:
            if "not modified" not in str(error):
                raise
        return message

    async def _send(self, chat: int, post: Post) -> int:
        try:
            return await self._sent(chat, post, post.html, "HTML")
        except Invalid as error:
            if "parse entities" not in str(error):
                raise
            return await self._sent(chat, post, _plain(post.html), None)

    async def _sent(self, chat: int, post: Post, text: str, mode: str | None) -> int:
        from telegram import ReplyParameters

        reply = ReplyParameters(post.reply_to, allow_sending_without_reply=True) if post.reply_to else None
        with self._told():
            sent = await self._bot.send_message(
                chat,
                text,
                parse_mode=mode,
                reply_markup=_markup(post.buttons),
                disable_notification=post.silent,
                link_preview_options=_no_preview(),
                reply_parameters=reply,
            )
        return sent.message_id

    async def stored(self, chat: int, message: int) -> None:
        """Mark a person's message as taken."""
        with self._told():
            await self._bot.set_message_reaction(chat, message, "👌")

    async def answer(self, query: str, text: str, *, alert: bool = False) -> None:
        """What the person who pressed a button sees at once."""
        with self._told():
            await self._bot.answer_callback_query(query, text[:200], show_alert=alert)

    async def typing(self, chat: int) -> None:
        with self._told():
            await self._bot.send_chat_action(chat, "typing")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Errors without their cause: that holds the address, which holds the token."""
        from telegram import error as telegram

        try:
            yield
        except telegram.RetryAfter as error:
            after = error.retry_after
            raise Later(float(after if isinstance(after, int) else after.total_seconds())) from None
        except telegram.InvalidToken:
            raise Forbidden("Telegram refuses the bot's token.", hint="Ask @BotFather for it again.") from None
        except telegram.Conflict:
            hint = "One bot can serve one Volundr: end the other program, or make another bot."
            raise Conflict("Another program listens with this bot's token.", hint=hint) from None
        except telegram.BadRequest as error:
            raise Invalid(f"Telegram refuses this: {self._clean(error)}") from None
        except telegram.Forbidden as error:
            raise NotFound(f"The chat takes no messages: {self._clean(error)}") from None
        except telegram.ChatMigrated as error:
            raise NotFound(f"The chat has a new id: {error.new_chat_id}.", hint="Put that one into `chats`.") from None
        except telegram.TelegramError as error:
            raise Unavailable(f"Telegram is out of reach: {self._clean(error)}") from None

    def _clean(self, error: Exception) -> str:
        return re.sub(r"bot\d+:[\w-]+", "bot…", str(error).replace(self._token, "…"))


@asynccontextmanager
async def opened(token: str, base_url: str) -> AsyncIterator[Api]:
    """The library, loaded now: it is too big for a Skuld without Telegram. It would write the token into logs, with its URLs."""
    for name in ("httpx", "httpcore", "telegram"):
        logging.getLogger(name).setLevel(logging.WARNING)
    bot, requests = await asyncio.to_thread(_bot, token, base_url)
    try:
        yield Api(bot, token)
    finally:
        for request in requests:
            await request.shutdown()


def _bot(token: str, base_url: str) -> "tuple[Bot, Sequence[HTTPXRequest]]":
    from telegram import Bot
    from telegram.request import HTTPXRequest
    from telegram.warnings import PTBDeprecationWarning

    # Of how it will give times some day: `_told` takes both ways.
    warnings.filterwarnings("ignore", category=PTBDeprecationWarning)
    requests = [
        HTTPXRequest(
            connection_pool_size=8,
            connect_timeout=CONNECT_SECONDS,
            read_timeout=ANSWER_SECONDS,
            write_timeout=ANSWER_SECONDS,
            pool_timeout=ANSWER_SECONDS,
        )
        for _ in range(2)
    ]
    return Bot(token, base_url=base_url, request=requests[0], get_updates_request=requests[1]), requests


def _markup(rows: Sequence[Row]) -> "InlineKeyboardMarkup | None":
    if not rows:
        return None
    from telegram import InlineKeyboardButton, InlineKeyboardMarkup

    return InlineKeyboardMarkup([[InlineKeyboardButton(label, callback_data=data) for label, data in row] for row in rows])


def _heard(update: "Update") -> Heard:
    query, message = update.callback_query, update.message
    person = update.effective_user
    by = f"{(person.username or person.full_name) if person else 'somebody'} (Telegram)"
    chat = update.effective_chat.id if update.effective_chat else 0
    if query is not None:
        shown = query.message.message_id if query.message else 0
        return Heard(update=update.update_id, chat=chat, message=shown, by=by, query=query.id, data=query.data or "")
    if message is None:
        return Heard(update=update.update_id, chat=0)
    replied = message.reply_to_message.message_id if message.reply_to_message else 0
    return Heard(update=update.update_id, chat=chat, message=message.message_id, by=by, text=message.text, reply_to=replied)


def _no_preview() -> "LinkPreviewOptions":
    from telegram import LinkPreviewOptions

    return LinkPreviewOptions(is_disabled=True)


def _plain(written: str) -> str:
    return html.unescape(re.sub(r"</?(?:b|i|code|pre|a)\b[^>]*>", "", written))
