"""What happened in a session, line by line, and what it adds up to: files and commits."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

type Action = Literal["created", "modified", "deleted"]


class Kind(StrEnum):
    """What a line is about."""

    MESSAGE = "message"
    FILE = "file"
    COMMIT = "commit"
    COMMAND = "command"
    PERMISSION = "permission"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One change of one file. Lines are 0 where the agent did not say how many."""

    path: str
    action: Action
    insertions: int = 0
    deletions: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One line. `epoch` and `seq` are its place in the session's log; `detail` of a message says who wrote it."""

    epoch: str
    seq: int
    at: datetime
    kind: Kind
    title: str
    detail: str = ""
    files: Sequence[FileChange] = ()
    commit_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """One page, oldest first. `next` is the cursor of the following page, None at the end."""

    items: Sequence[Moment]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchedFile:
    """All changes of one file together; `status` compares its end with its beginning."""

    path: str
    status: Action
    insertions: int
    deletions: int
    changes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeCommit:
    hash: str
    message: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """What a timeline adds up to. `truncated`: there were more file changes or commits than are counted here."""

    files: Sequence[TouchedFile]
    commits: Sequence[MadeCommit]
    truncated: bool = False


class TimelineRepository(ABC):
    """Keeps the lines of a session for as long as there is its chronicle."""

    @abstractmethod
    async def add(self, session_id: UUID, moments: Sequence[Moment]) -> int:
        """Keep those that are not kept already (by session, epoch and seq); returns how many were new. Atomic.

        The session has a chronicle already.
        """

    @abstractmethod
    async def list(self, session_id: UUID, kinds: Sequence[Kind], cursor: str, limit: int) -> Moments:
        """Oldest first; no `kinds` means all. Raises Invalid for a cursor that is not ours."""

    @abstractmethod
    async def newest(self, session_id: UUID, kinds: Sequence[Kind], limit: int) -> Sequence[Moment]:
        """The newest lines of these kinds, oldest first."""


LINES_MOST = 5000
"""So many changes of files, and so many commits, are added up for one session."""


class TimelineService:
    """Reads a session's timeline."""

    def __init__(self, timeline: TimelineRepository) -> None:
        self._timeline = timeline

    async def list(self, session_id: UUID, kinds: Sequence[Kind], cursor: str, limit: int) -> Moments:
        return await self._timeline.list(session_id, kinds, cursor, limit)

    async def aggregate(self, session_id: UUID) -> Aggregate:
        """Read once, when somebody looks."""
        changes = await self._timeline.newest(session_id, (Kind.FILE,), LINES_MOST)
        commits = await self._timeline.newest(session_id, (Kind.COMMIT,), LINES_MOST)
        return Aggregate(files=touched(changes), commits=made(commits), truncated=LINES_MOST in {len(changes), len(commits)})


def touched(moments: Iterable[Moment]) -> Sequence[TouchedFile]:
    """Their files by path. What was created and changed later is created; what is deleted at the end is deleted."""
    found: dict[str, list[FileChange]] = {}
    for moment in moments:
        for change in moment.files:
            found.setdefault(change.path, []).append(change)
    return [
        TouchedFile(
            path=path,
            status=_status(changes),
            insertions=sum(one.insertions for one in changes),
            deletions=sum(one.deletions for one in changes),
            changes=len(changes),
        )
        for path, changes in sorted(found.items())
    ]


def _status(changes: Sequence[FileChange]) -> Action:
    if changes[-1].action == "deleted":
        return "deleted"
    return "created" if changes[0].action == "created" else "modified"


def made(moments: Iterable[Moment]) -> Sequence[MadeCommit]:
    """Their commits, newest first."""
    found = [MadeCommit(hash=one.commit_hash, message=_subject(one), at=one.at) for one in moments if one.commit_hash]
    return found[::-1]


def _subject(moment: Moment) -> str:
    """Titles of commits begin with their hash."""
    first, _, rest = moment.title.partition(" ")
    return rest if first and moment.commit_hash.startswith(first) else moment.title


def within(moment: Moment, workspace: str) -> Moment:
    """With the paths of its files as seen from the workspace."""
    if not moment.files or not workspace:
        return moment
    return replace(moment, files=[replace(one, path=inside(one.path, workspace)) for one in moment.files])


def inside(path: str, workspace: str) -> str:
    """A path below the workspace without it."""
    return path.removeprefix(f"{workspace.rstrip('/')}/") if workspace else path
