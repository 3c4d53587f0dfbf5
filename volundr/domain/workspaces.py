"""Where a session's agent works: a clone, a worktree, a folder of one's own, or an empty one."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from volundr.domain.sessions.model import Session, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A folder ready to work in. `project` is the same for all sessions of one repository; `branch` is empty without one."""

    path: str
    project: str
    branch: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """One line of the folder picker."""

    name: str
    path: str
    is_repo: bool
    readable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderListing:
    """What is in `path`. `parent` is None at the top; `more`: there are more folders than are shown."""

    path: str
    parent: str | None
    is_repo: bool
    folders: Sequence[Folder]
    more: bool


class Workspaces(ABC):
    """Makes and removes the folders that sessions work in. Never deletes a person's own files nor what exists nowhere else."""

    @abstractmethod
    async def check(self, source: Source) -> None:
        """Raise Invalid or Unavailable now if `prepare` would later: the person still has the form open."""

    @abstractmethod
    async def prepare(self, session: Session) -> Workspace:
        """The session's workspace, made at the first call and found again afterwards. A failure leaves nothing behind."""

    @abstractmethod
    async def remove(self, session: Session) -> None:
        """Remove what `prepare` made. What is nowhere else is kept: as a snapshot in the source repository, or in the trash."""

    @abstractmethod
    async def folders(self, path: str) -> FolderListing:
        """The folders in `path` (the home folder when empty), hidden ones last. Raises Invalid when it cannot be listed."""
