"""The folder a session works in."""

from volundr.domain.sessions.model import Session
from volundr.domain.sessions.ports import SessionContributor
from volundr.domain.sessions.spec import SessionContribution
from volundr.domain.workspaces import Workspaces


class WorkspaceContributor(SessionContributor):
    """Makes the workspace at the first start, finds it again at the next, removes it with the session."""

    name = "workspace"
    limit = 6 * 3600.0
    """A clone may take as long as it moves; git gives up one that does not."""

    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces

    async def contribute(self, session: Session) -> SessionContribution:
        made = await self._workspaces.prepare(session)
        return SessionContribution(by=self.name, values={"workspace": made.path, "project": made.project, "branch": made.branch})

    async def withdraw(self, session: Session) -> None:
        await self._workspaces.remove(session)
