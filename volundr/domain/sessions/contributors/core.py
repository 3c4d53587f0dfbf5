"""What every session has: its name, its agent, its key, and where its broker reports to."""

from collections.abc import Callable
from uuid import UUID

from volundr.domain.sessions.model import Session
from volundr.domain.sessions.ports import SessionContributor
from volundr.domain.sessions.spec import SessionContribution


class CoreContributor(SessionContributor):
    """`secret` makes the session's key, `transport` says how its agent is reached.

    `address` is where this forge is reached from its pods.
    """

    name = "core"

    def __init__(self, secret: Callable[[UUID], str], address: str, transport: str = "shim") -> None:
        self._secret = secret
        self._address = address
        self._transport = transport

    async def contribute(self, session: Session) -> SessionContribution:
        options = session.options
        values = {
            "session_id": str(session.id),
            "name": session.name,
            "agent": session.agent,
            "model": session.model,
            "transport": options.transport or ("" if options.definition else self._transport),
            "mode": options.mode,
            "thinking": options.thinking,
            "definition": options.definition,
            "fork_of": options.fork_of,
            "system_prompt": options.system_prompt,
            "initial_prompt": options.initial_prompt,
            "secret": self._secret(session.id),
            "report_url": f"{self._address}/api/v1/sessions/{session.id}/activity",
        }
        return SessionContribution(by=self.name, values=values, env=options.env, resources=options.resources)
