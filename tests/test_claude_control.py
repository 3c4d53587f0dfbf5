"""Control of the real Claude Code, against a scripted model: choices, steering, images, forks, one prompt a process."""

import asyncio
import base64
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from volundr_claude import ClaudeAgent, ClaudeSettings

from tests.fake_models.anthropic import serving
from tests.shim_process import shim
from tests.test_transports import skuld
from volundr.broker.events import (
    Adjust,
    Attached,
    Break,
    Command,
    Exited,
    Offered,
    Ready,
    Remarked,
    Say,
    Steer,
    Taken,
    TextDelta,
    ToolCalled,
    TurnEnded,
)
from volundr.broker.parts import Attachment
from volundr.broker.transports.transport import Job
from volundr.testing import Listener

BIN = Path(__file__).parent / "agents/node_modules/.bin"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not (BIN / "claude").exists(), reason="`npm ci` in tests/agents installs Claude Code"),
]


@dataclass
class Desk:
    """One Claude, its model, and what is heard of it."""

    heard: Listener
    job: Job
    model: Any
    number: int = 0

    async def start(self, run: str, **more: Any) -> None:
        agent, job = ClaudeAgent(ClaudeSettings()), replace(self.job, **more)
        self.number = 0
        await self.heard.transport.start(run, agent.launch(job), agent.dialect(job))

    async def tell(self, command: Command) -> int:
        before, self.number = len(self.heard.events), self.number + 1
        await self.heard.transport.tell(self.number, command)
        return before

    async def turn(self, text: str) -> TurnEnded:
        return await self.heard.until(TurnEnded, await self.tell(Say(messages=[(f"m{self.number}", text)])))

    async def adjusted(self, **what: str) -> Ready:
        return await self.heard.until(Ready, await self.tell(Adjust(number=self.number + 1, **what)))


@asynccontextmanager
async def desk(folder: Path, transport: str = "shim") -> AsyncIterator[Desk]:
    work = folder / "work"
    work.mkdir()
    with serving() as model:
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        env = {"PATH": path, "HOME": str(folder), "ANTHROPIC_BASE_URL": model.url, "ANTHROPIC_API_KEY": "fake"}
        job = Job(session="s1", cwd=work, env=env, per_message=transport == "per_message")
        async with shim(folder), skuld(folder) as transports, asyncio.TaskGroup() as tasks:
            heard = Listener(transports.make(transport, "s1", "secret"))
            tasks.create_task(heard.listen(), name="listen")
            yield Desk(heard, job, model)
            await heard.transport.stop(3)


def test_what_claude_offers_is_its_own_list_and_a_choice_holds_from_then_on(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as at:
            await at.start("one")
            offered = await at.heard.until(Offered)
            assert offered.models
            assert offered.modes
            assert offered.commands
            other = next(model for model in offered.models if model.id not in ("default", ""))
            assert (await at.adjusted(model=other.id)).model == other.id
            assert (await at.adjusted(mode="plan")).mode == "plan"
            assert (await at.adjusted(thinking="4000")).thinking == "4000"
            assert (await at.turn("{{text: hi}}")).status == "ok"
            asked = at.model.requests[-1]
            assert asked["model"] == other.resolved.partition("[")[0]
            assert not [event for event in at.heard.events if isinstance(event, Remarked)]

    asyncio.run(main())


def test_words_in_the_middle_of_a_tool_reach_the_running_turn(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as at:
            await at.start("one", mode="acceptEdits")
            before = await at.tell(Say(messages=[("first", "{{bash: sleep 2}} {{text: done}}")]))
            await at.heard.until(ToolCalled, before)
            await at.tell(Steer(message=("second", "{{text: steered}}")))
            ended = await at.heard.until(TurnEnded, before)
            assert ended.status == "ok"
            assert {event.id for event in at.heard.events if isinstance(event, Taken)} == {"first", "second"}
            assert "steered" in str(at.model.requests[-1]["messages"])

    asyncio.run(main())


def test_words_in_the_middle_of_an_answer_begin_a_turn_of_their_own(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as at:
            await at.start("one")
            before = await at.tell(Say(messages=[("first", "{{slow: 20 0.05}}")]))
            await at.heard.until(TextDelta, before)
            await at.tell(Steer(message=("second", "{{text: steered}}")))
            await at.heard.until(TurnEnded, before)
            seen = len(at.heard.events)
            if Taken(id="second") not in at.heard.events[:seen]:
                assert (await at.heard.until(Taken, seen)).id == "second"
                assert (await at.heard.until(TurnEnded, seen)).status == "ok"
            assert "steered" in at.heard.text()

    asyncio.run(main())


def test_an_image_reaches_the_model_and_another_file_is_named(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as at:
            (tmp_path / "a.png").write_bytes(base64.b64decode(PIXEL))
            image = Attached(
                about=Attachment(id="1", name="a.png", media_type="image/png", size=70), path=str(tmp_path / "a.png"), data=PIXEL
            )
            paper = Attached(about=Attachment(id="2", name="b.pdf", media_type="application/pdf", size=9), path="/at/b.pdf")
            await at.start("one")
            said = Say(messages=[("m", "{{text: seen}}")], attached={"m": [image, paper]})
            assert (await at.heard.until(TurnEnded, await at.tell(said))).status == "ok"
            contents = [message["content"] for message in at.model.requests[-1]["messages"]]
            blocks = [block for content in contents if isinstance(content, list) for block in content]
            assert [block["source"]["media_type"] for block in blocks if block["type"] == "image"] == ["image/png"]
            assert "Attached file: /at/b.pdf" in str(blocks)

    asyncio.run(main())


async def written(home: Path, native: str) -> None:
    """Claude writes its own memory of a conversation a moment after the turn."""
    async with asyncio.timeout(10):
        while not await asyncio.to_thread(lambda: list(home.glob(f".claude/projects/*/{native}.jsonl"))):
            await asyncio.sleep(0.02)


def test_a_fork_goes_on_from_the_conversation_in_one_of_its_own(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as at:
            await at.start("one")
            assert (await at.turn("{{text: remember me}}")).status == "ok"
            native = [event for event in at.heard.events if isinstance(event, Ready)][-1].native
            await written(tmp_path, native)
            await at.start("two", resume=native, fork=True)
            seen = len(at.heard.events)
            ended = await at.turn("{{text: forked}}")
            assert (ended.status, ended.error) == ("ok", "")
            forked = [event for event in at.heard.events[seen:] if isinstance(event, Ready)][-1].native
            assert forked not in ("", native)
            assert "remember me" in str(at.model.requests[-1]["messages"])

    asyncio.run(main())


def test_one_process_for_each_message_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path, "per_message") as at:
            await at.start("one")
            assert (await at.turn("{{text: first}}\nof two lines")).status == "ok"
            assert (await at.heard.until(Exited)).code == 0
            native = [event for event in at.heard.events if isinstance(event, Ready)][-1].native
            await at.start("two", resume=native)
            seen = len(at.heard.events)
            assert (await at.turn("{{text: second}}")).status == "ok"
            assert (await at.heard.until(Exited, seen)).code == 0
            assert "of two lines" in str(at.model.requests[-1]["messages"])
            await at.start("three", resume=native)
            before = await at.tell(Say(messages=[("long", "{{slow: 200 0.1}}")]))
            await at.heard.until(TextDelta, before)
            await at.tell(Break(number=at.number + 1))
            await at.heard.until(Exited, before)

    asyncio.run(main())
