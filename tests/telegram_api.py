"""Telegram's Bot API as far as a bot like ours sees it, on loopback: what it takes, what it refuses, and how."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.skuld_kit import until
from volundr.process import Tasks

TOKEN = "4242:canary-of-the-token_AAF"
OWNER = 100
TAGS = {"b", "i", "code", "pre", "a"}


class Parsed(HTMLParser):
    """The text of a message, and whether its tags are some that Telegram knows and nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.open, self.wrong = "", list[str](), ""
        self.pre: list[str] = []
        self.feed(text)
        self.close()
        if self.open:
            self.wrong = f"unclosed {self.open}"

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)
        if tag == "pre":
            self.pre.append("")
        if tag not in TAGS:
            self.wrong = f"unsupported start tag {tag}"

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong = f"unexpected end tag {tag}"

    def handle_data(self, data: str) -> None:
        self.text += data
        if "pre" in self.open:
            self.pre[-1] += data


@dataclass
class Message:
    """One in a chat, as it stands now. `before` are its earlier texts."""

    id: int
    chat: int
    html: str
    buttons: list[list[dict[str, Any]]]
    silent: bool = False
    reply_to: int = 0
    before: list[str] = field(default_factory=list)
    reaction: str = ""

    @property
    def text(self) -> str:
        return Parsed(self.html).text

    def data(self, label: str) -> str:
        return next(str(button["callback_data"]) for row in self.buttons for button in row if button["text"] == label)

    @property
    def labels(self) -> list[str]:
        return [button["text"] for row in self.buttons for button in row]


class Refused(Exception):
    def __init__(self, code: int, words: str, **parameters: Any) -> None:
        super().__init__(words)
        self.code, self.words, self.parameters = code, words, parameters


