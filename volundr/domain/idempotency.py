"""Doing something once though it is asked twice: a client that got no answer may repeat its request with the same key."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

KEPT_SECONDS = 24 * 3600.0
CLAIM_SECONDS = 60.0
"""After this long without an answer the one who was at work is taken for dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was answered. `body` is text: our answers are JSON. `once`: it held a secret, so it was not kept."""

    status: int
    body: str
    content_type: str
    etag: str = ""
    once: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """`mine`: go on and do it. `busy`: another one is at it. `other`: the key was used for something else."""

    state: Literal["mine", "busy", "other", "done"]
    answer: Answer | None = None


class IdempotencyRepository(ABC):
    """Keeps keys of one caller each, with a fingerprint of what was asked and what was answered."""

    @abstractmethod
    async def claim(self, caller: str, key: str, fingerprint: str) -> Claim:
        """Of several who claim the same key at once, one gets `mine`. A key older than KEPT_SECONDS is forgotten."""

    @abstractmethod
    async def keep(self, caller: str, key: str, answer: Answer) -> None: ...

    @abstractmethod
    async def release(self, caller: str, key: str) -> None:
        """Nothing was done: the key may be used again."""

    @abstractmethod
    async def forget(self) -> int:
        """Remove what is older than KEPT_SECONDS; returns how many."""
