"""What was used, by whom, on what and when: from sums that are kept, never from single uses of a long time."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from volundr.domain.errors import Invalid
from volundr.domain.identity import Whose
from volundr.domain.paging import Page, PageRequest
from volundr.domain.sessions.model import Status
from volundr.domain.tokens import Spent

type By = Literal["day", "model", "user", "repo", "session"]

DAYS_MOST = 366
OFFSET_STEP = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Whole days, first and last included, of people who are `offset` minutes ahead of UTC."""

    first: date
    last: date
    offset: int = 0

    @property
    def begin(self) -> datetime:
        return _midnight(self.first) - timedelta(minutes=self.offset)

    @property
    def end(self) -> datetime:
        """The first moment that is not in it any more."""
        return _midnight(self.last) + timedelta(days=1, minutes=-self.offset)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow(Spent):
    """Sums of one day, model, person, repository or session."""

    key: str
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """`days`: the number of days up to today → what was used in them."""

    sessions: Mapping[Status, int]
    days: Mapping[int, UsageRow]


class StatsRepository(ABC):
    """Reads sums. What it reads grows with quarters of an hour in which something was used, not with single uses."""

    @abstractmethod
    async def sessions(self, whose: Whose) -> Mapping[Status, int]:
        """How many there are of each status that occurs."""

    @abstractmethod
    async def total(self, whose: Whose, window: Window) -> UsageRow: ...

    @abstractmethod
    async def usage(self, whose: Whose, by: By, window: Window, page: PageRequest) -> Page[UsageRow]:
        """In the order of the keys; sessions by their last use, newest first. Raises Invalid for a cursor that is not ours."""


class StatsService:
    """Statistics for the dashboard."""

    def __init__(self, stats: StatsRepository) -> None:
        self._stats = stats

    async def overview(self, whose: Whose, offset: int, now: datetime | None = None) -> Overview:
        """Of today, and of the last 7 and 30 days with today."""
        today = today_at(offset, now)
        windows = {days: Window(first=today - timedelta(days=days - 1), last=today, offset=offset) for days in (1, 7, 30)}
        return Overview(
            sessions=await self._stats.sessions(whose),
            days={days: await self._stats.total(whose, window) for days, window in windows.items()},
        )

    async def usage(self, whose: Whose, by: By, window: Window, page: PageRequest) -> Page[UsageRow]:
        return await self._stats.usage(whose, by, window, page)


def today_at(offset: int, now: datetime | None = None) -> date:
    """Which day it is for people who are so many minutes ahead of UTC."""
    return ((now or datetime.now(UTC)) + timedelta(minutes=offset)).date()


def window_of(first: date | None, last: date | None, offset: int) -> Window:
    """What is left out: up to today, and 30 days. Raises Invalid when it makes no sense or is too long."""
    if offset % OFFSET_STEP:
        raise Invalid(f"An offset from UTC is a multiple of {OFFSET_STEP} minutes, not {offset}.")
    end = last or today_at(offset)
    if not 2000 <= end.year < 2200:
        raise Invalid("`to` must be a day of the years 2000 to 2199.")
    begin = first or end - timedelta(days=29)
    if begin > end:
        raise Invalid("`from` is later than `to`.")
    if (end - begin).days >= DAYS_MOST:
        raise Invalid(f"That is more than {DAYS_MOST} days.", hint="Ask for them one year after the other.")
    return Window(first=begin, last=end, offset=offset)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
