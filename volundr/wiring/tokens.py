"""Tokens, what they cost, what is known of models, and budgets."""

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
from volundr.wiring.ground import Ground, Part, Services


def part(ground: Ground) -> Part:
    tokens, prices = TokenStore(ground.db), PriceTable(ground.settings.prices)
    budgets = BudgetService(BudgetStore(ground.db), tokens)

    def with_sessions(sessions: SessionService, _: Services) -> Services:
        """Those whose budget is used up are paused."""
        watch = BudgetWatch(budgets, sessions, ground.tasks)
        return {TokenService: TokenService(tokens, prices, (watch,)), BudgetWatch: watch}

    return Part(
        services={PricingProvider: prices, StatsService: StatsService(StatsStore(ground.db)), BudgetService: budgets},
        with_sessions=with_sessions,
        gates=(BudgetGate(budgets),),
    )
