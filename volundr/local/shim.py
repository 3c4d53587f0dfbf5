"""The shim's socket, as the forge uses it: is it well, and please end."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from volundr.broker.transports import control

QUICK = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shim:
    """Raises Unavailable with the cause when it does not answer."""

    socket: Path

    async def health(self) -> Mapping[str, Any]:
        return await control.ask(self.socket, {"op": "list"}, QUICK)

    async def shutdown(self, grace: float, limit: float) -> None:
        """The shim ends every run with all that descends from it, then itself."""
        await control.ask(self.socket, {"op": "shutdown", "grace": grace}, limit)
