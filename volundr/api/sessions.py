"""/sessions"""

import json
from datetime import datetime
from time import time
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from volundr.api.deps import service
from volundr.api.permissions import QuestionIn
from volundr.api.queries import documented, reading
from volundr.api.reach import Readable, Sessions, Writable, session_for
from volundr.api.revisions import IfMatch
from volundr.api.security import allowed, permit, whose
from volundr.api.strict import Shown, Strict, Text
from volundr.domain import tickets
from volundr.domain.errors import Conflict, NotFound
from volundr.domain.gateway import GatewayPort, SessionKeys
from volundr.domain.identity import Principal
from volundr.domain.paging import LIMIT_MOST, PageRequest
from volundr.domain.reports import ReportService
from volundr.domain.sessions.model import (
    Activity,
    EmptySource,
    GitSource,
    LocalSource,
    Options,
    Session,
    Status,
    of_session,
)
from volundr.domain.sessions.ports import SessionFilter

router = APIRouter(prefix="/api/v1/sessions", tags=["Sessions"])

Reader = Annotated[Principal, Depends(allowed("session.read"))]
Writer = Annotated[Principal, Depends(allowed("session.write"))]


class GitSourceIn(Strict):
    type: Literal["git"]
    url: str = Field(min_length=1, max_length=2000)
    branch: str = Field(default="", max_length=255)


class LocalSourceIn(Strict):
    type: Literal["local"]
    path: str = Field(min_length=1, max_length=4096)
    branch: str = Field(default="", max_length=255)
    mode: Literal["worktree", "in_place"] = "worktree"


class EmptySourceIn(Strict):
    type: Literal["empty"] = "empty"


SourceIn = Annotated[GitSourceIn | LocalSourceIn | EmptySourceIn, Field(discriminator="type")]


EnvName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=200)]


class OptionsIn(Strict):
    """How the session is run; what is empty is as the definition or the machine's settings say."""

    definition: str = Field(default="", max_length=64)
    transport: Literal["", "shim", "stdio", "remote", "per_message"] = ""
    mode: str = Field(default="", max_length=64, description="The agent's permission mode, in its own words.")
    thinking: str = Field(default="", max_length=64)
    template: Text = Field(default="", max_length=255)
    profile: Text = Field(default="", max_length=255)
    preset: Text = Field(
        default="", max_length=255, description="Id of a preset; what you say yourself goes before what it says."
    )
    system_prompt: Text = Field(default="", max_length=100_000)
    initial_prompt: Text = Field(default="", max_length=100_000, description="Said for you once the agent is there.")
    env: dict[EnvName, Text] = Field(default_factory=dict, max_length=200)
    resources: dict[Text, Text] = Field(default_factory=dict, max_length=20, examples=[{"cpu": "2", "memory": "4Gi"}])
    credentials: list[Text] = Field(default_factory=list, max_length=100, description="Names of stored credentials.")
    integrations: list[Text] = Field(default_factory=list, max_length=100, description="Ids of your connections.")
    mcp_servers: list[Text] = Field(default_factory=list, max_length=100, description="Names of tool servers.")
    issue: Text = Field(default="", max_length=255, description="Key of the tracker's issue it works on.")


class Fork(Strict):
    """A session that goes on from another one's conversation, in the same workspace."""

    name: str = Field(min_length=1, max_length=63)
    start: bool = True


class NewSession(Strict):
    """A session to create. `start` brings it up at once."""

    name: str = Field(min_length=1, max_length=63, examples=["fix-login"])
    agent: str = Field(default="", max_length=64, examples=["demo"], description="Needed unless the definition names one.")
    model: str = Field(default="", max_length=100)
    options: OptionsIn = Field(default_factory=OptionsIn)
    source: SourceIn = Field(default_factory=EmptySourceIn)
    start: bool = True


class SessionQuery(BaseModel):
    """Which sessions a list shows, and how. Without `status`: all but archived."""

    status: list[Status] = Field(default_factory=list)
    agent: str = Field(default="", max_length=64)
    q: str = Field(default="", max_length=200, description="In the name, the branch or the source.")
    owner: Literal["me", "all"] = Field(default="me", description="`all`: of everybody in the tenant, for its administrators.")
    cursor: str = Field(default="", max_length=1000, description="`next` of the page before; empty for the first.")
    limit: int = Field(default=50, ge=1, le=LIMIT_MOST)
    sort: str = Field(default="", max_length=64, description="A field of the items, `-field` for descending.")


