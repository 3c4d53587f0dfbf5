"""A real Codex with a configuration of its own, its scripted model, and what is heard of it."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from volundr_codex import CodexAgent, CodexSettings

from tests.fake_models.openai import Endpoint, serving
from tests.shim_process import shim
from tests.test_transports import skuld
from volundr.broker.events import (
    Adjust,
    Answer,
    Asked,
    Attached,
    Command,
    Ready,
    Say,
    TurnEnded,
)
from volundr.broker.parts import Scope
from volundr.broker.transports.transport import Job
from volundr.testing import Listener

BIN = Path(__file__).parent / "agents/node_modules/.bin"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
MODEL = "gpt-5.5"
CONFIG = """\
model = "{model}"
model_provider = "scripted"
[model_providers.scripted]
name = "scripted"
base_url = "{url}/v1"
wire_api = "responses"
env_key = "SCRIPTED_KEY"
request_max_retries = 0
stream_max_retries = 0
"""


@dataclass
class Desk:
    """One Codex, its model, and what is heard of it."""

    heard: Listener
    job: Job
    model: Endpoint
    number: int = 0
    said: int = 0

    async def start(self, run: str, **more: Any) -> Ready:
        agent, job = CodexAgent(CodexSettings()), replace(self.job, **more)
        self.number, before = 0, len(self.heard.events)
        await self.heard.transport.start(run, agent.launch(job), agent.dialect(job))
        return Ready() if job.per_message else await self.heard.until(Ready, before)

    async def tell(self, command: Command) -> int:
        before, self.number = len(self.heard.events), self.number + 1
        await self.heard.transport.tell(self.number, command)
        return before

    async def say(self, text: str, *attached: Attached) -> int:
        self.said += 1
        name = f"m{self.said}"
        return await self.tell(Say(messages=[(name, text)], attached={name: attached}))

    async def turn(self, text: str, *attached: Attached) -> TurnEnded:
        return await self.heard.until(TurnEnded, await self.say(text, *attached))

    async def adjusted(self, **what: str) -> Ready:
        """Ready once it says so; words about an earlier choice may still come before that."""
        before = await self.tell(Adjust(number=self.number + 1, **what))
        return await self.heard.such(Ready, lambda one: all(getattr(one, name) == value for name, value in what.items()), before)

    async def answer(self, asked: Asked, allow: bool, scope: Scope = "once", **more: Any) -> int:
        decision: Any = "allow" if allow else "deny"
        return await self.tell(
            Answer(id=asked.id, decision=decision, scope=scope, asked_input=asked.input, native=asked.native, **more)
        )

    def heard_of[E](self, kind: type[E], after: int = 0) -> list[E]:
        return [event for event in self.heard.events[after:] if isinstance(event, kind)]


@contextmanager
def working(folder: Path) -> Iterator[tuple[Job, Endpoint]]:
    """A folder to work in and a Codex of its own configuration, which uses the scripted model."""
    work, home = folder / "work", folder / "codex"
    work.mkdir()
    home.mkdir()
    with serving() as model:
        (home / "config.toml").write_text(CONFIG.format(model=MODEL, url=model.url))
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        env = {"PATH": path, "HOME": str(folder), "CODEX_HOME": str(home), "SCRIPTED_KEY": "none"}
        yield Job(session="s1", cwd=work, env=env), model


@asynccontextmanager
async def desk(folder: Path, transport: str = "stdio") -> AsyncIterator[Desk]:
    with working(folder) as (job, model):
        async with shim(folder), skuld(folder) as transports, asyncio.TaskGroup() as tasks:
            heard = Listener(transports.make(transport, "s1", "secret"))
            tasks.create_task(heard.listen(), name="listen")
            try:
                yield Desk(heard, replace(job, per_message=transport == "per_message"), model)
            finally:
                await heard.transport.stop(3)


def prompts(model: Endpoint) -> str:
    return str(model.requests[-1]["input"])


def outside(command: str) -> str:
    given = {"cmd": command, "sandbox_permissions": "require_escalated", "justification": "Needed"}
    return f"{{{{tool: exec_command {json.dumps(given)}}}}}"
