"""The real opencode over ACP, against a scripted model."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pytest
from volundr_acp import OPENCODE, AcpAgent, AcpSettings

from tests.fake_models.openai import Endpoint, serving
from tests.shim_process import shim
from tests.test_transports import skuld
from volundr.broker.events import (
    Adjust,
    Answer,
    Asked,
    Break,
    Command,
    Exited,
    Offered,
    Ready,
    Remarked,
    Say,
    Taken,
    TextDelta,
    TextDone,
    ToolCalled,
    ToolEnded,
    TurnEnded,
)
from volundr.broker.transports.transport import Job
from volundr.domain.errors import Unavailable
from volundr.testing import Listener

BIN = Path(__file__).parent / "agents/node_modules/.bin"
SECONDS = 60.0
PATIENCE = 4
"""Times a listener's own patience: opencode alone takes several seconds to start on a quiet machine."""

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not (BIN / "opencode").exists(), reason="`npm ci` in tests/agents installs opencode"),
]


class Patient(Listener):
    async def until[E](self, kind: type[E], after: int = 0) -> E:
        for _ in range(PATIENCE):
            try:
                return await super().until(kind, after)
            except TimeoutError:
                continue
        raise TimeoutError(f"no {kind.__name__} behind {after} of {self.events}")


@dataclass
class Desk:
    """One opencode, its model, and what is heard of it."""

    heard: Listener
    job: Job
    model: Endpoint
    number: int = 0

    @property
    def events(self) -> list[Any]:
        return self.heard.events

    async def start(self, run: str, **more: Any) -> Ready:
        before = len(self.events)
        agent, job = AcpAgent(OPENCODE, AcpSettings()), replace(self.job, **more)
        self.number = 0
        await self.heard.transport.start(run, agent.launch(job), agent.dialect(job))
        return await self.heard.until(Ready, before)

    async def tell(self, command: Command) -> int:
        """As Skuld does it: again, as long as the agent cannot be told yet."""
        before, self.number = len(self.events), self.number + 1
        async with asyncio.timeout(SECONDS):
            while True:
                try:
                    await self.heard.transport.tell(self.number, command)
                except Unavailable:
                    await asyncio.sleep(0.1)
                else:
                    return before

    async def say(self, text: str) -> int:
        return await self.tell(Say(messages=[(f"m{self.number}", text)]))

    async def turn(self, text: str) -> TurnEnded:
        return await self.heard.until(TurnEnded, await self.say(text))

    async def answer(self, before: int, decision: Literal["allow", "deny"], message: str = "") -> Asked:
        asked = await self.heard.until(Asked, before)
        given = Answer(
            id=asked.id, decision=decision, scope="once", asked_input=asked.input, native=asked.native, message=message
        )
        await self.tell(given)
        return asked


def config(url: str) -> str:
    models = {
        "scripted-model": {
            "name": "Scripted",
            "attachment": True,
            "modalities": {"input": ["text", "image"], "output": ["text"]},
        },
        "other-model": {"name": "Other"},
    }
    options = {"baseURL": f"{url}/v1", "apiKey": "fake"}
    provider = {"npm": "@ai-sdk/openai-compatible", "name": "Fake", "options": options, "models": models}
    chosen = {"model": "fake/scripted-model", "small_model": "fake/scripted-model", "autoupdate": False, "share": "disabled"}
    return json.dumps({**chosen, "permission": {"bash": "ask", "edit": "ask"}, "provider": {"fake": provider}})


@asynccontextmanager
async def desk(folder: Path, transport: str = "shim") -> AsyncIterator[Desk]:
    work, settings = folder / "work", folder / ".config/opencode"
    for made in (work, work / ".git", settings):
        made.mkdir(parents=True)
    with serving() as model:
        (settings / "opencode.json").write_text(config(model.url))
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        quiet = {"OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_LSP_DOWNLOAD": "1"}
        job = Job(session="s1", cwd=work, env={"PATH": path, "HOME": str(folder), **quiet})
        async with shim(folder), skuld(folder) as transports, asyncio.TaskGroup() as tasks:
            heard = Patient(transports.make(transport, "s1", "secret"))
            tasks.create_task(heard.listen(), name="listen")
            try:
                yield Desk(heard, job, model)
            finally:
                await heard.transport.stop(3)


@pytest.mark.parametrize("transport", ["shim", "stdio"])
def test_a_conversation_with_words_a_tool_allowed_and_one_denied(tmp_path: Path, transport: str) -> None:
    async def main() -> None:
        async with desk(tmp_path, transport) as at:
            ready = await at.start("one")
            assert (ready.native[:4], ready.model, ready.mode) == ("ses_", "fake/scripted-model", "build")
            ended = await at.turn("{{think: hm}}{{text: hello there}}")
            assert (ended.status, ended.usage[0].model) == ("ok", "fake/scripted-model")
            assert (ended.usage[0].cache_read, ended.usage[0].output > 0) == (100, True)
            assert [(one.kind, one.text) for one in at.events if isinstance(one, TextDone)] == [
                ("thinking", "hm"),
                ("text", "hello there"),
            ]
            assert Taken(id="m0") in at.events

            before = await at.say("{{bash: echo hi; touch a.txt}}{{text: ok}}")
            asked = await at.answer(before, "allow")
            assert (asked.tool, asked.title, asked.scopes) == ("bash", "bash: echo hi; touch a.txt", ["once", "session"])
            assert (await at.heard.until(TurnEnded, before)).status == "ok"
            called, over = await at.heard.until(ToolCalled, before), await at.heard.until(ToolEnded, before)
            assert (called.id, called.kind, called.input["command"]) == (asked.tool_id, "execute", "echo hi; touch a.txt")
            assert (over.id, over.ok, over.output) == (called.id, True, "hi\n")
            assert (at.job.cwd / "a.txt").exists()

            before = await at.say("{{bash: touch b.txt}}{{text: ok}}")
            await at.answer(before, "deny", "Not that file.")
            await at.heard.until(TurnEnded, before)
            assert not (await at.heard.until(ToolEnded, before)).ok
            assert not (at.job.cwd / "b.txt").exists()
            await at.turn("{{text: and on}}")
            assert "Not that file." in json.dumps(at.model.requests[-1])
            assert not [event for event in at.events if isinstance(event, Remarked)]

    asyncio.run(main())