asked = reading(SessionQuery)


class SessionChange(Strict):
    name: str = Field(min_length=1, max_length=63)
    revision: int | None = Field(default=None, description="Change only if the session still has this revision.")


class ActivityReport(Strict):
    """What a session's broker says it does."""

    state: Literal["starting", "idle", "working", "waiting", "stopping", "stopped", "failed"]
    what: str = Field(default="", max_length=2000)
    since: datetime | None = None
    messages: int = Field(default=0, ge=0)
    model: str = Field(default="", max_length=200)
    cost_usd: float | None = Field(default=None, ge=0)
    questions: list[QuestionIn] = Field(default_factory=list, max_length=100, description="What waits for an answer now.")


class OptionsOut(Shown):
    """How the session is run, without its long texts: those are at `/sessions/{id}/options`."""

    definition: str
    transport: str
    mode: str
    thinking: str
    fork_of: str
    template: str
    profile: str
    preset: str
    resources: dict[str, str]
    credentials: list[str]
    integrations: list[str]
    mcp_servers: list[str]
    parent_chronicle: str
    issue: str


class AllOptionsOut(OptionsOut):
    """Everything that was said when the session was made, or filled in by its template, profile or preset."""

    system_prompt: str
    initial_prompt: str
    env: dict[str, str]


