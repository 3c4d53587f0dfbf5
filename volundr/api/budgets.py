"""/budgets, and the budgets that a session has to keep to"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from volundr.api.deps import service
from volundr.api.lists import Asked, PageOut
from volundr.api.reach import Readable, Sessions
from volundr.api.revisions import IfMatch, tag
from volundr.api.security import WhoseRows, allowed, permit
from volundr.api.strict import Shown, Strict, Text
from volundr.domain.budget_watch import BudgetWatch
from volundr.domain.budgets import Budget, BudgetService, Period, Standing, State, of_budget
from volundr.domain.errors import Invalid, NotFound
from volundr.domain.identity import Principal, Resource
from volundr.domain.pricing import MICROS, dollars
from volundr.domain.sessions.model import of_session
from volundr.domain.tenants import TenantService
from volundr.domain.tokens import Scope
from volundr.domain.users import UserService

router = APIRouter(prefix="/api/v1/budgets", tags=["Budgets"])
of_sessions = APIRouter(prefix="/api/v1/sessions/{session_id}/budgets", tags=["Budgets"])

Budgets = Annotated[BudgetService, Depends(service(BudgetService))]
Watch = Annotated[BudgetWatch, Depends(service(BudgetWatch))]
Reader = Annotated[Principal, Depends(allowed("budget.read"))]
Dollars = Annotated[float, Field(ge=0, le=1_000_000_000, allow_inf_nan=False)]
Tokens = Annotated[int, Field(ge=0, le=10**15)]


class BudgetIn(Strict):
    """A limit in US dollars, in tokens, or both: the first that is reached counts."""

    scope: Literal["session", "user", "tenant"] = Field(examples=["user"])
    subject: Text = Field(
        default="", max_length=255, description="Id of the session, person or tenant. Empty: you, or your tenant.", examples=[""]
    )
    period: Literal["total", "month", "day"] = Field(default="total", description="Months and days of UTC.", examples=["day"])
    limit_usd: Dollars | None = Field(default=None, examples=[5.0])
    limit_tokens: Tokens | None = Field(default=None, description="Of all kinds together.")


class BudgetChange(Strict):
    """A field that is left out stays; null: no such limit."""

    limit_usd: Dollars | None = Field(default=None, examples=[10.0])
    limit_tokens: Tokens | None = None


class BudgetOut(Shown):
    """`spent_usd` adds the uses that have a price; `unpriced` are those that have none."""

    id: UUID
    scope: Scope
    subject: str
    period: Period
    limit_usd: float | None
    limit_tokens: int | None
    spent_usd: float
    spent_tokens: int
    unpriced: int
    state: State = Field(description="`warned` from 80 % on; `reached`: sessions are paused and do not start.")
    ends_at: datetime | None = Field(description="When the period ends and nothing is spent again.")
    built_in: bool = Field(description="The tenant's own monthly budget: it is changed with the tenant.")
    revision: int
    created_at: datetime
    updated_at: datetime


class BudgetPage(PageOut[BudgetOut]):
    pass


class SessionBudgets(Shown):
    items: list[BudgetOut] = Field(description="The one that is nearest to its limit first.")


def _micros(usd: float | None) -> int | None:
    return None if usd is None else round(usd * MICROS)


async def _may_set(request: Request, budget: Budget) -> None:
    """A session's budget is its owner's to set, one of a person or tenant an administrator's."""
    if budget.scope == "session":
        owned = Resource(kind="session", id=budget.subject, owner_id=budget.owner_id, tenant_id=budget.tenant_id)
        await permit(request, "session.write", owned)
    else:
        await permit(request, "budget.write", of_budget(budget))


async def _placed(
    request: Request,
    who: Reader,
    sessions: Sessions,
    tenants: Annotated[TenantService, Depends(service(TenantService))],
    users: Annotated[UserService, Depends(service(UserService))],
    new: BudgetIn,
) -> Budget:
    """The new budget with its subject, which exists and is the caller's to limit."""
    subject, tenant_id, owner_id = who.tenant_id, who.tenant_id, ""
    match new.scope:
        case "session":
            session = await sessions.get(_session_id(new.subject))
            await permit(request, "session.write", of_session(session))
            subject, tenant_id, owner_id = str(session.id), session.tenant_id, session.owner_id
        case "user":
            await allowed("budget.write")(request)
            subject = owner_id = new.subject or who.user_id
            await users.within((await tenants.get(who.tenant_id)).path, subject)
        case "tenant":
            await allowed("budget.write")(request)
            if new.subject not in {"", who.tenant_id}:
                raise Invalid("A tenant's budget is set from within it.", hint="Send the header Volundr-Tenant.")
    return Budget(
        scope=new.scope,
        subject=subject,
        tenant_id=tenant_id,
        owner_id=owner_id,
        period=new.period,
        limit_micros=_micros(new.limit_usd),
        limit_tokens=new.limit_tokens,
    )


