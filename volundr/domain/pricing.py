"""What tokens cost. A price that nobody knows is unknown: it is never taken for nothing."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

MICROS = 1_000_000
"""Micro-dollars in a dollar. Sums are kept in micro-dollars: whole numbers add up exactly."""

type Tier = Literal["frontier", "balanced", "fast", "other"]
type PriceSource = Literal["settings", "table"]

_DATE = re.compile(r"-(?:\d{8}|\d{4}-\d{2}-\d{2}|latest)$")
_SELLERS = ("anthropic/", "openai/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars for a million tokens of each kind. A kind whose price is None is not known."""

    input: float
    output: float
    cache_read: float | None = None
    cache_write: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """A model that is known by name. `source` says where its price comes from; `agents` are those that usually offer it."""

    id: str
    name: str
    provider: str
    tier: Tier = "other"
    price: Price | None = None
    source: PriceSource | None = None
    agents: tuple[str, ...] = ()


class PricingProvider(ABC):
    """Knows models and their prices. Answers from memory: it is asked for every use of tokens."""

    @abstractmethod
    async def price(self, model: str) -> tuple[Price, PriceSource] | None:
        """Of a model as an agent named it; None when it is not known for certain which price that is."""

    @abstractmethod
    async def models(self) -> Sequence[ModelInfo]:
        """All that are known, in the order of their ids."""


class Counts(Protocol):
    """Tokens of each kind; `input` without those that were read from or written to a cache."""

    @property
    def input(self) -> int: ...
    @property
    def output(self) -> int: ...
    @property
    def cache_read(self) -> int: ...
    @property
    def cache_write(self) -> int: ...


def micros(price: Price, used: Counts) -> int | None:
    """What these tokens cost; None when they include a kind whose price is not known."""
    parts = (
        (used.input, price.input),
        (used.output, price.output),
        (used.cache_read, price.cache_read),
        (used.cache_write, price.cache_write),
    )
    total = 0.0
    for count, each in parts:
        if count and each is None:
            return None
        total += count * (each or 0.0)
    return round(total)


def dollars(amount: int | None) -> float | None:
    return None if amount is None else amount / MICROS


def find[V](known: Mapping[str, V], aliases: Mapping[str, str], model: str) -> V | None:
    """What is known of this model. The rule, and nothing beyond it: the seller's `anthropic/` or `openai/` in front does not
    count; then the name as it is; an alias; or the name (or alias) without the date, or `-latest`, at its end.
    """
    name = next((model.removeprefix(seller) for seller in _SELLERS if model.startswith(seller)), model)
    for candidate in (name, _DATE.sub("", name)):
        found = known.get(aliases.get(candidate, candidate))
        if found is not None:
            return found
    return None
