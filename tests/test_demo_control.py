"""The demo agent's choices, commands, questions and forks, through its real program."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from volundr.broker.demo.plugin import DemoAgent
from volundr.broker.events import Adjust, Answer, Asked, Offered, Planned, Ready, Remarked, Say, TextDone, ToolEnded, TurnEnded
from volundr.broker.transports.stdio import StdioTransport
from volundr.broker.transports.transport import Job
from volundr.testing import Listener


@asynccontextmanager
async def demo(folder: Path, *jobs: Job) -> AsyncIterator[Listener]:
    agent = DemoAgent(folder / "sessions")
    heard = Listener(StdioTransport())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(heard.listen(), name="listen")
        for number, job in enumerate(jobs):
            await heard.transport.start(str(number), agent.launch(job), agent.dialect(job))
        yield heard
        await heard.transport.stop(2)


def job(folder: Path, session: str = "s1") -> Job:
    return Job(session=session, cwd=folder, env={"PATH": "/usr/bin:/bin", "HOME": str(folder)})


async def say(heard: Listener, number: int, text: str) -> int:
    before = len(heard.events)
    await heard.transport.tell(number, Say(messages=[(f"m{number}", text)]))
    return before


def test_it_offers_choices_and_keeps_to_them(tmp_path: Path) -> None:
    async def main() -> None:
        async with demo(tmp_path, job(tmp_path)) as heard:
            offered = await heard.until(Offered)
            assert [model.id for model in offered.models or ()] == ["demo", "demo-slow"]
            assert "story" in [command.name for command in offered.commands or ()]
            await heard.transport.tell(1, Adjust(number=1, model="demo-slow", mode="plan", thinking="4000"))
            before = await say(heard, 2, "{{bash: touch made}}")
            await heard.until(TurnEnded, before)
            said = heard.events[before:]
            ready = [event for event in heard.events if isinstance(event, Ready)][-1]
            assert (ready.model, ready.mode, ready.thinking) == ("demo-slow", "plan", "4000")
            assert next(event.kind for event in said if isinstance(event, TextDone)) == "thinking"
            assert not next(event for event in said if isinstance(event, ToolEnded)).ok
            assert not (tmp_path / "made").exists()
            await heard.transport.tell(3, Adjust(number=3, model="nonsense"))
            assert (await heard.until(Remarked)).level == "warning"

    asyncio.run(main())


@pytest.mark.parametrize(
    ("command", "answers", "said"),
    [("/ask Which? ", {"answers": {"Which?": "Steel"}}, "Which? Steel"), ("/plan the work", None, "The plan is approved.")],
)
def test_it_asks_and_goes_on_with_the_answer(tmp_path: Path, command: str, answers: dict[str, object], said: str) -> None:
    async def main() -> None:
        async with demo(tmp_path, job(tmp_path)) as heard:
            before = await say(heard, 1, command)
            asked = await heard.until(Asked, before)
            given = {**asked.input, **answers} if answers else None
            scope = asked.scopes[-1]
            await heard.transport.tell(
                2,
                Answer(id=asked.id, decision="allow", scope=scope, asked_input=asked.input, native=asked.native, input=given),
            )
            assert (await heard.until(ToolEnded, before)).output == said
            assert (await heard.until(TurnEnded, before)).status == "ok"

    asyncio.run(main())


def test_it_shows_its_list_of_tasks_as_they_are_done(tmp_path: Path) -> None:
    async def main() -> Sequence[Sequence[str]]:
        async with demo(tmp_path, job(tmp_path)) as heard:
            await heard.until(TurnEnded, await say(heard, 1, "/todo one; two"))
            return [[task.state for task in event.tasks] for event in heard.events if isinstance(event, Planned)]

    assert asyncio.run(main()) == [["working", "pending"], ["done", "working"], ["done", "done"]]


def test_a_fork_remembers_and_the_origin_does_not_hear_of_it(tmp_path: Path) -> None:
    async def first() -> str:
        async with demo(tmp_path, job(tmp_path)) as heard:
            await heard.until(TurnEnded, await say(heard, 1, "hello from before"))
            return next(event.native for event in heard.events if isinstance(event, Ready) and event.native)

    native = asyncio.run(first())

    async def second(fork: bool) -> str:
        other = replace(job(tmp_path, "s2" if fork else "s1"), resume=native, fork=fork)
        async with demo(tmp_path, other) as heard:
            await heard.until(TurnEnded, await say(heard, 1, "what did I say?"))
            return heard.text()

    assert "hello from before" in asyncio.run(second(fork=True))
    assert "what did I say" not in asyncio.run(second(fork=False))