class SessionOut(BaseModel):
    """A session as clients see it: all but the pod manager's memory."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    agent: str
    model: str
    source: Annotated[GitSource | LocalSource | EmptySource, Field(discriminator="type")]
    options: OptionsOut
    status: Status
    step: str
    error: str
    hint: str
    workspace: str
    branch: str
    activity: Activity
    owner_id: str
    tenant_id: str
    revision: int
    created_at: datetime
    updated_at: datetime
    last_active: datetime
    archived_at: datetime | None


class SessionPage(BaseModel):
    items: list[SessionOut]
    next: str | None = Field(description="Give this as `cursor` for the following page; null at the end.")


class TicketOut(BaseModel):
    """Good for one socket of this session. Send it as the subprotocol `volundr.ticket.<ticket>`."""

    ticket: str
    path: str
    expires_at: float


class LogsOut(BaseModel):
    lines: list[str]


class HistoryOut(BaseModel):
    """Records of the conversation, oldest first. They belong to the epoch: another one means another log."""

    epoch: str = Field(description="Empty when nothing was kept yet.")
    records: list[dict[str, object]] = Field(description="What `/s/{id}/ws/chat` replays, each with `seq` and `at`.")


class Written:
    """Sessions as JSON, each written once: what the store hands out again unchanged need not be written again."""

    KEPT = 1024

    def __init__(self) -> None:
        self._adapter: TypeAdapter[SessionOut] = TypeAdapter(SessionOut)
        self._kept: dict[int, tuple[Session, bytes]] = {}

    def __call__(self, session: Session) -> bytes:
        kept = self._kept.get(id(session))
        if kept is not None and kept[0] is session:
            return kept[1]
        text = self._adapter.dump_json(self._adapter.validate_python(session, from_attributes=True))
        if len(self._kept) >= self.KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[id(session)] = (session, text)
        return text


show = Written()


def answer(session: Session, status: int = 200) -> Response:
    """Written by us: this is what clients ask for all the time."""
    return Response(show(session), status, {"etag": f'"{session.revision}"'}, media_type="application/json")


@router.get("", response_model=SessionPage, openapi_extra=documented(SessionQuery))
async def list_sessions(request: Request, sessions: Sessions, _: Reader) -> Response:
    """Newest first, without those that are archived, unless you ask for something else."""
    query = asked(request)
    chosen = SessionFilter(
        status=query.status, whose=await whose(request, query.owner), agent=query.agent, q=query.q.replace("\x00", "")
    )
    found = await sessions.list(chosen, PageRequest(cursor=query.cursor, limit=query.limit, sort=query.sort))
    body = b'{"items":[%s],"next":%s}' % (b",".join(map(show, found.items)), json.dumps(found.next).encode())
    return Response(body, media_type="application/json")


@router.post("", status_code=201, response_model=SessionOut)
async def create_session(sessions: Sessions, who: Writer, new: NewSession) -> Response:
    source = TypeAdapter(GitSource | LocalSource | EmptySource).validate_python(new.source.model_dump())
    session = Session(
        name=new.name,
        agent=new.agent,
        model=new.model,
        source=source,
        options=TypeAdapter(Options).validate_python(new.options.model_dump()),
        owner_id=who.user_id,
        tenant_id=who.tenant_id,
    )
    return answer(await sessions.create(session, start=new.start), 201)


@router.post("/{session_id}/fork", status_code=201, response_model=SessionOut)
async def fork_session(sessions: Sessions, who: Writer, session: Writable, fork: Fork) -> Response:
    return answer(await sessions.fork(session, fork.name, who, start=fork.start), 201)


@router.get("/{session_id}", response_model=SessionOut)
async def get_session(session: Readable) -> Response:
    return answer(session)


@router.get("/{session_id}/options")
async def session_options(session: Readable) -> AllOptionsOut:
    """How it is run, in full."""
    return AllOptionsOut.model_validate(session.options)


@router.patch("/{session_id}", response_model=SessionOut)
async def change_session(sessions: Sessions, session: Writable, change: SessionChange, seen: IfMatch) -> Response:
    return answer(await sessions.rename(session.id, change.name, change.revision if seen is None else seen))


@router.delete("/{session_id}", status_code=204)
async def delete_session(request: Request, sessions: Sessions, _: Writer, session_id: UUID) -> None:
    """Also of one that is gone already: deleting twice is no error."""
    try:
        session = await sessions.get(session_id)
    except NotFound:
        return
    await permit(request, "session.write", of_session(session))
    await sessions.delete(session_id)


@router.post("/{session_id}/start", response_model=SessionOut)
async def start_session(sessions: Sessions, session: Writable) -> Response:
    return answer(await sessions.start(session.id))


@router.post("/{session_id}/stop", response_model=SessionOut)
async def stop_session(sessions: Sessions, session: Writable) -> Response:
    return answer(await sessions.stop(session.id))


@router.post("/{session_id}/archive", response_model=SessionOut)
async def archive_session(sessions: Sessions, session: Writable) -> Response:
    return answer(await sessions.archive(session.id))


@router.post("/{session_id}/restore", response_model=SessionOut)
async def restore_session(sessions: Sessions, session: Writable) -> Response:
    return answer(await sessions.restore(session.id))


@router.post("/{session_id}/ticket")
async def issue_ticket(
    who: Annotated[Principal, Depends(allowed("session.connect"))],
    session: Annotated[Session, Depends(session_for("session.connect"))],
    gateway: Annotated[GatewayPort, Depends(service(GatewayPort))],
    keys: Annotated[SessionKeys, Depends(service(SessionKeys))],
) -> TicketOut:
    if session.status is not Status.RUNNING:
        raise Conflict(f"Session {session.name!r} is {session.status}.", hint="Start it to go on with the conversation.")
    now = time()
    ticket = tickets.issue(keys.session(session.id), str(session.id), who.user_id, now)
    return TicketOut(ticket=ticket, path=f"{gateway.path(session)}/ws/chat", expires_at=now + tickets.LIFETIME_SECONDS)


@router.put("/{session_id}/activity", status_code=204)
async def report_activity(
    reports: Annotated[ReportService, Depends(service(ReportService))],
    _: Annotated[Principal, Depends(allowed("session.report"))],
    session_id: UUID,
    report: ActivityReport,
) -> None:
    activity = Activity(**report.model_dump(exclude={"questions"}))
    await reports.activity(session_id, activity, [question.question() for question in report.questions])


@router.get("/{session_id}/logs")
async def session_logs(sessions: Sessions, session: Readable, lines: Annotated[int, Query(ge=1, le=2000)] = 200) -> LogsOut:
    return LogsOut(lines=list(await sessions.logs(session.id, lines)))


@router.get("/{session_id}/history", response_model=HistoryOut)
async def session_history(
    sessions: Sessions,
    session: Readable,
    before: Annotated[int | None, Query(ge=1)] = None,
    limit: Annotated[int, Query(ge=1, le=2000)] = 500,
) -> Response:
    """The newest records, or those before one, whether or not the session runs."""
    return Response(await sessions.history(session.id, before, limit), media_type="application/json")
