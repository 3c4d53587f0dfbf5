"""/stats"""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from volundr.api.deps import service
from volundr.api.lists import Asked, PageOut
from volundr.api.security import WhoseRows, allowed
from volundr.api.strict import Shown
from volundr.api.usage import SumsOut
from volundr.domain.identity import Principal
from volundr.domain.sessions.model import Status
from volundr.domain.stats import By, StatsService, UsageRow, Window, window_of

router = APIRouter(prefix="/api/v1/stats", tags=["Models and statistics"])

Stats = Annotated[StatsService, Depends(service(StatsService))]
Reader = Annotated[Principal, Depends(allowed("stat.read"))]
Offset = Annotated[
    int,
    Query(ge=-840, le=840, description="Minutes that your clock is ahead of UTC, a multiple of 15. Days begin at your midnight."),
]


class UsageRowOut(SumsOut):
    key: str = Field(description="The day, model, person, repository or id of the session.")
    label: str = Field(description="The session's name; empty for the others.")


class UsagePage(PageOut[UsageRowOut]):
    pass


class StatsOut(Shown):
    sessions: dict[Status, int] = Field(description="How many there are of each status.")
    active_sessions: int
    total_sessions: int
    today: SumsOut
    last_7_days: SumsOut
    last_30_days: SumsOut


def _sums(row: UsageRow) -> SumsOut:
    return SumsOut.model_validate(row)


@router.get("")
async def get_stats(_: Reader, stats: Stats, whose: WhoseRows, utc_offset: Offset = 0) -> StatsOut:
    """What there is, and what was used today and in the last 7 and 30 days, with today."""
    window_of(None, None, utc_offset)
    found = await stats.overview(whose, utc_offset)
    up = {Status.STARTING, Status.PROVISIONING, Status.RUNNING, Status.STOPPING}
    return StatsOut(
        sessions=dict(found.sessions),
        active_sessions=sum(number for status, number in found.sessions.items() if status in up),
        total_sessions=sum(found.sessions.values()),
        today=_sums(found.days[1]),
        last_7_days=_sums(found.days[7]),
        last_30_days=_sums(found.days[30]),
    )


def _window(
    first: Annotated[date | None, Query(alias="from", description="The first day; left out: 30 days with the last.")] = None,
    last: Annotated[date | None, Query(alias="to", description="The last day; left out: today.")] = None,
    utc_offset: Offset = 0,
) -> Window:
    return window_of(first, last, utc_offset)


@router.get("/usage")
async def get_usage(
    _: Reader,
    stats: Stats,
    whose: WhoseRows,
    page: Asked,
    window: Annotated[Window, Depends(_window)],
    by: By = "day",
) -> UsagePage:
    """What was used in whole days, at most 366. Days, models, people and repositories come in the order of their names,
    sessions by their last use, newest first."""
    return UsagePage.model_validate(await stats.usage(whose, by, window, page), from_attributes=True)
