"""The story of a session: what was wanted, what changed, what is left to do. It outlives its session."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from volundr.domain.errors import Changed, NotFound
from volundr.domain.identity import Resource, Whose
from volundr.domain.paging import Page, PageRequest
from volundr.domain.sessions.model import EmptySource, Options, Session, Source, repo_of

type ChronicleStatus = Literal["draft", "complete"]

CHAIN_MOST = 200


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What is said of a session. `epoch` and `seq` say up to which record of its log it goes."""

    epoch: str
    seq: int
    summary: str = ""
    key_changes: Sequence[str] = ()
    unfinished_work: Sequence[str] = ()
    messages: int = 0
    duration_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chronicle:
    """One session's story: `origin` is the session's id for good, `session_id` is None once the session is deleted.

    `source` and `options` are what the session was made with. `edited` names the fields that a person wrote; what the
    session tells later does not replace them. `epoch` and `seq` are those of the newest telling, "" before the first.
    """

    id: UUID = field(default_factory=uuid4)
    origin: UUID
    session_id: UUID | None
    tenant_id: str
    owner_id: str
    status: ChronicleStatus = "draft"
    name: str
    project: str = ""
    repo: str = ""
    branch: str = ""
    agent: str
    model: str = ""
    source: Source = field(default_factory=EmptySource)
    options: Options = field(default_factory=Options)
    epoch: str = ""
    seq: int = 0
    summary: str = ""
    key_changes: Sequence[str] = ()
    unfinished_work: Sequence[str] = ()
    messages: int = 0
    duration_seconds: float = 0.0
    tags: Sequence[str] = ()
    edited: str = ""
    parent_id: UUID | None = None
    revision: int = 1
    created_at: datetime = field(default_factory=_now)
    updated_at: datetime = field(default_factory=_now)
    completed_at: datetime | None = None


EDITABLE = ("name", "summary", "key_changes", "unfinished_work", "tags", "status")
"""What people may write. Of these the session itself tells all but the tags."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChronicleFilter:
    """All that is said must hold. A chronicle must have all the `tags`. `q`: all its words occur, the last one as the beginning
    of a word, in any case; what is no letter or digit divides words and is otherwise ignored."""

    whose: Whose
    project: str = ""
    repo: str = ""
    agent: str = ""
    model: str = ""
    status: ChronicleStatus | None = None
    tags: Sequence[str] = ()
    q: str = ""
    since: datetime | None = None
    until: datetime | None = None


class ChronicleRepository(ABC):
    """Keeps one chronicle a session, however many tell of it at once. Every change raises `revision` by one."""

    @abstractmethod
    async def tell(self, session: Session, telling: Telling | None) -> Chronicle:
        """The session's chronicle, begun as a draft if there is none, with this telling in place of an older one.

        One that goes less far than what is kept (in the same epoch) changes nothing, nor does None. A session that runs
        again makes its chronicle a draft again. `options.parent_chronicle` becomes the parent, if it is of the same tenant.
        """

    @abstractmethod
    async def get(self, session_id: UUID) -> Chronicle | None:
        """The one of this session, also when the session is gone."""

    @abstractmethod
    async def find(self, chronicle_id: UUID) -> Chronicle | None: ...

    @abstractmethod
    async def list(self, chosen: ChronicleFilter, page: PageRequest) -> Page[Chronicle]:
        """Newest first unless `page` says otherwise. Raises Invalid for a cursor or a sort that is not ours."""

    @abstractmethod
    async def change(
        self, chronicle_id: UUID, changes: Mapping[str, Any], given_back: Sequence[str], revision: int | None
    ) -> Chronicle | None:
        """Set what a person writes; fields that are `given_back` are the session's to tell again, from its next telling on.

        None when there is no such chronicle or its revision is another.
        """

    @abstractmethod
    async def delete(self, chronicle_id: UUID) -> None:
        """With its timeline. Those that came of it stay, without a parent."""

    @abstractmethod
    async def chain(self, chronicle: Chronicle) -> Sequence[Chronicle]:
        """It, those it came from up to the first, and all that came of it; the oldest first, CHAIN_MOST at most."""


class DraftRepository(ABC):
    """Ends the drafts of sessions that do not run any more, and forgets what is old."""

    @abstractmethod
    async def resting(self, limit: int) -> Sequence[Chronicle]:
        """Drafts whose session is stopped, failed, archived or gone, and that no person made drafts."""

    @abstractmethod
    async def complete(self, chronicle_id: UUID, telling: Telling | None) -> bool:
        """Make it complete; False when it is already, or its session runs again. The telling is for one that has none."""

    @abstractmethod
    async def old(self, before: datetime, tenant_id: str | None, limit: int) -> Sequence[Chronicle]:
        """Complete ones that nobody touched since and whose session is gone or archived, of this tenant (None: of all)."""

    @abstractmethod
    async def forget(self, chronicle_id: UUID, before: datetime) -> bool:
        """Delete it with its timeline if that still holds."""


class ChronicleService:
    """Whoever calls has checked that the caller may."""

    def __init__(self, chronicles: ChronicleRepository) -> None:
        self._chronicles = chronicles

    async def of_session(self, session_id: UUID) -> Chronicle:
        """Raises NotFound while nothing was told."""
        found = await self._chronicles.get(session_id)
        if found is None:
            raise NotFound("There is no chronicle of this session yet.", hint="It begins with the first turn.")
        return found

    async def get(self, chronicle_id: UUID) -> Chronicle:
        found = await self._chronicles.find(chronicle_id)
        if found is None:
            raise NotFound("There is no such chronicle.")
        return found

    async def list(self, chosen: ChronicleFilter, page: PageRequest) -> Page[Chronicle]:
        return await self._chronicles.list(chosen, page)

    async def begin(self, session: Session) -> tuple[Chronicle, bool]:
        """The session's chronicle, and whether it was there already."""
        known = await self._chronicles.get(session.id)
        return (known, True) if known is not None else (await self._chronicles.tell(session, None), False)

    async def change(self, chronicle: Chronicle, said: Mapping[str, Any], revision: int | None) -> Chronicle:
        """A field that is None is given back to the session. Raises Changed when it has another revision by now."""
        changes = {name: value for name, value in said.items() if value is not None}
        given_back = [name for name, value in said.items() if value is None]
        if not changes and not given_back and revision is None:
            return chronicle
        changed = await self._chronicles.change(chronicle.id, changes, given_back, revision)
        if changed is None:
            await self.get(chronicle.id)
            raise Changed("chronicle")
        return changed

    async def delete(self, chronicle_id: UUID) -> None:
        await self._chronicles.delete(chronicle_id)

    async def chain(self, chronicle: Chronicle) -> Sequence[Chronicle]:
        return await self._chronicles.chain(chronicle)