def _session_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Invalid(f"{text!r} is no session's id.") from error


async def _changeable(request: Request, _: Reader, budgets: Budgets, budget_id: UUID) -> Budget:
    budget = await budgets.get(budget_id)
    await permit(request, "budget.read", of_budget(budget))
    await _may_set(request, budget)
    return budget


Changeable = Annotated[Budget, Depends(_changeable)]


@of_sessions.get("")
async def session_budgets(session: Readable, budgets: Budgets) -> SessionBudgets:
    """All that this session has to keep to: its own, its owner's, and those of its tenant and the tenants above."""
    return SessionBudgets(items=[_out(one) for one in await budgets.of_session(session)])


@router.get("")
async def list_budgets(
    _: Reader,
    budgets: Budgets,
    whose: WhoseRows,
    page: Asked,
    scope: Annotated[Literal["session", "user", "tenant"] | None, Query()] = None,
    subject: Annotated[Text, Query(max_length=255)] = "",
) -> BudgetPage:
    """Newest first: your own and your tenant's; `owner=all`: everybody's in it."""
    found = await budgets.list(whose, scope, subject, page)
    return BudgetPage(items=[_out(one) for one in found.items], next=found.next)


@router.post("", status_code=201)
async def create_budget(
    response: Response, watch: Watch, budgets: Budgets, budget: Annotated[Budget, Depends(_placed)]
) -> BudgetOut:
    """Owners set those of their sessions, administrators all others. For a tenant below, act in it (`Volundr-Tenant`)."""
    return await _set(response, watch, budgets, await budgets.create(budget))


@router.get("/{budget_id}")
async def get_budget(request: Request, response: Response, _: Reader, budgets: Budgets, budget_id: UUID) -> BudgetOut:
    budget = await budgets.get(budget_id)
    await permit(request, "budget.read", of_budget(budget))
    tag(response, budget.revision)
    return _out(await budgets.standing(budget))


@router.patch("/{budget_id}")
async def change_budget(
    response: Response, watch: Watch, budgets: Budgets, budget: Changeable, change: BudgetChange, seen: IfMatch
) -> BudgetOut:
    """Sessions that it paused can be started again at once when there is room in it now."""
    said = change.model_dump(exclude_unset=True)
    changes: dict[str, Any] = {"limit_tokens": said["limit_tokens"]} if "limit_tokens" in said else {}
    if "limit_usd" in said:
        changes["limit_micros"] = _micros(said["limit_usd"])
    return await _set(response, watch, budgets, await budgets.change(budget, changes, seen))


@router.delete("/{budget_id}", status_code=204)
async def delete_budget(request: Request, _: Reader, budgets: Budgets, budget_id: UUID) -> None:
    try:
        budget = await budgets.get(budget_id)
        await permit(request, "budget.read", of_budget(budget))
    except NotFound:
        return
    await _may_set(request, budget)
    await budgets.delete(budget_id)


async def _set(response: Response, watch: BudgetWatch, budgets: BudgetService, budget: Budget) -> BudgetOut:
    """Sessions that go beyond it now are paused at once, not when they take something the next time."""
    standing = await budgets.standing(budget)
    watch.look(standing)
    tag(response, budget.revision)
    return _out(standing)


def _out(standing: Standing) -> BudgetOut:
    budget, spent = standing.budget, standing.spent
    return BudgetOut(
        id=budget.id,
        scope=budget.scope,
        subject=budget.subject,
        period=budget.period,
        limit_usd=dollars(budget.limit_micros),
        limit_tokens=budget.limit_tokens,
        spent_usd=spent.micros / MICROS,
        spent_tokens=spent.tokens,
        unpriced=spent.unpriced,
        state=standing.state,
        ends_at=standing.ends_at,
        built_in=standing.built_in,
        revision=budget.revision,
        created_at=budget.created_at,
        updated_at=budget.updated_at,
    )
