"""/sessions/{id}/report and timeline: what brokers tell, and what is known from it"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from volundr.api.deps import service
from volundr.api.reach import Readable
from volundr.api.security import allowed
from volundr.api.strict import Strict, Text
from volundr.api.usage import Dollars, Tokens
from volundr.domain.chronicles import Telling
from volundr.domain.identity import Principal
from volundr.domain.reports import Report, ReportService
from volundr.domain.timeline import Action, FileChange, Kind, Moment, TimelineService
from volundr.domain.tokens import TokenUse

router = APIRouter(prefix="/api/v1/sessions/{session_id}", tags=["Reports"])

Reports = Annotated[ReportService, Depends(service(ReportService))]
Broker = Annotated[Principal, Depends(allowed("session.report"))]

ITEMS_MOST = 1000
_LARGEST = 2**53
_TYPE = {"type"}
Count = Annotated[int, Field(ge=0, le=_LARGEST)]
Place = Annotated[int, Field(ge=1, le=_LARGEST, description="Number of the record that it was read from.")]


class UsageIn(Strict):
    """Tokens of one turn and one model. `cost_usd` is null when nobody knows the price."""

    type: Literal["usage"]
    seq: Place
    at: AwareDatetime
    turn: Count
    model: Text = Field(max_length=200)
    input: Tokens = 0
    output: Tokens = 0
    cache_read: Tokens = 0
    cache_write: Tokens = 0
    cost_usd: Dollars | None = None


class FileChangeIn(Strict):
    """One change of one file; lines are 0 where nobody said how many."""

    path: Text = Field(min_length=1, max_length=1000)
    action: Action
    insertions: Count = 0
    deletions: Count = 0


class MomentIn(Strict):
    """One line of the timeline."""

    type: Literal["timeline"]
    seq: Place
    at: AwareDatetime
    kind: Kind
    title: Text = Field(max_length=500)
    detail: Text = Field(default="", max_length=2000)
    files: list[FileChangeIn] = Field(default_factory=list, max_length=200)
    commit_hash: str = Field(default="", pattern=r"^[0-9a-f]{0,64}$")

    def moment(self, epoch: str) -> Moment:
        files = [FileChange(**one.model_dump()) for one in self.files]
        return Moment(epoch=epoch, files=files, **self.model_dump(exclude=_TYPE | {"files"}))


class ChronicleIn(Strict):
    """The newest telling of what the session is about; it replaces those of lower `seq`."""

    type: Literal["chronicle"]
    seq: Place
    summary: Text = Field(default="", max_length=10_000)
    key_changes: list[Annotated[Text, Field(max_length=500)]] = Field(default_factory=list, max_length=500)
    unfinished_work: list[Annotated[Text, Field(max_length=500)]] = Field(default_factory=list, max_length=500)
    messages: Count = 0
    duration_seconds: float = Field(default=0.0, ge=0, allow_inf_nan=False)


class ReportIn(Strict):
    """A batch of a broker's outbox, all of one epoch. What was kept before is not kept twice."""

    epoch: str = Field(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z_-]+$")
    items: list[Annotated[UsageIn | MomentIn | ChronicleIn, Field(discriminator="type")]] = Field(max_length=ITEMS_MOST)


class FileChangeOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    path: str
    action: Action
    insertions: int
    deletions: int


class MomentOut(BaseModel):
    """One line of a timeline; `epoch` and `seq` are its place in the conversation's log."""

    model_config = ConfigDict(from_attributes=True)

    epoch: str
    seq: int
    at: datetime
    kind: Kind
    title: str
    detail: str
    files: list[FileChangeOut]
    commit_hash: str


class MomentPage(BaseModel):
    items: list[MomentOut]
    next: str | None = Field(description="Give this as `cursor` for the following page; null at the end.")


@router.post("/report", status_code=204)
async def report_items(reports: Reports, _: Broker, session_id: UUID, given: ReportIn) -> None:
    epoch, stories = given.epoch, [item for item in given.items if isinstance(item, ChronicleIn)]
    newest = max(stories, key=lambda story: story.seq, default=None)
    report = Report(
        uses=[TokenUse(epoch=epoch, **item.model_dump(exclude=_TYPE)) for item in given.items if isinstance(item, UsageIn)],
        moments=[item.moment(epoch) for item in given.items if isinstance(item, MomentIn)],
        telling=None if newest is None else Telling(epoch=epoch, **newest.model_dump(exclude=_TYPE)),
    )
    await reports.take(session_id, report)


@router.get("/timeline")
async def session_timeline(
    session: Readable,
    timeline: Annotated[TimelineService, Depends(service(TimelineService))],
    kind: Annotated[list[Kind] | None, Query()] = None,
    cursor: str = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> MomentPage:
    """What happened, oldest first."""
    page = await timeline.list(session.id, kind or (), cursor, limit)
    return MomentPage(items=[MomentOut.model_validate(one) for one in page.items], next=page.next)
