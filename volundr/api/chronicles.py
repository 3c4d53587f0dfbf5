"""/chronicles and /sessions/{id}/chronicle: the stories of sessions"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, Field

from volundr.api.deps import service
from volundr.api.lists import Asked, PageOut
from volundr.api.reach import Readable as ReadableSession
from volundr.api.reach import Sessions
from volundr.api.reports import MomentOut
from volundr.api.revisions import IfMatch, tag
from volundr.api.security import WhoseRows, allowed, permit
from volundr.api.sessions import OptionsOut, SessionOut
from volundr.api.sessions import answer as answer_session
from volundr.api.strict import Shown, Strict, Text
from volundr.api.usage import ModelTotalOut, SumsOut, TokensOf
from volundr.domain.chronicles import Chronicle, ChronicleFilter, ChronicleService, ChronicleStatus, of_chronicle
from volundr.domain.errors import NotFound
from volundr.domain.identity import AuthorizationPort, Principal
from volundr.domain.reforge import Reforge, ReforgeService
from volundr.domain.sessions.model import EmptySource, GitSource, LocalSource, of_session
from volundr.domain.timeline import Action, Kind, TimelineService
from volundr.domain.tokens import Burn, Spent, TokenService

router = APIRouter(prefix="/api/v1/chronicles", tags=["Chronicles"])
of_sessions = APIRouter(prefix="/api/v1/sessions", tags=["Chronicles"])

Reader = Annotated[Principal, Depends(allowed("chronicle.read"))]
Writer = Annotated[Principal, Depends(allowed("chronicle.write"))]
Chronicles = Annotated[ChronicleService, Depends(service(ChronicleService))]
Timeline = Annotated[TimelineService, Depends(service(TimelineService))]
Line = Annotated[Text, Field(min_length=1, max_length=2000)]
Lines = Annotated[list[Line], Field(max_length=500)]
Tag = Annotated[Text, Field(min_length=1, max_length=64)]
Time = Annotated[AwareDatetime, Field(ge=datetime(1970, 1, 2, tzinfo=UTC), le=datetime(9000, 1, 1, tzinfo=UTC))]
Word = Annotated[Text, Field(max_length=2000)]


class ChronicleOut(BaseModel):
    """What a session was about. It stays when the session is deleted; then `session_id` is null."""

    id: UUID
    session_id: UUID | None
    owner_id: str
    status: ChronicleStatus = Field(description="`draft` while the session runs, `complete` when it has stopped.")
    name: str
    project: str
    repo: str
    branch: str
    agent: str
    model: str
    config: OptionsOut
    summary: str = Field(description="The person's first words, then the agent's last ones, both shortened.")
    key_changes: list[str] = Field(description="Commits that were made, then the files that changed most.")
    unfinished_work: list[str] = Field(description="How the last turn ended if not well, open questions, open tasks of the plan.")
    messages: int
    duration_seconds: float = Field(description="How long the agent worked.")
    spent: SumsOut
    tags: list[str]
    parent_chronicle_id: UUID | None
    revision: int
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None


class TouchedFileOut(Shown):
    """All changes of one file together."""

    path: str
    status: Action
    insertions: int
    deletions: int
    changes: int


class MadeCommitOut(Shown):
    hash: str
    message: str
    at: datetime


class ChronicleWholeOut(ChronicleOut):
    """With everything that is added up for one chronicle alone."""

    source: Annotated[GitSource | LocalSource | EmptySource, Field(discriminator="type")]
    models: list[ModelTotalOut] = Field(description="What was spent, by model.")
    files: list[TouchedFileOut] = Field(description="What the agent's tools changed.")
    commits: list[MadeCommitOut] = Field(description="Newest first.")


class ChroniclePage(PageOut[ChronicleOut]):
    pass


class ChainOut(BaseModel):
    """A chronicle with those it came from and those that came of it, oldest first; 200 at most."""

    items: list[ChronicleOut]


class BurnOut(BaseModel):
    start: datetime
    spent: SumsOut


class TimelineOut(BaseModel):
    """One page of lines, and what all lines add up to."""

    events: list[MomentOut] = Field(description="Oldest first.")
    next: str | None = Field(description="Give this as `cursor` for the following events; null at the end.")
    files: list[TouchedFileOut]
    commits: list[MadeCommitOut] = Field(description="Newest first.")
    token_burn: list[BurnOut] = Field(description="Spans in which tokens were spent, oldest first.")
    truncated: bool = Field(description="There were more changes or commits than are counted.")


class ChronicleIn(Strict):
    session_id: UUID


class ChronicleChange(Strict):
    """A field that is left out stays as it is. What you write is not replaced by what the session tells later; with null it is
    the session's to tell again."""

    name: Annotated[Text, Field(min_length=1, max_length=255)] | None = None
    summary: Annotated[Text, Field(max_length=10_000)] | None = Field(default=None, examples=["Mended the login."])
    key_changes: Lines | None = None
    unfinished_work: Lines | None = Field(default=None, examples=[["Tests of the login page"]])
    tags: Annotated[list[Tag], Field(max_length=50)] | None = Field(default=None, examples=[["login"]])
    status: ChronicleStatus | None = None

    def said(self) -> dict[str, Any]:
        """Tags are a person's alone: without any there are none."""
        said = self.model_dump(exclude_unset=True)
        if "tags" in said:
            said["tags"] = list(dict.fromkeys(said["tags"] or ()))
        return said


