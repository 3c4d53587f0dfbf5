"""Tells the forge what a session does: the newest state, whenever it changed, however long the forge was away."""

import asyncio
import json
import logging
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ssl import create_default_context
from urllib.parse import urlsplit

from volundr.broker.parts import Activity, Json
from volundr.broker.records import PermissionRaised
from volundr.broker.timeline import redacted, short

log = logging.getLogger(__name__)

LONGEST_INPUT = 4096
"""Bytes of JSON that a question's input may have outside its session."""
LONGEST_TEXT = 2000
MOST_QUESTIONS = 50
LEAST_GAP = 0.2
LEAST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
ANSWER_SECONDS = 10.0
_TELLING = re.compile(r"(?:password|passwd|secret|api_?key|token|authorization)$", re.IGNORECASE)
_SERVER_ERROR = 500
_TOO_MANY = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    activity: Activity
    messages: int = 0
    model: str = ""
    cost_usd: float | None = None
    questions: Sequence[Json] = ()

    def body(self) -> bytes:
        shown = {
            "state": self.activity.state,
            "what": self.activity.what,
            "since": self.activity.since or None,
            "messages": self.messages,
            "model": self.model,
            "cost_usd": self.cost_usd,
            "questions": list(self.questions),
        }
        return json.dumps(shown, separators=(",", ":")).encode()


def open_questions(questions: Mapping[str, PermissionRaised], asked_at: Mapping[str, str]) -> Sequence[Json]:
    """What waits for an answer, oldest first, for people who do not look at the session: short, and without secrets."""
    return [
        {
            "id": name,
            "tool": short(asked.tool, 200),
            "title": short(asked.title, 500),
            "reason": short(asked.reason, LONGEST_TEXT),
            "input": shortened(asked.input),
            "scopes": list(asked.scopes),
            "rules": [{"tool": short(rule.tool, 200), "subject": short(rule.subject, LONGEST_TEXT)} for rule in asked.rules[:20]],
            "raised_at": asked_at[name],
        }
        for name, asked in list(questions.items())[:MOST_QUESTIONS]
    ]


def shortened(given: Json, most: int = LONGEST_INPUT) -> Json:
    """At most so many bytes as JSON: texts are cut first, and what still does not fit becomes one text."""
    for longest in (most, most // 4, most // 16):
        cut = _members(given, longest)
        if len(json.dumps(cut)) <= most:
            return cut
    return {"shortened": redacted(json.dumps(cut)[: most // 2])}


def _members(given: Json, longest: int) -> dict[str, object]:
    return {
        redacted(str(key))[:100]: "[hidden]" if isinstance(value, str) and _TELLING.search(str(key)) else _cut(value, longest)
        for key, value in given.items()
    }


def _cut(value: object, longest: int) -> object:
    match value:
        case str():
            text = redacted(value[: 2 * longest]).replace("\x00", "").encode("utf-8", "replace").decode()
            return text if len(text) <= longest else text[:longest] + "…"
        case Mapping():
            return _members(value, longest)
        case list() | tuple():
            return [_cut(one, longest) for one in value]
        case float() if not math.isfinite(value):
            return None
        case bool() | int() | float() | None:
            return value
        case _:
            return str(type(value).__name__)


class Reporter:
    """Without an address it does nothing. `tell` only remembers; `run` is the task that speaks."""

    def __init__(self, url: str, secret: str) -> None:
        self._url = url
        self._secret = secret
        self._newest: News | None = None
        self._changed = asyncio.Event()
        self._quiet = asyncio.Event()
        self._quiet.set()

    def aim(self, url: str, secret: str) -> None:
        """The forge is elsewhere now: it hears what is newest."""
        if (url, secret) != (self._url, self._secret):
            self._url, self._secret, self._newest = url, secret, None

    def tell(self, news: News) -> None:
        if self._url and news != self._newest:
            self._newest = news
            self._quiet.clear()
            self._changed.set()

    async def run(self) -> None:
        """Own this task: it ends when it is cancelled."""
        pause = LEAST_PAUSE
        while True:
            await self._changed.wait()
            self._changed.clear()
            news = self._newest
            if news is None or await self._deliver(news):
                pause = LEAST_PAUSE
                if self._newest == news:
                    self._quiet.set()
                await asyncio.sleep(LEAST_GAP)
            else:
                self._changed.set()
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def flush(self, limit: float) -> bool:
        """Wait until the forge knows everything, but no longer than this."""
        try:
            async with asyncio.timeout(limit):
                await self._quiet.wait()
        except TimeoutError:
            return False
        return True

    async def _deliver(self, news: News) -> bool:
        """False when it is worth trying again."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                status = await send("PUT", self._url, self._secret, news.body())
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError) as error:
            log.info("forge is away", extra={"cause": repr(error)})
            return False
        if status >= _SERVER_ERROR or status == _TOO_MANY:
            return False
        if status >= 400:
            log.info("forge refused a report", extra={"status": status})
        return True


async def send(method: str, url: str, secret: str, body: bytes) -> int:
    """One request on a connection of its own; the status of the answer. A client library would weigh more than all sessions."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    reader, writer = await asyncio.open_connection(
        parts.hostname, port, ssl=await asyncio.to_thread(create_default_context) if secure else None
    )
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        head = (
            f"{method} {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {secret}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()
        line = await reader.readline()
        return int(line.split(b" ", 2)[1])
    except IndexError as error:
        raise ValueError("no HTTP answer") from error
    finally:
        writer.close()
