"""Budgets: what a session, a person or a tenant may take in some time. Who reaches one is paused until it is raised."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

from volundr.domain.errors import Changed, Conflict, Invalid, NotFound
from volundr.domain.identity import Resource, Whose
from volundr.domain.paging import Page, PageRequest
from volundr.domain.pricing import MICROS
from volundr.domain.sessions.model import Session
from volundr.domain.sessions.ports import SessionGate
from volundr.domain.tokens import Scope, Spent, TokenTracker

type Period = Literal["total", "month", "day"]
type State = Literal["ok", "warned", "reached"]

WARN_AT = 0.8
"""The share of a budget from which on it says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A limit in money, in tokens, or in both: the first that is reached counts.

    `subject` is the id of the session, person or tenant. `owner_id` is whose it is: the person of a session or user budget, ""
    for a tenant's. Months and days are those of UTC.
    """

    id: UUID = field(default_factory=uuid4)
    scope: Scope
    subject: str
    tenant_id: str
    owner_id: str = ""
    period: Period = "total"
    limit_micros: int | None = None
    limit_tokens: int | None = None
    revision: int = 1
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    updated_at: datetime = field(default_factory=lambda: datetime.now(UTC))


def of_budget(budget: Budget) -> Resource:
    return Resource(kind="budget", id=str(budget.id), owner_id=budget.owner_id, tenant_id=budget.tenant_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A budget and what is spent of it. `built_in`: it is the monthly budget that a tenant itself has."""

    budget: Budget
    spent: Spent
    ends_at: datetime | None = None
    built_in: bool = False

    @property
    def share(self) -> float:
        """Of the limit that is nearer; 1 and more: it is reached. A limit of nothing is reached at once."""
        limits = (
            (self.spent.micros, self.budget.limit_micros),
            (self.spent.tokens, self.budget.limit_tokens),
        )
        return max((_share(spent, limit) for spent, limit in limits if limit is not None), default=0.0)

    @property
    def state(self) -> State:
        return "reached" if self.share >= 1 else "warned" if self.share >= WARN_AT else "ok"


def _share(spent: int, limit: int) -> float:
    return spent / limit if limit else 1.0


class BudgetRepository(ABC):
    """Keeps budgets."""

    @abstractmethod
    async def add(self, budget: Budget) -> None:
        """Raises Conflict when its subject has one for that period."""

    @abstractmethod
    async def get(self, budget_id: UUID) -> Budget | None: ...

    @abstractmethod
    async def list(self, whose: Whose, scope: Scope | None, subject: str, page: PageRequest) -> Page[Budget]:
        """Of a tenant: its own and, of one owner where one is named, else of everybody, those of people and sessions."""

    @abstractmethod
    async def update(self, budget_id: UUID, changes: Mapping[str, Any], revision: int | None) -> Budget | None:
        """None when it is gone or has another revision."""

    @abstractmethod
    async def delete(self, budget_id: UUID) -> None: ...

    @abstractmethod
    async def binding(self, session: Session) -> Sequence[tuple[Budget, bool]]:
        """Those a session has to keep to: its own, its owner's there, and those of its tenant and all above.

        With True for the budget that is a tenant's own quota (`budget_usd`).
        """

    @abstractmethod
    async def below(self, tenant_id: str, period: str) -> Spent:
        """What this tenant and those below it took in a period (as `TokenTracker.spent` has them)."""

    @abstractmethod
    async def bound(self, budget: Budget) -> Sequence[UUID]:
        """The sessions that are up and have to keep to it."""


