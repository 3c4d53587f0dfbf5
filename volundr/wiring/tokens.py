"""Tokens, what they cost, and what is known of models."""

from volundr.domain.pricing import PricingProvider
from volundr.domain.stats import StatsService
from volundr.domain.tokens import TokenService
from volundr.local.pricing import PriceTable
from volundr.store.stats import StatsStore
from volundr.store.tokens import TokenStore
from volundr.wiring.ground import Ground, Part


def token_service(ground: Ground) -> TokenService:
    return TokenService(TokenStore(ground.db), PriceTable(ground.settings.prices))


def part(ground: Ground) -> Part:
    prices = PriceTable(ground.settings.prices)
    return Part(services={PricingProvider: prices, StatsService: StatsService(StatsStore(ground.db))})
