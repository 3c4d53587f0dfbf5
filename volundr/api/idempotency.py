"""`Idempotency-Key`: a POST that carries one is done once, and repeated requests get the first one's answer.

As the IETF draft has it: the same key with another body is refused (422), one that is still being done is a conflict (409).
What failed may be tried again under the same key. Keys belong to their caller and are kept for a day.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from volundr.api.errors import problem
from volundr.domain.idempotency import Answer, IdempotencyRepository
from volundr.domain.identity import Principal

HEADER = b"idempotency-key"
LONGEST = 255
_MADE = range(200, 300)


class IdempotentPosts:
    """Stands behind the door (it needs to know who asks) and inside the limit of a body's size (it reads bodies)."""

    def __init__(self, app: ASGIApp, services: Mapping[type, Any]) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = _key(scope)
        who: Principal | None = scope.get("state", {}).get("principal")
        if key is None or who is None:
            await self._app(scope, receive, send)
        elif not 0 < len(key) <= LONGEST or not key.isprintable():
            await problem(422, f"An Idempotency-Key has 1 to {LONGEST} printable characters.")(scope, receive, send)
        else:
            await self._once(scope, receive, send, (f"{who.tenant_id}/{who.user_id}", key))

    async def _once(self, scope: Scope, receive: Receive, send: Send, name: tuple[str, str]) -> None:
        keys: IdempotencyRepository = self._services[IdempotencyRepository]
        body = await _body(receive)
        if body is None:
            return
        asked = b"\0".join((scope["method"].encode(), scope["path"].encode(), scope["query_string"], body))
        claim = await keys.claim(*name, sha256(asked).hexdigest())
        if claim.state == "mine":
            await self._do(scope, _Replay(body, receive), send, (keys, *name))
        else:
            await _told(claim.state, claim.answer)(scope, receive, send)

    async def _do(self, scope: Scope, receive: Receive, send: Send, claimed: tuple[IdempotencyRepository, str, str]) -> None:
        keys, caller, key = claimed
        heard = _Heard(send)
        kept = False
        try:
            await self._app(scope, receive, heard)
            if heard.status in _MADE:
                await keys.keep(caller, key, heard.answer(once=bool(scope["state"].get("once"))))
                kept = True
        finally:
            if not kept:
                await keys.release(caller, key)
        await heard.deliver()


@dataclass(slots=True)
class _Heard:
    """Holds an answer back until it is kept: who hears it must find it again. Answers of POSTs are small."""

    send: Send
    messages: list[Message] = field(default_factory=list)

    async def __call__(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"]) if self.messages else 0

    def answer(self, *, once: bool) -> Answer:
        headers = {name.lower(): value.decode("latin-1") for name, value in self.messages[0]["headers"]}
        body = b"".join(message.get("body", b"") for message in self.messages[1:])
        return Answer(
            status=self.status,
            body=body.decode(),
            content_type=headers.get(b"content-type", ""),
            etag=headers.get(b"etag", ""),
            once=once,
        )

    async def deliver(self) -> None:
        for message in self.messages:
            await self.send(message)


class _Replay:
    """The body once more, then whatever the connection says."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


def _key(scope: Scope) -> str | None:
    if scope["type"] != "http" or scope["method"] != "POST":
        return None
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == HEADER), None)


async def _body(receive: Receive) -> bytes | None:
    """All of it; None when the caller went away."""
    pieces = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(pieces)


def _told(state: str, answer: Answer | None) -> Response:
    if answer is None:
        if state == "other":
            return problem(422, "This Idempotency-Key was used for another request.", hint="Use a new key for each thing to do.")
        busy = problem(409, "The request with this Idempotency-Key is still being done.", hint="Ask again in a moment.")
        busy.headers["retry-after"] = "1"
        return busy
    if answer.once:
        return problem(409, "This was done already, and its answer held a secret that is shown only once.")
    again = Response(answer.body or None, answer.status, media_type=answer.content_type or None)
    again.headers["idempotency-replayed"] = "true"
    if answer.etag:
        again.headers["etag"] = answer.etag
    return again
