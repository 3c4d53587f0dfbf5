"""What is on this machine besides agents: git and Docker."""

import asyncio
import time
from collections.abc import Sequence

from volundr.db.database import Database
from volundr.domain.errors import Unavailable
from volundr.domain.system import Machine, Tool
from volundr.local.programs import ask

FRESH_SECONDS = 30.0
ANSWER_SECONDS = 3.0
DATABASE_SECONDS = 2.0
DOCKER = ("docker", "version", "--format", "{{.Server.Version}}")


class LocalMachine(Machine):
    def __init__(self, db: Database) -> None:
        self._db = db
        self._found: tuple[float, Sequence[Tool]] = (0.0, ())
        self._looking = asyncio.Lock()

    async def tools(self) -> Sequence[Tool]:
        async with self._looking:
            looked, found = self._found
            if not found or time.monotonic() - looked > FRESH_SECONDS:
                found = await asyncio.gather(
                    _tool("git", ["git", "--version"], "Install git: without it a session has no repository and no diffs."),
                    _tool("docker", list(DOCKER), "Not needed: sessions run as processes."),
                )
                self._found = (time.monotonic(), found)
            return found

    async def check_database(self) -> None:
        try:
            async with asyncio.timeout(DATABASE_SECONDS):
                await self._db.fetch("SELECT 1")
        except TimeoutError as error:
            raise Unavailable("The database does not answer.") from error


async def _tool(name: str, argv: Sequence[str], without: str) -> Tool:
    answer = await ask(argv, ANSWER_SECONDS)
    if answer is None:
        return Tool(name=name, hint=without)
    if answer.code is None:
        return Tool(name=name, hint=f"{name} is installed but does not answer. {without}")
    if answer.code != 0:
        return Tool(name=name, hint=f"{name} is installed but not running. {without}")
    return Tool(name=name, version=answer.text.removeprefix("git version "))