def of_chronicle(chronicle: Chronicle) -> Resource:
    """What an action on this chronicle is done to."""
    return Resource(kind="chronicle", id=str(chronicle.id), owner_id=chronicle.owner_id, tenant_id=chronicle.tenant_id)


def draft(session: Session, telling: Telling | None) -> Chronicle:
    """What a session's chronicle begins with."""
    repo = repo_of(session.source)
    told = telling or Telling(epoch="", seq=0)
    return Chronicle(
        origin=session.id,
        session_id=session.id,
        tenant_id=session.tenant_id,
        owner_id=session.owner_id,
        name=session.name,
        project=repo.rstrip("/").rpartition("/")[2].rpartition(":")[2],
        repo=repo,
        branch=session.branch or _branch(session.source),
        agent=session.agent,
        model=session.activity.model or session.model,
        source=session.source,
        options=session.options,
        epoch=told.epoch,
        seq=told.seq,
        summary=told.summary,
        key_changes=tuple(told.key_changes),
        unfinished_work=tuple(told.unfinished_work),
        messages=told.messages,
        duration_seconds=told.duration_seconds,
    )


def _branch(source: Source) -> str:
    return "" if isinstance(source, EmptySource) else source.branch


def words_of(chronicle: Chronicle) -> str:
    """What a full-text search finds it by: words in the order of their first use, each once, divided by spaces."""
    texts = [chronicle.name, chronicle.project, chronicle.repo, chronicle.branch, chronicle.agent, chronicle.model]
    texts += [chronicle.summary, *chronicle.tags, *chronicle.key_changes, *chronicle.unfinished_work]
    return " ".join(dict.fromkeys(word for text in texts for word in words_in(text)))


LONGEST_WORD = 100
_WORD = re.compile(r"[^\W_]+")


def words_in(text: str) -> Sequence[str]:
    """The words of a text, as both databases compare them."""
    return [word[:LONGEST_WORD] for word in _WORD.findall(text.casefold())]
