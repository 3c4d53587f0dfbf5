"""Skuld's `/manage` API, as the forge calls it over Skuld's Unix socket."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from volundr.domain.errors import Invalid, NotFound, Unavailable, VolundrError
from volundr.relay import Broken, exchange

QUICK = 4.0
LONG = 55.0
"""Seconds: for questions, and for verbs that end processes."""

type Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Skuld:
    """One request, one connection: nothing to keep, nothing to be stale after Skuld was started again."""

    socket: Path
    key: str = field(repr=False)

    async def health(self) -> Json:
        return await self.ask("GET", "/manage/health")

    async def shutdown(self, limit: float) -> None:
        """Skuld stops its sessions and ends."""
        await self.ask("POST", "/manage/shutdown", limit=limit)

    async def ask(self, method: str, path: str, body: Json | None = None, limit: float = QUICK) -> Json:
        """The JSON answer. Raises NotFound, Invalid or Unavailable."""
        return _read(*await self._exchange(method, path, body, limit))

    async def fetch(self, path: str, limit: float = QUICK) -> bytes:
        """The answer as it comes, not read. Raises NotFound, Invalid or Unavailable."""
        status, answer = await self._exchange("GET", path, None, limit)
        if status >= HTTPStatus.BAD_REQUEST:
            _read(status, answer)
        return answer

    async def _exchange(self, method: str, path: str, body: Json | None, limit: float) -> tuple[int, bytes]:
        payload = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        headers = [
            (b"host", b"skuld"),
            (b"authorization", b"Bearer " + self.key.encode()),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(payload)).encode()),
        ]
        try:
            async with asyncio.timeout(limit), exchange(str(self.socket)) as talk:
                await talk.begin(method, path.encode(), headers)
                await talk.send(payload, more=False)
                head = await talk.head()
                answer = b"".join([piece async for piece in talk.body()])
        except (Broken, TimeoutError) as error:
            raise Unavailable(
                f"Skuld, the session broker, does not answer ({str(error) or 'no answer in time'}).",
                hint="`volundr logs skuld` shows why.",
            ) from error
        return head.status, answer


def _read(status: int, answer: bytes) -> Json:
    try:
        data = json.loads(answer) if answer else {}
    except ValueError as error:
        raise Unavailable("Skuld, the session broker, gave an answer that is no JSON.") from error
    if status < HTTPStatus.BAD_REQUEST:
        return data if isinstance(data, dict) else {"items": data}
    problem = data if isinstance(data, dict) else {}
    text = str(problem.get("detail") or f"Skuld answered with status {status}.")
    raise _kind(status)(text, hint=str(problem.get("hint") or ""))


def _kind(status: int) -> type[VolundrError]:
    if status == HTTPStatus.NOT_FOUND:
        return NotFound
    return Unavailable if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Invalid
