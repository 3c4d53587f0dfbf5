"""Tokens of a turn, from sums that Codex keeps for a whole conversation."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from volundr.sdk import Usage

type Json = Mapping[str, Any]

TAIL = 256 * 1024
LONGEST_TAIL = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """`input` holds what was read from the cache and written to it as well, as OpenAI counts."""

    input: int = 0
    cached: int = 0
    written: int = 0
    output: int = 0

    @classmethod
    def camel(cls, given: Json) -> Self:
        """As `codex app-server` says it."""
        names = ("inputTokens", "cachedInputTokens", "cacheWriteInputTokens", "outputTokens")
        return cls(
            **dict(zip(("input", "cached", "written", "output"), (int(given.get(one) or 0) for one in names), strict=True))
        )

    @classmethod
    def snake(cls, given: Json) -> Self:
        """As `codex exec` and its rollout files say it."""
        names = ("input_tokens", "cached_input_tokens", "cache_write_input_tokens", "output_tokens")
        return cls(
            **dict(zip(("input", "cached", "written", "output"), (int(given.get(one) or 0) for one in names), strict=True))
        )

    def since(self, earlier: "Tokens") -> "Tokens":
        return Tokens(
            input=max(0, self.input - earlier.input),
            cached=max(0, self.cached - earlier.cached),
            written=max(0, self.written - earlier.written),
            output=max(0, self.output - earlier.output),
        )

    def usage(self, model: str) -> Sequence[Usage]:
        """With the parts of the input apart from each other; nothing for no tokens."""
        fresh = max(0, self.input - self.cached - self.written)
        if not (self.input or self.output):
            return ()
        return [Usage(model=model, input=fresh, output=self.output, cache_read=self.cached, cache_write=self.written)]


class Meter:
    """The tokens of one conversation since `take` was last called.

    Each update holds the sum of the conversation and what the last request added, and can come twice. A meter that begins
    in the middle of a conversation counts from the first request it sees.
    """

    def __init__(self) -> None:
        self._before: Tokens | None = None
        self._now = Tokens()

    def read(self, total: Tokens, last: Tokens, *, working: bool) -> None:
        if self._before is None or not working:
            self._before = total.since(last) if working else total
        self._now = total

    def take(self) -> Tokens:
        spent = self._now.since(self._before or Tokens())
        if self._before is not None:
            self._before = self._now
        return spent


def last_sum(codex_home: Path, thread: str) -> Tokens | None:
    """What a conversation had used in all when it was last written down (blocking). None when that cannot be found."""
    for path in (codex_home / "sessions").glob(f"*/*/*/rollout-*{thread}.jsonl"):
        try:
            return _last_sum(path)
        except (OSError, ValueError, KeyError, TypeError):
            return None
    return None


def _last_sum(path: Path) -> Tokens | None:
    size = path.stat().st_size
    length = TAIL
    with path.open("rb") as file:
        while True:
            file.seek(max(0, size - length))
            for line in reversed(file.read().split(b"\n")):
                if b'"token_count"' in line and line.startswith(b"{") and line.endswith(b"}"):
                    info = json.loads(line)["payload"].get("info")
                    if info:
                        return Tokens.snake(info["total_token_usage"])
            if length >= min(size, LONGEST_TAIL):
                return Tokens() if length >= size else None
            length *= 4