class ReforgeIn(Strict):
    """A new session that goes on with the work. It is told the summary, what is left to do and which files changed."""

    name: str = Field(default="", max_length=63, examples=["fix-login-2"], description="Empty: the old name with a number.")
    start: bool = False
    prompt: Annotated[Text, Field(max_length=20_000)] = Field(default="", description="Said to the agent besides.")


class ChronicleQuery(BaseModel):
    """All that is said must hold; a chronicle must have all the tags."""

    project: Word = ""
    repo: Word = ""
    agent: Word = ""
    model: Word = ""
    status: ChronicleStatus | None = None
    tag: list[Tag] = Field(default_factory=list, max_length=20)
    q: Text = Field(default="", max_length=500, description="Words that must all occur; the last one may be a beginning.")
    since: Time | None = Field(default=None, alias="from", description="Begun at this time or later.")
    until: Time | None = Field(default=None, alias="to", description="Begun before this time.")


class TimelineQuery(BaseModel):
    kind: list[Kind] = Field(default_factory=list, max_length=len(Kind), description="Only lines of these kinds.")
    cursor: str = Field(default="", max_length=1000)
    limit: int = Field(default=200, ge=1, le=500)
    seconds: int = Field(default=300, ge=60, le=86_400, description="Length of a span of `token_burn`.")


def chronicle_for(action: str) -> Callable[[Request, ChronicleService, UUID, Principal], Awaitable[Chronicle]]:
    """A dependency that hands the route the chronicle of its `{chronicle_id}`, if its caller may do this to it."""

    async def reached(
        request: Request, chronicles: Chronicles, chronicle_id: UUID, _: Annotated[Principal, Depends(allowed(action))]
    ) -> Chronicle:
        chronicle = await chronicles.get(chronicle_id)
        await permit(request, action, of_chronicle(chronicle))
        return chronicle

    return reached


Readable = Annotated[Chronicle, Depends(chronicle_for("chronicle.read"))]
Writable = Annotated[Chronicle, Depends(chronicle_for("chronicle.write"))]


def _shown(chronicle: Chronicle, spent: Spent) -> dict[str, Any]:
    """A chronicle's own fields as they are answered."""
    told = {name: getattr(chronicle, name) for name in ChronicleOut.model_fields.keys() - _OTHERS}
    config = OptionsOut.model_validate(chronicle.options)
    return told | {"config": config, "parent_chronicle_id": chronicle.parent_id, "spent": SumsOut.model_validate(spent)}


_OTHERS = {"config", "parent_chronicle_id", "spent"}


async def _all(tokens: TokenService, chronicles: Sequence[Chronicle]) -> list[ChronicleOut]:
    spent = await tokens.of_sessions([one.origin for one in chronicles])
    return [ChronicleOut(**_shown(one, spent.get(one.origin, Spent()))) for one in chronicles]


def _burn(burn: Burn) -> BurnOut:
    return BurnOut(start=burn.start, spent=SumsOut.model_validate(burn.spent))


class Whole:
    """Puts together what is answered for one chronicle."""

    def __init__(self, response: Response, timeline: Timeline, tokens: TokensOf) -> None:
        self._response = response
        self._timeline = timeline
        self._tokens = tokens

    async def whole(self, chronicle: Chronicle, *, known: bool = False) -> ChronicleWholeOut:
        """`known`: somebody wanted a new one and there was one already."""
        if known:
            self._response.status_code = 200
        tag(self._response, chronicle.revision)
        sums = await self._timeline.aggregate(chronicle.origin)
        spent = (await self._tokens.of_sessions([chronicle.origin])).get(chronicle.origin, Spent())
        return ChronicleWholeOut(
            **_shown(chronicle, spent),
            source=chronicle.source,
            models=[ModelTotalOut.model_validate(one) for one in await self._tokens.models(chronicle.origin)],
            files=[TouchedFileOut.model_validate(one) for one in sums.files],
            commits=[MadeCommitOut.model_validate(one) for one in sums.commits],
        )