class BudgetService:
    """Sets budgets and says how they stand."""

    def __init__(self, budgets: BudgetRepository, tokens: TokenTracker) -> None:
        self._budgets = budgets
        self._tokens = tokens

    async def create(self, budget: Budget) -> Budget:
        if budget.limit_micros is None and budget.limit_tokens is None:
            raise Invalid("A budget needs a limit.", hint="Set limit_usd, limit_tokens or both.")
        await self._budgets.add(budget)
        return budget

    async def get(self, budget_id: UUID) -> Budget:
        found = await self._budgets.get(budget_id)
        if found is None:
            raise NotFound("There is no such budget.")
        return found

    async def list(self, whose: Whose, scope: Scope | None, subject: str, page: PageRequest) -> Page[Standing]:
        found = await self._budgets.list(whose, scope, subject, page)
        return Page(items=[await self.standing(budget) for budget in found.items], next=found.next)

    async def change(self, budget: Budget, changes: Mapping[str, Any], revision: int | None) -> Budget:
        after = {"limit_micros": budget.limit_micros, "limit_tokens": budget.limit_tokens} | dict(changes)
        if after["limit_micros"] is None and after["limit_tokens"] is None:
            raise Invalid("A budget needs a limit.", hint="Delete it to have none.")
        changed = await self._budgets.update(budget.id, changes, revision)
        if changed is None:
            await self.get(budget.id)
            raise Changed("budget")
        return changed

    async def delete(self, budget_id: UUID) -> None:
        await self._budgets.delete(budget_id)

    async def standing(self, budget: Budget, *, built_in: bool = False, now: datetime | None = None) -> Standing:
        period, ends_at = period_now(budget.period, now or datetime.now(UTC))
        if budget.scope == "tenant":
            spent = await self._budgets.below(budget.subject, period)
        else:
            spent = await self._tokens.spent(budget.scope, budget.tenant_id, budget.subject, period)
        return Standing(budget=budget, spent=spent, ends_at=ends_at, built_in=built_in)

    async def of_session(self, session: Session) -> Sequence[Standing]:
        """All that bind it, those that are nearest to their end first."""
        found = [await self.standing(budget, built_in=built_in) for budget, built_in in await self._budgets.binding(session)]
        return sorted(found, key=lambda one: -one.share)

    async def bound(self, budget: Budget) -> Sequence[UUID]:
        return await self._budgets.bound(budget)


class BudgetGate(SessionGate):
    """Refuses to start a session that has no budget left."""

    def __init__(self, budgets: BudgetService) -> None:
        self._budgets = budgets

    async def admit(self, session: Session, verb: Literal["create", "start"]) -> Session:
        if verb == "start":
            for standing in await self._budgets.of_session(session):
                if standing.state == "reached":
                    reason, hint = told(standing)
                    raise Conflict(reason, hint=hint)
        return session


def told(standing: Standing) -> tuple[str, str]:
    """Why a session is paused, and what can be done about it: for its page."""
    budget, spent = standing.budget, standing.spent
    whose = {"session": "of this session", "user": f"of {budget.subject!r}", "tenant": f"of the tenant {budget.subject!r}"}
    when = {"total": "", "month": " for this month", "day": " for today"}[budget.period]
    in_money = budget.limit_micros is not None and spent.micros >= budget.limit_micros
    if in_money:
        assert budget.limit_micros is not None
        limit, used = f"${budget.limit_micros / MICROS:,.2f}", f"${spent.micros / MICROS:,.2f}"
    else:
        limit, used = f"{budget.limit_tokens:,} tokens", f"{spent.tokens:,}"
    reason = f"The budget {whose[budget.scope]}{when} is used up: {used} of {limit}."
    if spent.unpriced and in_money:
        reason += f" {spent.unpriced} further uses have no known price."
    setting = "the tenant's budget_usd" if standing.built_in else "it"
    later = "" if standing.ends_at is None else f", or wait until {standing.ends_at:%Y-%m-%d %H:%M} UTC"
    return reason, f"Raise {setting} to go on{later}."


def period_now(period: Period, now: datetime) -> tuple[str, datetime | None]:
    """The name of the period that it is now, as sums are kept, and when it ends."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    match period:
        case "total":
            return "total", None
        case "day":
            return today.date().isoformat(), today + timedelta(days=1)
        case "month":
            return today.date().isoformat()[:7], (today.replace(day=1) + timedelta(days=32)).replace(day=1)
