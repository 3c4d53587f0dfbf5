"""On a server people bring repositories, not folders: the machine's own files are nobody's to work in."""

from typing import Literal

from volundr.domain.errors import Forbidden
from volundr.domain.sessions.model import GitSource, LocalSource, Session
from volundr.domain.sessions.ports import SessionGate


class RemoteOnly(SessionGate):
    """Refuses sessions on folders of the server, and on repositories that git would read from its disk."""

    async def admit(self, session: Session, verb: Literal["create", "start"]) -> Session:  # noqa: ARG002 - both the same
        source = session.source
        local = isinstance(source, LocalSource) and not session.options.fork_of  # a fork works where its parent does
        if local or (isinstance(source, GitSource) and _on_disk(source.url)):
            raise Forbidden(
                "This server's folders cannot be worked in.", hint="Give the URL of a repository, or begin with an empty folder."
            )
        return session


def _on_disk(url: str) -> bool:
    return url.startswith("/") or url.lower().startswith("file:")
