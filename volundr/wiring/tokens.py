"""Tokens, what they cost, what is known of models, and budgets."""

from collections.abc import Mapping
from typing import Any

from volundr.domain.budget_watch import BudgetWatch
from volundr.domain.budgets import BudgetGate, BudgetService
from volundr.domain.pricing import PricingProvider
from volundr.domain.sessions.service import SessionService
from volundr.domain.stats import StatsService
from volundr.domain.tokens import TokenService
from volundr.local.pricing import PriceTable
from volundr.store.budgets import BudgetStore
from volundr.store.stats import StatsStore
from volundr.store.tokens import TokenStore
from volundr.wiring.ground import Ground, Part


def budget_service(ground: Ground) -> BudgetService:
    return BudgetService(BudgetStore(ground.db), TokenStore(ground.db))


def token_service(ground: Ground, watch: BudgetWatch) -> TokenService:
    return TokenService(TokenStore(ground.db), PriceTable(ground.settings.prices), (watch,))


def spending(ground: Ground, sessions: SessionService) -> Mapping[type, Any]:
    """What needs the sessions themselves: those whose budget is used up are paused."""
    watch = BudgetWatch(budget_service(ground), sessions, ground.tasks)
    return {TokenService: token_service(ground, watch), BudgetWatch: watch}


def part(ground: Ground) -> Part:
    budgets = budget_service(ground)
    return Part(
        services={
            PricingProvider: PriceTable(ground.settings.prices),
            StatsService: StatsService(StatsStore(ground.db)),
            BudgetService: budgets,
        },
        gates=(BudgetGate(budgets),),
    )
