"""Going on with a session's work in a new session."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count

from volundr.domain.chronicles import Chronicle, ChronicleRepository
from volundr.domain.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from volundr.domain.identity import Principal, Whose
from volundr.domain.paging import LIMIT_MOST, PageRequest
from volundr.domain.sessions.model import EmptySource, GitSource, LocalSource, Session, Source
from volundr.domain.sessions.ports import SessionFilter
from volundr.domain.sessions.service import SessionService
from volundr.domain.timeline import TimelineService, TouchedFile

ATTEMPTS = 5
BASE = 50
"""So many letters of a name are the same whatever number is behind it."""
FILES_MOST = 100
_NUMBER = re.compile(r"-\d{1,6}$")
_NOT_NAME = re.compile(r"[^a-z0-9-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reforge:
    """How somebody wants to go on. Without a `name` it is the old one with a number; `prompt` is said to the agent besides."""

    name: str = ""
    start: bool = False
    prompt: str = ""


class ReforgeService:
    """Whoever calls has checked that the caller may read the chronicle and make sessions."""

    def __init__(self, sessions: SessionService, chronicles: ChronicleRepository, timeline: TimelineService) -> None:
        self._sessions = sessions
        self._chronicles = chronicles
        self._timeline = timeline

    async def reforge(self, chronicle: Chronicle, who: Principal, wanted: Reforge) -> Session:
        """A new session of this person's. Its chronicle has the given one as its parent from the beginning.

        It works where the old one left off, if that is still there: on the old branch, or in the old folder where there was no
        repository before; else from the same source as the old one. Raises Conflict for a name that is taken.
        """
        files = (await self._timeline.aggregate(chronicle.origin)).files
        options = replace(
            chronicle.options,
            fork_of="",
            initial_prompt=first_words(chronicle, files, wanted.prompt),
            parent_chronicle=str(chronicle.id),
        )
        session = Session(
            name=wanted.name or successor(chronicle.name, 2),
            agent=chronicle.agent,
            model=chronicle.model,
            source=chronicle.source,
            options=options,
            owner_id=who.user_id,
            tenant_id=chronicle.tenant_id,
        )
        made = await self._made(chronicle, session, named=bool(wanted.name))
        await self._chronicles.tell(made, None)
        return await self._sessions.start(made.id) if wanted.start else made

    async def _made(self, chronicle: Chronicle, session: Session, *, named: bool) -> Session:
        """With the first source that there still is."""
        old = await self._old(chronicle)
        session = replace(session, model=old.model if old is not None else session.model)
        candidates = _sources(chronicle, old)
        for source in candidates[:-1]:
            try:
                return await self._named(chronicle, replace(session, source=source), named=named)
            except (Invalid, Forbidden, Unavailable):
                continue  # the branch or the folder is gone, or is not for this server: the next one says so if all are
        return await self._named(chronicle, replace(session, source=candidates[-1]), named=named)

    async def _named(self, chronicle: Chronicle, session: Session, *, named: bool) -> Session:
        """With the first free name, unless somebody gave it one. Another session may take that name meanwhile."""
        if named:
            return await self._created(session)
        for _ in range(ATTEMPTS):
            name = await self._free(chronicle.name, session)
            try:
                return await self._created(replace(session, name=name))
            except Conflict:
                if name == await self._free(chronicle.name, session):
                    raise  # nobody took the name: it is something else
        raise Conflict("Others make sessions of this name at this moment.", hint="Try it again, or give it a name.")

    async def _free(self, name: str, session: Session) -> str:
        base = successor(name, 2).removesuffix("-2")
        chosen = SessionFilter(whose=Whose(tenant_id=session.tenant_id, owner_id=session.owner_id), q=base[:BASE])
        taken = {one.name for one in (await self._sessions.list(chosen, PageRequest(limit=LIMIT_MOST))).items}
        return next(free for free in (successor(name, number) for number in count(2)) if free not in taken)

    async def _created(self, session: Session) -> Session:
        """A preset, profile or template that is gone meanwhile is left out: what it filled in stands in the options."""
        try:
            return await self._sessions.create(session, start=False)
        except NotFound:
            options = replace(session.options, preset="", profile="", template="")
            return await self._sessions.create(replace(session, options=options), start=False)

    async def _old(self, chronicle: Chronicle) -> Session | None:
        """The session that the chronicle is of, while there is that session."""
        if chronicle.session_id is None:
            return None
        try:
            return await self._sessions.get(chronicle.session_id)
        except NotFound:
            return None


def _sources(chronicle: Chronicle, old: Session | None) -> Sequence[Source]:
    """Where the new session may work, the best first; the last one is as the old session began."""
    source, branch = chronicle.source, chronicle.branch
    match source:
        case GitSource() | LocalSource(mode="worktree") if branch and branch != source.branch:
            return (replace(source, branch=branch), source)
        case LocalSource(mode="in_place"):
            return (replace(source, branch=""),)
        case EmptySource() if old is not None and old.workspace:
            return (LocalSource(path=old.workspace, mode="in_place"), source)
        case _:
            return (source,)


def successor(name: str, number: int) -> str:
    """A name for a session that goes on from one of this name. Names people wrote in chronicles may be any text."""
    base = _NOT_NAME.sub("-", _NUMBER.sub("", name).lower()).strip("-") or "session"
    end = f"-{number}"
    return base[: 63 - len(end)].rstrip("-") + end


def first_words(chronicle: Chronicle, files: Sequence[TouchedFile], more: str) -> str:
    """What the agent of the new session is told first."""
    parts = ["You go on with the work of an earlier session. This is what is known of it."]
    if chronicle.summary:
        parts.append(f"What was wanted, and where it ended:\n{chronicle.summary}")
    if chronicle.unfinished_work:
        parts.append(_list("What is left to do:", chronicle.unfinished_work))
    if chronicle.key_changes and not files:
        parts.append(_list("What changed:", chronicle.key_changes[:FILES_MOST]))
    if files:
        shown = [f"{one.path} ({one.status})" for one in files[:FILES_MOST]]
        if len(files) > FILES_MOST:
            shown.append(f"and {len(files) - FILES_MOST} more")
        parts.append(_list("Files that were changed:", shown))
    if more:
        parts.append(more)
    return "\n\n".join(parts)


def _list(title: str, lines: Sequence[str]) -> str:
    return "\n".join([title, *(f"- {line}" for line in lines)])
