"""Which transport carries a session."""

from volundr.broker.transports.links import Links
from volundr.broker.transports.remote import RemoteTransport
from volundr.broker.transports.shim import ShimTransport, Where
from volundr.broker.transports.stdio import StdioTransport
from volundr.broker.transports.transport import PER_MESSAGE, CLITransport
from volundr.domain.errors import Invalid

KINDS = ("shim", "stdio", "remote", PER_MESSAGE)


class Transports:
    """Makes transports. `links.endpoint` is the WebSocket route `/ws/cli/{session_id}` that the broker's app mounts."""

    def __init__(self, where: Where) -> None:
        self._where = where
        self.links = Links()

    def make(self, kind: str, session: str, secret: str) -> CLITransport:
        """A transport of this kind for a session. `secret` is the session's CLI secret (docs/reference/wire.md)."""
        match kind:
            case "shim" | "per_message":
                return ShimTransport(session, secret, self._where, self.links)
            case "stdio":
                return StdioTransport()
            case "remote":
                return RemoteTransport(session, secret, self.links)
            case _:
                raise Invalid(f"No transport is called {kind!r}. There is: {', '.join(KINDS)}.")
