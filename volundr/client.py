"""What the faces (CLI, TUI) know of Volundr: a typed client of its API. Finds a local forge by its run file and token."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, fields
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote
from uuid import uuid4

from volundr.domain.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable, VolundrError
from volundr.process import Running

if TYPE_CHECKING:
    import httpx
    from websockets.asyncio.client import ClientConnection

log = logging.getLogger(__name__)

TIMEOUT = 30.0
LONG = 90.0
"""Seconds for an answer: ordinary ones, and those that end a session's processes."""
RECONNECT_SECONDS = 20.0
PAGE = 200
STOPPED = frozenset({1001, 4404})
"""The close codes after which there is no session to come back to."""

type Json = Mapping[str, Any]

NOT_RUNNING = "Volundr is not running."
START_IT = "Start it with `volundr up`."


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    state: str = ""
    what: str = ""
    since: datetime | None = None
    messages: int = 0
    model: str = ""
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session as the API shows it. `raw` is all of it, also what this client does not know."""

    id: str
    name: str
    agent: str
    status: str
    model: str = ""
    step: str = ""
    error: str = ""
    hint: str = ""
    workspace: str = ""
    branch: str = ""
    activity: Activity = field(default_factory=Activity)
    created_at: datetime | None = None
    last_active: datetime | None = None
    raw: Json = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, data: Json) -> Self:
        known = {f.name: data[f.name] for f in fields(cls) if f.name in data}
        activity = data.get("activity") or {}
        doing = {f.name: activity[f.name] for f in fields(Activity) if f.name in activity}
        times = {name: _time(data.get(name)) for name in ("created_at", "last_active")}
        return cls(**{**known, **times, "activity": Activity(**{**doing, "since": _time(activity.get("since"))}), "raw": data})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    name: str
    agent: str
    source: Json
    model: str = ""
    start: bool = True
    options: Json = field(default_factory=dict)


def forge(home: Path) -> Running | None:
    """The forge that lives on this home, None when there is none."""
    try:
        found = Running(**json.loads((home / "run" / "forge.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return found if found.alive() else None


@asynccontextmanager
async def connect(home: Path) -> AsyncIterator["Client"]:
    """A client of the forge of this home. Raises Unavailable when it does not run."""
    import httpx

    running = forge(home)
    if running is None:
        raise Unavailable(NOT_RUNNING, hint=START_IT)
    try:
        token = (home / running.key).read_text().strip()
    except OSError as error:
        raise Unavailable(f"The token of this forge cannot be read: {error}.", hint="`volundr doctor` looks closer.") from error
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=running.address, headers=headers, timeout=TIMEOUT, trust_env=False) as http:
        yield Client(http, running.address, token)


class Client:
    """Every method raises the domain error that the API answered with."""

    def __init__(self, http: "httpx.AsyncClient", address: str, token: str) -> None:
        self._http = http
        self._token = token
        self.address = address

    async def sessions(self, statuses: Sequence[str] = ()) -> Sequence[Session]:
        """All of them, newest first; without `statuses` all but archived ones."""
        found: list[Session] = []
        cursor: str | None = ""
        while cursor is not None:
            query = {"status": list(statuses), "cursor": cursor, "limit": PAGE}
            page = await self._ask("GET", "/api/v1/sessions", params={name: value for name, value in query.items() if value})
            found += [Session.of(item) for item in page["items"]]
            cursor = page["next"]
        return found

    async def find(self, text: str) -> Session:
        """The session of this name or id, or the only one whose name or id begins so."""
        known = [*await self.sessions(), *await self.sessions(["archived"])]
        exact = [session for session in known if text in {session.id, session.name}]
        near = exact[:1] or [session for session in known if session.name.startswith(text) or session.id.startswith(text)]
        if len(near) == 1:
            return near[0]
        if near:
            names = ", ".join(sorted(session.name for session in near)[:10])
            raise Conflict(f"{text!r} could be any of: {names}.", hint="Give more of the name.")
        raise NotFound(f"There is no session {text!r}.", hint="`volundr sessions list` shows them.")

    async def get(self, session_id: str) -> Session:
        return Session.of(await self._ask("GET", f"/api/v1/sessions/{session_id}"))

    async def create(self, new: NewSession) -> Session:
        body = {"name": new.name, "agent": new.agent, "model": new.model, "source": new.source, "start": new.start}
        return Session.of(await self._ask("POST", "/api/v1/sessions", {**body, "options": new.options}))

    async def fork(self, session_id: str, name: str, *, start: bool) -> Session:
        """A new session in the same folder that goes on from this one's conversation."""
        return Session.of(await self._ask("POST", f"/api/v1/sessions/{session_id}/fork", {"name": name, "start": start}))

    async def permissions(self) -> Sequence[Json]:
        """What waits for an answer in all sessions, oldest first."""
        found: list[Json] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await self._ask("GET", "/api/v1/permissions", params={"cursor": cursor} if cursor else None)
            found += page["items"]
            cursor = page["next"]
        return found

    async def retention(self, *, apply: bool) -> Sequence[Json]:
        """What the retention settings let go; with `apply` it is removed."""
        found: Sequence[Json] = (await self._ask("POST" if apply else "GET", "/api/v1/retention", limit=LONG))["items"]
        return found

    async def answer(self, session_id: str, permission: str, decision: Json) -> None:
        """`decision` has `decision`, `scope` and `message`. Raises Conflict when somebody else was first."""
        await self._ask("POST", f"/s/{session_id}/permissions/{quote(permission, safe='')}", decision)

    async def start(self, session_id: str) -> Session:
        return await self._verb(session_id, "start")

    async def stop(self, session_id: str) -> Session:
        return await self._verb(session_id, "stop")

    async def archive(self, session_id: str) -> Session:
        return await self._verb(session_id, "archive")

    async def restore(self, session_id: str) -> Session:
        return await self._verb(session_id, "restore")

    async def delete(self, session_id: str) -> None:
        await self._ask("DELETE", f"/api/v1/sessions/{session_id}", limit=LONG)

    async def logs(self, session_id: str, lines: int) -> Sequence[str]:
        answer = await self._ask("GET", f"/api/v1/sessions/{session_id}/logs", params={"lines": lines})
        return [str(line) for line in answer["lines"]]

    async def system(self) -> Json:
        answer: Json = await self._ask("GET", "/api/v1/system")
        return answer

    async def login_link(self) -> str:
        """A new link that signs one browser in, once."""
        return str((await self._ask("POST", "/api/v1/login/codes"))["url"])

    @asynccontextmanager
    async def chat(self, session_id: str, tail: int = 1) -> AsyncIterator["Chat"]:
        """The session's chat, beginning with its last `tail` records. Raises Conflict when the session does not run."""
        chat = Chat(lambda: self._dial(session_id), tail)
        await chat.connect()
        try:
            yield chat
        finally:
            await chat.close()

    async def _dial(self, session_id: str) -> "ClientConnection":
        """A socket through the gateway, with a ticket of its own."""
        from websockets.asyncio.client import connect as dial
        from websockets.exceptions import WebSocketException
        from websockets.typing import Subprotocol

        ticket = await self._ask("POST", f"/api/v1/sessions/{session_id}/ticket")
        try:
            return await dial(
                f"ws{self.address.removeprefix('http')}{ticket['path']}",
                subprotocols=[Subprotocol("volundr.chat.v1"), Subprotocol(f"volundr.ticket.{ticket['ticket']}")],
                additional_headers={"Authorization": f"Bearer {self._token}"},
                compression=None,
                max_size=None,
                proxy=None,
            )
        except (OSError, WebSocketException) as error:
            raise Unavailable(f"The session's chat cannot be opened: {error}.", hint="`volundr logs skuld` shows why.") from error

    async def _verb(self, session_id: str, verb: str) -> Session:
        return Session.of(await self._ask("POST", f"/api/v1/sessions/{session_id}/{verb}", limit=LONG))

    async def _ask(
        self, method: str, path: str, body: Json | None = None, params: Json | None = None, limit: float = TIMEOUT
    ) -> Any:
        import httpx

        try:
            answer = await self._http.request(method, path, json=body, params=params, timeout=limit)
        except httpx.TransportError as error:
            raise Unavailable(
                f"Volundr does not answer at {self.address} ({type(error).__name__}).", hint="`volundr logs` shows why."
            ) from error
        if answer.is_error:
            raise problem(answer.status_code, answer.content)
        return answer.json() if answer.content else {}


