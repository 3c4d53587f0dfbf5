"""Public list prices that come with Volundr, and those that somebody set."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from volundr.domain.errors import Invalid
from volundr.domain.pricing import ModelInfo, Price, PriceSource, PricingProvider, Tier, find

AS_OF = "2026-06"
"""When the table was last compared with what the sellers publish. Without batch, priority, region and long-context prices."""

type _Line = tuple[str, str, Tier, float, float, float | None, float | None]

_ANTHROPIC: Sequence[_Line] = (
    # id, name, tier, input, output, cache read, cache write (for five minutes)
    ("claude-opus-4-6", "Claude Opus 4.6", "frontier", 5.0, 25.0, 0.5, 6.25),
    ("claude-opus-4-5", "Claude Opus 4.5", "frontier", 5.0, 25.0, 0.5, 6.25),
    ("claude-opus-4-1", "Claude Opus 4.1", "frontier", 15.0, 75.0, 1.5, 18.75),
    ("claude-opus-4", "Claude Opus 4", "frontier", 15.0, 75.0, 1.5, 18.75),
    ("claude-sonnet-4-6", "Claude Sonnet 4.6", "balanced", 3.0, 15.0, 0.3, 3.75),
    ("claude-sonnet-4-5", "Claude Sonnet 4.5", "balanced", 3.0, 15.0, 0.3, 3.75),
    ("claude-sonnet-4", "Claude Sonnet 4", "balanced", 3.0, 15.0, 0.3, 3.75),
    ("claude-3-7-sonnet", "Claude Sonnet 3.7", "balanced", 3.0, 15.0, 0.3, 3.75),
    ("claude-haiku-4-5", "Claude Haiku 4.5", "fast", 1.0, 5.0, 0.1, 1.25),
    ("claude-3-5-haiku", "Claude Haiku 3.5", "fast", 0.8, 4.0, 0.08, 1.0),
    ("claude-3-haiku", "Claude Haiku 3", "fast", 0.25, 1.25, 0.03, 0.3),
)
_OPENAI: Sequence[_Line] = (
    # OpenAI has no price of its own for writing to the cache: such tokens would be unknown
    ("gpt-5.2", "GPT-5.2", "frontier", 1.75, 14.0, 0.175, None),
    ("gpt-5.2-codex", "GPT-5.2-Codex", "frontier", 1.75, 14.0, 0.175, None),
    ("gpt-5.1", "GPT-5.1", "frontier", 1.25, 10.0, 0.125, None),
    ("gpt-5.1-codex", "GPT-5.1-Codex", "frontier", 1.25, 10.0, 0.125, None),
    ("gpt-5.1-codex-max", "GPT-5.1-Codex-Max", "frontier", 1.25, 10.0, 0.125, None),
    ("gpt-5.1-codex-mini", "GPT-5.1-Codex-Mini", "fast", 0.25, 2.0, 0.025, None),
    ("gpt-5", "GPT-5", "frontier", 1.25, 10.0, 0.125, None),
    ("gpt-5-codex", "GPT-5-Codex", "frontier", 1.25, 10.0, 0.125, None),
    ("gpt-5-mini", "GPT-5 mini", "balanced", 0.25, 2.0, 0.025, None),
    ("gpt-5-nano", "GPT-5 nano", "fast", 0.05, 0.4, 0.005, None),
    ("gpt-4.1", "GPT-4.1", "balanced", 2.0, 8.0, 0.5, None),
    ("gpt-4.1-mini", "GPT-4.1 mini", "fast", 0.4, 1.6, 0.1, None),
    ("gpt-4.1-nano", "GPT-4.1 nano", "fast", 0.1, 0.4, 0.025, None),
    ("gpt-4o", "GPT-4o", "balanced", 2.5, 10.0, 1.25, None),
    ("gpt-4o-mini", "GPT-4o mini", "fast", 0.15, 0.6, 0.075, None),
    ("o3", "o3", "frontier", 2.0, 8.0, 0.5, None),
    ("o4-mini", "o4-mini", "fast", 1.1, 4.4, 0.275, None),
    ("codex-mini", "codex-mini", "fast", 1.5, 6.0, 0.375, None),
)
ALIASES: Mapping[str, str] = {
    "claude-opus-4-0": "claude-opus-4",
    "claude-sonnet-4-0": "claude-sonnet-4",
}
"""Other names that their sellers document for the same model."""

_KEYS = ("input", "output", "cache_read", "cache_write")
_MOST = 1_000_000.0


def _infos(provider: str, agents: tuple[str, ...], lines: Sequence[_Line]) -> Mapping[str, ModelInfo]:
    return {
        model: ModelInfo(
            id=model,
            name=name,
            provider=provider,
            tier=tier,
            price=Price(input=fresh, output=output, cache_read=read, cache_write=write),
            source="table",
            agents=agents,
        )
        for model, name, tier, fresh, output, read, write in lines
    }


TABLE: Mapping[str, ModelInfo] = {
    **_infos("anthropic", ("claude", "opencode"), _ANTHROPIC),
    **_infos("openai", ("codex", "opencode"), _OPENAI),
}


class PriceTable(PricingProvider):
    """`own` are the sections `[prices."<model>"]`; the name there is the whole name, and wins over the table."""

    def __init__(self, own: Mapping[str, Mapping[str, object]] | None = None) -> None:
        self._own = {model: _price(model, values) for model, values in (own or {}).items()}

    async def price(self, model: str) -> tuple[Price, PriceSource] | None:
        if (own := self._own.get(model)) is not None:
            return own, "settings"
        if (own := find(self._own, {}, model)) is not None:
            return own, "settings"
        found = find(TABLE, ALIASES, model)
        return None if found is None or found.price is None else (found.price, "table")

    async def models(self) -> Sequence[ModelInfo]:
        known = dict(TABLE)
        for model, price in self._own.items():
            unknown = ModelInfo(id=model, name=model, provider="own")
            known[model] = replace(known.get(model, unknown), price=price, source="settings")
        return [known[model] for model in sorted(known)]


def _price(model: str, values: Mapping[str, object]) -> Price:
    where = f'[prices."{model}"]'
    if wrong := sorted(values.keys() - set(_KEYS)):
        raise Invalid(f"{where} cannot have {wrong[0]!r}.", hint=f"It can have: {', '.join(_KEYS)}.")
    numbers: dict[str, float] = {}
    for key, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST:
            raise Invalid(f"{where} {key} must be US dollars for a million tokens, such as 2.5.")
        numbers[key] = float(value)
    if not {"input", "output"} <= numbers.keys():
        raise Invalid(f"{where} needs at least input and output.", hint="US dollars for a million tokens.")
    return Price(**numbers)
