"""Saved prompts: words that are said again and again."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from volundr.domain.errors import Changed, NotFound
from volundr.domain.identity import Resource
from volundr.domain.paging import Page, PageRequest
from volundr.domain.presets import Sight


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPrompt:
    """`project` is the repository it is meant for, "" for all. `shared`: everybody in the tenant may see and use it."""

    id: UUID = field(default_factory=uuid4)
    tenant_id: str
    owner_id: str
    name: str
    content: str
    project: str = ""
    tags: tuple[str, ...] = ()
    shared: bool = False
    revision: int = 1
    created_at: datetime = field(default_factory=_now)
    updated_at: datetime = field(default_factory=_now)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptFilter:
    """All that is said must hold. `project` None means of any; `words` must all occur, in any case, in name, content or tags."""

    sight: Sight
    project: str | None = None
    tags: Sequence[str] = ()
    words: Sequence[str] = ()


class SavedPromptRepository(ABC):
    """Keeps prompts. Every change is one guarded statement that raises `revision` by one."""

    @abstractmethod
    async def add(self, prompt: SavedPrompt) -> None:
        """Raises Conflict when its owner has one of this name for this project."""

    @abstractmethod
    async def get(self, prompt_id: UUID) -> SavedPrompt | None: ...

    @abstractmethod
    async def search(self, wanted: PromptFilter, page: PageRequest) -> Page[SavedPrompt]:
        """By name. A word stands for itself: `%` and `_` mean nothing. Raises Invalid for a cursor or a sort not ours."""

    @abstractmethod
    async def update(self, prompt_id: UUID, changes: Mapping[str, Any], revision: int | None) -> SavedPrompt | None:
        """None when there is none or its revision is another. Raises Conflict for a name that is taken."""

    @abstractmethod
    async def delete(self, prompt_id: UUID) -> None: ...


class PromptService:
    """Whoever calls has checked that the caller may."""

    def __init__(self, prompts: SavedPromptRepository) -> None:
        self._prompts = prompts

    async def create(self, prompt: SavedPrompt) -> SavedPrompt:
        await self._prompts.add(prompt)
        return prompt

    async def get(self, prompt_id: UUID) -> SavedPrompt:
        found = await self._prompts.get(prompt_id)
        if found is None:
            raise NotFound("There is no such prompt.")
        return found

    async def search(self, wanted: PromptFilter, page: PageRequest) -> Page[SavedPrompt]:
        return await self._prompts.search(wanted, page)

    async def change(self, prompt_id: UUID, changes: Mapping[str, Any], revision: int | None) -> SavedPrompt:
        """Raises Changed when it has another revision by now."""
        changed = await self._prompts.update(prompt_id, changes, revision)
        if changed is None:
            await self.get(prompt_id)
            raise Changed("prompt")
        return changed

    async def delete(self, prompt_id: UUID) -> None:
        await self._prompts.delete(prompt_id)


def of_prompt(prompt: SavedPrompt) -> Resource:
    """What an action on this prompt is done to."""
    return Resource(kind="prompt", id=str(prompt.id), owner_id=prompt.owner_id, tenant_id=prompt.tenant_id)
