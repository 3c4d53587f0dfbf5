"""The way from a browser to a session's broker."""

from abc import ABC, abstractmethod
from uuid import UUID

from volundr.domain.sessions.model import Session
from volundr.domain.upstream import Upstream


class GatewayPort(ABC):
    """Gives every session a path of its own and knows what stands behind it."""

    @abstractmethod
    def path(self, session: Session) -> str:
        """The path that leads to this session, without a slash at its end: `/s/<id>`."""

    @abstractmethod
    async def upstream(self, session: Session) -> Upstream | None:
        """Where to connect for this session; None when it does not run."""


class SessionKeys(ABC):
    """Knows the secret of each session, which its broker has too."""

    @abstractmethod
    def session(self, session_id: UUID | str) -> str: ...
