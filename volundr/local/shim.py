"""The shim's NDJSON socket, as the forge uses it: is it well, and please end."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from volundr.domain.errors import Unavailable

QUICK = 4.0
LONGEST_ANSWER = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Shim:
    socket: Path

    async def health(self) -> Mapping[str, Any]:
        return await self.ask({"op": "list"})

    async def shutdown(self, grace: float, limit: float) -> None:
        """The shim ends every run with all that descends from it, then itself."""
        await self.ask({"op": "shutdown", "grace": grace}, limit)

    async def ask(self, request: Mapping[str, Any], limit: float = QUICK) -> Mapping[str, Any]:
        try:
            async with asyncio.timeout(limit):
                reader, writer = await asyncio.open_unix_connection(self.socket, limit=LONGEST_ANSWER)
                try:
                    writer.write(json.dumps(request).encode() + b"\n")
                    answer = json.loads(await reader.readuntil(b"\n"))
                finally:
                    writer.transport.abort()
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            raise Unavailable(
                f"The shim, which owns the agents, does not answer ({error or 'no answer in time'}).",
                hint="`volundr logs shim` shows why.",
            ) from error
        if not isinstance(answer, dict) or not answer.get("ok"):
            raise Unavailable(f"The shim refused: {answer.get('error', '') if isinstance(answer, dict) else answer}")
        return answer