def test_a_file_is_written_by_the_agent_itself_and_its_change_is_shown(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as at:
            await at.start("one")
            before = await at.say("{{write: w.txt :: first line}}{{text: ok}}")
            await at.answer(before, "allow")
            assert (await at.heard.until(TurnEnded, before)).status == "ok"
            assert (at.job.cwd / "w.txt").read_text() == "first line\n"
            assert (await at.heard.until(ToolCalled, before)).title == "write w.txt"
            given = {"filePath": str(at.job.cwd / "w.txt"), "oldString": "first", "newString": "second"}
            before = await at.say("{{tool: edit " + json.dumps(given) + "}}{{text: ok}}")
            await at.answer(before, "allow")
            over = await at.heard.until(ToolEnded, before)
            assert over.detail is not None
            assert over.detail["diff"][0]["lines"] == ["-first", "+second"]
            assert (at.job.cwd / "w.txt").read_text() == "second line\n"

    asyncio.run(main())


def test_an_answer_is_interrupted_in_the_middle_and_a_question_with_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as at:
            await at.start("one")
            before = await at.say("{{slow: 100 0.1}}")
            await at.heard.until(TextDelta, before)
            await at.tell(Break(number=9))
            assert (await at.heard.until(TurnEnded, before)).status == "interrupted"
            before = await at.say("{{bash: touch c.txt}}{{text: ok}}")
            await at.heard.until(Asked, before)
            await at.tell(Break(number=10))
            assert (await at.heard.until(TurnEnded, before)).status == "interrupted"
            assert not (at.job.cwd / "c.txt").exists()
            assert (await at.turn("{{text: still here}}")).status == "ok"
            assert at.heard.text().endswith("still here")

    asyncio.run(main())


def test_models_and_modes_are_the_agents_own_and_a_choice_holds_from_then_on(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as at:
            await at.start("one", mode="plan")
            offered = await at.heard.until(Offered)
            assert {"fake/scripted-model", "fake/other-model"} <= {one.id for one in offered.models or ()}
            assert [one.id for one in offered.modes or ()] == ["build", "plan"]
            commands = (await at.heard.such(Offered, lambda one: bool(one.commands))).commands or ()
            assert "init" in [one.name for one in commands]
            assert (await at.heard.until(Ready)).mode == "plan"
            before = await at.tell(Adjust(number=1, model="fake/other-model"))
            while (await at.heard.until(Ready, before)).model != "fake/other-model":
                before += 1
            await at.tell(Adjust(number=2, mode="build"))
            await at.turn("{{text: hi}}")
            assert at.model.requests[-1]["model"] == "other-model"
            before = await at.tell(Adjust(number=3, model="fake/none"))
            assert "fake/none" in (await at.heard.until(Remarked, before)).text

    asyncio.run(main())


def test_a_killed_agent_goes_on_in_its_conversation_without_telling_it_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as at:
            first = await at.start("one")
            await at.turn("{{text: remember the heron}}")
            pid = await at.heard.transport.pid()
            assert pid is not None
            os.kill(pid, 9)
            await at.heard.until(Exited)
            second = await at.start("two", resume=first.native)
            assert second.native == first.native
            count = len([one for one in at.events if isinstance(one, TextDone)])
            await at.turn("{{text: again}}")
            assert "remember the heron" in json.dumps(at.model.requests[-1])
            assert len([one for one in at.events if isinstance(one, TextDone)]) == count + 1
            await at.heard.transport.stop(3)
            assert not [event for event in at.events if isinstance(event, Remarked)]

    asyncio.run(main())


def test_a_fork_knows_what_was_said_and_has_a_name_of_its_own(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as at:
            first = await at.start("one")
            await at.turn("{{text: remember the heron}}")
            os.kill(await at.heard.transport.pid() or 0, 9)
            await at.heard.until(Exited)
            second = await at.start("two", resume=first.native, fork=True)
            assert second.native not in ("", first.native)
            await at.turn("{{text: again}}")
            assert "remember the heron" in json.dumps(at.model.requests[-1])

    asyncio.run(main())


def test_a_refused_key_ends_the_turn_with_what_to_do(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as at:
            await at.start("one")
            ended = await at.turn("{{error: 401 authentication_error Invalid API key}}")
            assert (ended.status, ended.error) == ("failed", "Invalid API key")
            assert "opencode auth login" in ended.hint
            assert (await at.turn("{{text: later}}")).status == "ok"

    asyncio.run(main())


def test_a_forgotten_conversation_is_begun_anew_and_said_so(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as at:
            ready = await at.start("one", resume="ses_00000000000000000000000000")
            assert ready.native != "ses_00000000000000000000000000"
            assert "no longer has the earlier conversation" in (await at.heard.until(Remarked)).text
            assert (await at.turn("{{text: hello}}")).status == "ok"

    asyncio.run(main())