class TelegramApi:
    """`fail` is answered next instead of what was asked, by method. `start` and `stop` may come again: the port stays."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.updates: list[dict[str, Any]] = []
        self.answers: list[dict[str, str]] = []
        self.calls: list[str] = []
        self.times: list[float] = []
        self.fail: dict[str, list[Refused]] = {}
        self.token = TOKEN
        self.reactions: dict[tuple[int, int], str] = {}
        self.reactions_allowed = True
        self.confirmed = 0
        self._news = asyncio.Event()
        self._next = 1000
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._server: uvicorn.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/bot"

    async def start(self) -> None:
        app = Starlette(routes=[Route("/{bot}/{method}", self._serve, methods=["GET", "POST"])])
        config = uvicorn.Config(
            app,
            host="127.0.0.1",
            port=self.port,
            log_config=None,
            access_log=False,
            lifespan="off",
        )
        self._server = server = uvicorn.Server(config)
        server.capture_signals = _no_signals  # type: ignore[method-assign]
        self._serving = Tasks().spawn(server.serve(), name="bot api")
        await until(lambda: server.started)

    async def stop(self) -> None:
        """All at once, as a machine goes: nobody is waited for."""
        assert self._server is not None
        server, self._server = self._server, None
        self._serving.cancel()
        await asyncio.gather(self._serving, return_exceptions=True)
        for listener in server.servers:
            listener.close()
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        async with asyncio.timeout(5):
            await asyncio.gather(*server.server_state.tasks, return_exceptions=True)

    # --- people -------------------------------------------------------------------------------------------------------

    def number(self) -> int:
        self._next += 1
        return self._next

    def say(self, text: str | None, chat: int = OWNER, reply_to: int = 0, message: int = 0) -> int:
        """Somebody writes; returns the message's id."""
        body: dict[str, Any] = {"message_id": message or self.number(), "date": 1, "chat": _chat(chat), "from": _PERSON}
        if text is not None:
            body["text"] = text
        if reply_to:
            body["reply_to_message"] = {"message_id": reply_to, "date": 1, "chat": _chat(chat)}
        self._push({"update_id": self.number(), "message": body})
        return int(body["message_id"])

    def press(self, message: Message, data: str) -> None:
        shown = {"message_id": message.id, "date": 1, "chat": _chat(message.chat), "text": message.text}
        query = {"id": str(self.number()), "from": _PERSON, "chat_instance": "1", "message": shown, "data": data}
        self._push({"update_id": self.number(), "callback_query": query})

    def _push(self, update: dict[str, Any]) -> None:
        self.updates.append(update)
        self._news.set()

    async def find(self, words: str, chat: int = OWNER, limit: float = 8.0) -> Message:
        """The newest message that holds these words, once there is one."""
        await until(lambda: any(words in one.text and one.chat == chat for one in self.messages), limit)
        return next(one for one in reversed(self.messages) if words in one.text and one.chat == chat)

    def texts(self, chat: int = OWNER) -> list[str]:
        return [one.text for one in self.messages if one.chat == chat]

    # --- the API ------------------------------------------------------------------------------------------------------

    async def _serve(self, request: Request) -> JSONResponse:
        given = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        method = request.path_params["method"]
        self.calls.append(method)
        try:
            if request.path_params["bot"] != f"bot{self.token}":
                raise Refused(401, "Unauthorized")
            if self.fail.get(method):
                raise self.fail[method].pop(0)
            return JSONResponse({"ok": True, "result": await getattr(self, f"_{method}")(given)})
        except Refused as refused:
            more = {"parameters": refused.parameters} if refused.parameters else {}
            return JSONResponse({"ok": False, "error_code": refused.code, "description": refused.words, **more}, refused.code)

    async def _getMe(self, given: dict[str, str]) -> object:  # noqa: N802
        return {"id": 4242, "is_bot": True, "first_name": "Forge", "username": "forge_bot"}

    async def _deleteWebhook(self, given: dict[str, str]) -> object:  # noqa: N802
        return True

    async def _setMyCommands(self, given: dict[str, str]) -> object:  # noqa: N802
        assert all(one["command"] and one["description"] for one in json.loads(given["commands"]))
        return True

    async def _sendChatAction(self, given: dict[str, str]) -> object:  # noqa: N802
        return True

    async def _getUpdates(self, given: dict[str, str]) -> object:  # noqa: N802
        offset = int(given.get("offset", 0))
        self.confirmed = max(self.confirmed, offset)
        self.updates = [one for one in self.updates if one["update_id"] >= offset]
        end = asyncio.get_running_loop().time() + float(given.get("timeout", 0))
        while not self.updates and asyncio.get_running_loop().time() < end and not self._ending():
            self._news.clear()
            try:
                async with asyncio.timeout(0.05):
                    await self._news.wait()
            except TimeoutError:
                continue
        return self.updates[:100]

    def _ending(self) -> bool:
        return self._server is None

    async def _sendMessage(self, given: dict[str, str]) -> object:  # noqa: N802
        text = self._checked(given)
        reply = json.loads(given["reply_parameters"])["message_id"] if "reply_parameters" in given else 0
        silent = given.get("disable_notification") == "true"
        message = Message(self.number(), int(given["chat_id"]), text, _buttons(given), silent, reply)
        self.messages.append(message)
        self.times.append(asyncio.get_running_loop().time())
        return _shown(message)

    async def _editMessageText(self, given: dict[str, str]) -> object:  # noqa: N802
        message = self._message(given)
        text, buttons = self._checked(given), _buttons(given)
        if text == message.html and buttons == message.buttons:
            raise Refused(400, "Bad Request: message is not modified: specified new message content is exactly the same")
        message.before.append(message.html)
        message.html, message.buttons = text, buttons
        self.times.append(asyncio.get_running_loop().time())
        return _shown(message)

    async def _editMessageReplyMarkup(self, given: dict[str, str]) -> object:  # noqa: N802
        message = self._message(given)
        message.buttons = _buttons(given)
        return _shown(message)

    async def _setMessageReaction(self, given: dict[str, str]) -> object:  # noqa: N802
        if not self.reactions_allowed:
            raise Refused(400, "Bad Request: REACTION_INVALID")
        self.reactions[int(given["chat_id"]), int(given["message_id"])] = json.loads(given["reaction"])[0]["emoji"]
        return True

    async def _answerCallbackQuery(self, given: dict[str, str]) -> object:  # noqa: N802
        self.answers.append(given)
        return True

    def _message(self, given: dict[str, str]) -> Message:
        for message in self.messages:
            if message.id == int(given["message_id"]) and message.chat == int(given["chat_id"]):
                return message
        raise Refused(400, "Bad Request: message to edit not found")

    def _checked(self, given: dict[str, str]) -> str:
        text = given["text"]
        if given.get("parse_mode") != "HTML":
            text = text.replace("&", "&amp;").replace("<", "&lt;")
        parsed = Parsed(text)
        if parsed.wrong:
            raise Refused(400, f"Bad Request: can't parse entities: {parsed.wrong}")
        if not parsed.text.strip():
            raise Refused(400, "Bad Request: message text is empty")
        if len(parsed.text.encode("utf-16-le")) // 2 > 4096:
            raise Refused(400, "Bad Request: message is too long")
        return text


_PERSON = {"id": 7, "is_bot": False, "first_name": "Ann", "username": "ann"}


def _chat(number: int) -> dict[str, Any]:
    return {"id": number, "type": "private" if number > 0 else "group", "title": "chat"}


def _buttons(given: dict[str, str]) -> list[list[dict[str, Any]]]:
    rows: list[list[dict[str, Any]]] = json.loads(given.get("reply_markup", "{}")).get("inline_keyboard", [])
    for row in rows:
        for button in row:
            if not 1 <= len(button["callback_data"].encode()) <= 64:
                raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")
    return rows


def _shown(message: Message) -> dict[str, Any]:
    return {"message_id": message.id, "date": 1, "chat": _chat(message.chat), "text": message.text}


@contextmanager
def _no_signals() -> Iterator[None]:
    yield


@asynccontextmanager
async def telegram_api() -> AsyncIterator[TelegramApi]:
    api = TelegramApi()
    await api.start()
    try:
        yield api
    finally:
        await api.stop()