Story = Annotated[Whole, Depends(Whole)]


@router.get("")
async def list_chronicles(
    _: Reader, chronicles: Chronicles, tokens: TokensOf, rows: WhoseRows, page: Asked, query: Annotated[ChronicleQuery, Query()]
) -> ChroniclePage:
    """Newest first. Case does not matter to `q`; signs that are no letters or digits divide words and mean nothing else."""
    chosen = query.model_dump(exclude={"tag"})
    found = await chronicles.list(ChronicleFilter(whose=rows, tags=tuple(query.tag), **chosen), page)
    return ChroniclePage(items=await _all(tokens, found.items), next=found.next)


@router.post("", status_code=201, responses={200: {"model": ChronicleWholeOut, "description": "There was one already."}})
async def create_chronicle(
    request: Request, _: Writer, chronicles: Chronicles, sessions: Sessions, story: Story, new: ChronicleIn
) -> ChronicleWholeOut:
    """Begin the chronicle of a session. There is one for each: another call gives the same again."""
    session = await sessions.get(new.session_id)
    await permit(request, "session.read", of_session(session))
    chronicle, known = await chronicles.begin(session)
    await permit(request, "chronicle.write", of_chronicle(chronicle))
    return await story.whole(chronicle, known=known)


@router.get("/{chronicle_id}")
async def get_chronicle(chronicle: Readable, story: Story) -> ChronicleWholeOut:
    return await story.whole(chronicle)


@router.patch("/{chronicle_id}")
async def change_chronicle(
    chronicles: Chronicles, chronicle: Writable, change: ChronicleChange, seen: IfMatch, story: Story
) -> ChronicleWholeOut:
    return await story.whole(await chronicles.change(chronicle, change.said(), seen))


@router.delete("/{chronicle_id}", status_code=204)
async def delete_chronicle(request: Request, _: Writer, chronicles: Chronicles, chronicle_id: UUID) -> None:
    """With its timeline. The chronicle of a session that goes on begins anew with the next turn."""
    try:
        chronicle = await chronicles.get(chronicle_id)
    except NotFound:
        return
    await permit(request, "chronicle.write", of_chronicle(chronicle))
    await chronicles.delete(chronicle_id)


@router.post("/{chronicle_id}/reforge", status_code=201, response_model=SessionOut)
async def reforge_chronicle(
    who: Annotated[Principal, Depends(allowed("session.write"))],
    chronicle: Readable,
    reforge: Annotated[ReforgeService, Depends(service(ReforgeService))],
    wanted: ReforgeIn,
) -> Response:
    """A new session that goes on, with the same template and options, on the branch that the old one left if it is there."""
    made = await reforge.reforge(chronicle, who, Reforge(name=wanted.name, start=wanted.start, prompt=wanted.prompt))
    return answer_session(made, 201)


@router.get("/{chronicle_id}/chain")
async def chronicle_chain(
    request: Request, who: Reader, chronicles: Chronicles, tokens: TokensOf, chronicle: Readable
) -> ChainOut:
    """The sessions that were reforged one from another, both ways. What belongs to others is left out."""
    found = await chronicles.chain(chronicle)
    authorization: AuthorizationPort = request.app.state.authorization
    if any(one.owner_id != who.user_id for one in found) and not await authorization.allows(who, "owner.all"):
        found = [one for one in found if one.owner_id == who.user_id]
    return ChainOut(items=await _all(tokens, found))


@router.get("/{chronicle_id}/timeline")
async def chronicle_timeline(
    chronicle: Readable, timeline: Timeline, tokens: TokensOf, query: Annotated[TimelineQuery, Query()]
) -> TimelineOut:
    """What happened, with the files, the commits and the tokens that it adds up to."""
    page = await timeline.list(chronicle.origin, query.kind, query.cursor, query.limit)
    sums = await timeline.aggregate(chronicle.origin)
    return TimelineOut(
        events=[MomentOut.model_validate(one) for one in page.items],
        next=page.next,
        files=[TouchedFileOut.model_validate(one) for one in sums.files],
        commits=[MadeCommitOut.model_validate(one) for one in sums.commits],
        token_burn=[_burn(one) for one in await tokens.burn(chronicle.origin, query.seconds)],
        truncated=sums.truncated,
    )


@of_sessions.get("/{session_id}/chronicle")
async def session_chronicle(session: ReadableSession, chronicles: Chronicles, story: Story) -> ChronicleWholeOut:
    return await story.whole(await chronicles.of_session(session.id))
