"""What the faces (CLI, TUI) know of Volundr: a typed client of its API. Finds a local forge by its run file and token."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

from volundr.domain.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable, VolundrError
from volundr.process import Running

if TYPE_CHECKING:
    import httpx
    from websockets.asyncio.client import ClientConnection

TIMEOUT = 30.0
LONG = 90.0
"""Seconds for an answer: ordinary ones, and those that end a session's processes."""
PAGE = 200

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
        token = (home / "token").read_text().strip()
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
        return Session.of(await self._ask("POST", "/api/v1/sessions", body))

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
    async def chat(self, session_id: str) -> AsyncIterator["Chat"]:
        """The session's chat, through the gateway. Raises Conflict when it does not run."""
        from websockets.asyncio.client import connect as dial
        from websockets.exceptions import WebSocketException

        ticket = await self._ask("POST", f"/api/v1/sessions/{session_id}/ticket")
        try:
            socket = await dial(
                f"ws{self.address.removeprefix('http')}{ticket['path']}",
                subprotocols=["volundr.chat.v1", f"volundr.ticket.{ticket['ticket']}"],  # type: ignore[list-item]  # NewType of str
                additional_headers={"Authorization": f"Bearer {self._token}"},
                compression=None,
                max_size=None,
                proxy=None,
            )
        except (OSError, WebSocketException) as error:
            raise Unavailable(f"The session's chat cannot be opened: {error}.", hint="`volundr logs skuld` shows why.") from error
        async with socket:
            yield Chat(socket)

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
    """One socket of a session. Frames are the objects that `volundr/broker/frames.py` describes."""

    def __init__(self, socket: "ClientConnection") -> None:
        self._socket = socket

    async def attach(self, tail: int) -> None:
        await self._send({"type": "attach", "tail": tail})

    async def say(self, text: str) -> str:
        """Returns the id of the message."""
        message = str(uuid4())
        await self._send({"type": "send", "id": message, "text": text})
        return message

    async def decide(self, permission: str, decision: str, scope: str = "once", message: str = "") -> None:
        await self._send({"type": "decide", "id": permission, "decision": decision, "scope": scope, "message": message})

    async def interrupt(self) -> None:
        await self._send({"type": "interrupt"})

    async def frames(self) -> AsyncIterator[Json]:
        """Until the socket ends. Raises Unavailable with what Skuld said when it ended."""
        from websockets.exceptions import ConnectionClosed

        try:
            async for message in self._socket:
                for line in message.splitlines():
                    yield json.loads(line)
        except ConnectionClosed as error:
            reason = error.rcvd.reason if error.rcvd else ""
            raise Unavailable(f"The chat ended: {reason or 'the connection was lost'}.", hint="Try it again.") from error
        raise Unavailable("The chat ended: the session was stopped.", hint="Start it again with `volundr sessions start`.")

    async def _send(self, frame: Json) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            await self._socket.send(json.dumps(frame))
        except ConnectionClosed as error:
            raise Unavailable("The chat ended while sending.", hint="Try it again.") from error


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