class Chat:
    """A session's chat that outlives its sockets: what was said meanwhile comes after a reconnect, each record once.

    Frames are the objects that `volundr/broker/frames.py` describes.
    """

    def __init__(self, dial: Callable[[], Awaitable["ClientConnection"]], tail: int) -> None:
        self._dial = dial
        self._attach: dict[str, Any] = {"type": "attach", "tail": tail}
        self._unstored: dict[str, Json] = {}
        self._socket: ClientConnection | None = None

    async def connect(self) -> None:
        """Open a socket, trying again while Skuld is being started again. Raises Unavailable when that takes too long."""
        deadline = time.monotonic() + RECONNECT_SECONDS
        while True:
            try:
                self._socket = await self._dial()
            except Unavailable:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.2)
            else:
                await self._send(self._attach)
                for frame in self._unstored.values():
                    await self._send(frame)
                return

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.close()

    async def say(self, text: str) -> str:
        """Returns the id of the message; it is sent until it is stored."""
        message = str(uuid4())
        self._unstored[message] = {"type": "send", "id": message, "text": text}
        await self._send(self._unstored[message])
        return message

    async def decide(self, permission: str, decision: str, scope: str = "once", message: str = "") -> None:
        await self._send({"type": "decide", "id": permission, "decision": decision, "scope": scope, "message": message})

    async def interrupt(self) -> None:
        await self._send({"type": "interrupt"})

    async def frames(self) -> AsyncIterator[Json]:
        """Until the session is stopped, which raises Conflict, or cannot be reached again, which raises Unavailable."""
        from websockets.exceptions import ConnectionClosed

        while self._socket is not None:
            try:
                async for message in self._socket:
                    for line in message.splitlines():
                        frame = json.loads(line)
                        self._note(frame)
                        yield frame
            except ConnectionClosed as error:
                log.debug("chat socket ended", extra={"cause": str(error)})
            if self._socket.close_code in STOPPED:
                raise Conflict("The chat ended: the session was stopped.", hint="Start it again: volundr sessions start SESSION")
            await self.connect()

    def _note(self, frame: Json) -> None:
        """Keep the cursor, and forget what need not be sent again."""
        if frame["type"] == "hello":
            self._attach = {"type": "attach", "epoch": frame["epoch"], "after": self._attach.get("after", 0)}
        if "seq" in frame and frame["type"] != "stored":
            self._attach["after"] = frame["seq"]
        if frame["type"] == "caught_up":
            self._attach["after"] = max(self._attach.get("after", 0), frame["seq"])
        if frame["type"] in {"stored", "user_message", "rejected"}:
            self._unstored.pop(frame["id"], None)

    async def _send(self, frame: Json) -> None:
        """A lost socket is noticed, and mended, by who reads `frames`."""
        from websockets.exceptions import ConnectionClosed

        with suppress(ConnectionClosed):
            if self._socket is not None:
                await self._socket.send(json.dumps(frame))


KINDS: Mapping[int, type[VolundrError]] = {
    HTTPStatus.UNAUTHORIZED: Forbidden,
    HTTPStatus.FORBIDDEN: Forbidden,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.CONFLICT: Conflict,
}


def problem(status: int, content: bytes) -> VolundrError:
    """The error that a problem document speaks of."""
    try:
        data = json.loads(content)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        data = {}
    text = str(data.get("detail") or data.get("title") or f"Volundr answered with status {status}.")
    for item in data.get("errors") or ():
        if isinstance(item, dict):
            text += f"\n  {'.'.join(str(part) for part in item.get('loc', ()))}: {item.get('msg', item.get('message', ''))}"
    kind = KINDS.get(status, Unavailable if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Invalid)
    return kind(text, hint=str(data.get("hint") or ""))


def _time(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) and text else None
