"""The real Claude Code through the shim, against a scripted model on loopback."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from volundr_claude import ClaudeAgent, ClaudeSettings

from tests.fake_models.anthropic import serving
from tests.shim_process import shim
from tests.test_transports import skuld
from volundr.broker.events import Answer, Asked, Break, Exited, Ready, Say, Taken, TextDelta, ToolEnded, TurnEnded
from volundr.broker.parts import Scope
from volundr.broker.transports.transport import Job
from volundr.process import start_time
from volundr.testing import Listener

NO_MODEL = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}
BIN = Path(__file__).parent / "agents/node_modules/.bin"

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not (BIN / "claude").exists(), reason="`python3 build.py test` installs Claude Code"),
]


class Chat:
    """A conversation with numbered commands."""

    def __init__(self, heard: Listener) -> None:
        self.heard = heard
        self.number = 0

    async def say(self, text: str) -> int:
        """Send it; returns how many events there were before."""
        before, self.number = len(self.heard.events), self.number + 1
        await self.heard.transport.tell(self.number, Say(messages=[(f"m{self.number}", text)]))
        return before

    async def answer(self, before: int, *, allow: bool, scope: Scope = "once") -> None:
        asked = await self.heard.until(Asked, before)
        self.number += 1
        command = Answer(
            id=asked.id, decision="allow" if allow else "deny", scope=scope, asked_input=asked.input, native=asked.native
        )
        await self.heard.transport.tell(self.number, command)

    async def turn(self, text: str, *, allow: bool | None = None, scope: Scope = "once") -> TurnEnded:
        before = await self.say(text)
        if allow is not None:
            await self.answer(before, allow=allow, scope=scope)
        return await self.heard.until(TurnEnded, before)

    async def interrupt(self) -> None:
        self.number += 1
        await self.heard.transport.tell(self.number, Break(number=self.number))


def test_turns_tools_interrupt_and_a_resume_after_a_kill(tmp_path: Path) -> None:
    with serving() as model:
        asyncio.run(conversation(tmp_path, model.url))
        last = str(model.requests[-1]["messages"])
        assert "{{text: hello}}" in last  # the resumed program sent the whole conversation


async def conversation(folder: Path, url: str) -> None:
    work = folder / "work"
    work.mkdir()
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    env = {"PATH": path, "HOME": str(folder), "ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "fake"}
    agent, job = ClaudeAgent(ClaudeSettings()), Job(session="s1", cwd=work, env=env)
    assert agent.find(env).available
    async with shim(folder) as ask, skuld(folder) as transports, asyncio.TaskGroup() as tasks:
        heard = Listener(transports.make("shim", "s1", "secret"))
        tasks.create_task(heard.listen(), name="listen")
        chat = Chat(heard)
        await heard.transport.start("one", agent.launch(job), agent.dialect(job))
        assert (await chat.turn("{{text: hello}}")).status == "ok"
        assert (await chat.turn("{{bash: touch made}}", allow=True, scope="session")).status == "ok"
        assert (work / "made").exists()
        (work / "made").unlink()
        assert (await chat.turn("{{bash: touch made}}")).status == "ok"  # allowed for the session
        assert (work / "made").exists()
        assert (await chat.turn("{{write: no.txt :: no}}", allow=False)).status == "ok"
        assert not (work / "no.txt").exists()
        assert heard.events[-1] == await heard.until(TurnEnded, len(heard.events) - 1)
        before = await chat.say("{{slow: 200 0.1}}")
        await heard.until(TextDelta, before)
        await chat.interrupt()
        assert (await heard.until(TurnEnded, before)).status == "interrupted"
        ready = [event for event in heard.events if isinstance(event, Ready)][-1]
        await kill_and_resume(chat, agent, job, ready.native, (await ask(op="list"))["runs"][0]["pid"])
        assert {event.id for event in heard.events if isinstance(event, Taken)} >= {"m1", "m2"}
        assert [event.ok for event in heard.events if isinstance(event, ToolEnded)] == [True, True, False]
        await heard.transport.stop(3)
        assert isinstance(heard.events[-1], Exited)


async def kill_and_resume(chat: Chat, agent: ClaudeAgent, job: Job, native: str, pid: int) -> None:
    before = await chat.say("{{slow: 200 0.1}}")
    await chat.heard.until(TextDelta, before)
    os.kill(pid, signal.SIGKILL)
    died = await chat.heard.until(Exited, before)
    assert (died.code, died.wanted) == (-signal.SIGKILL, False)
    assert start_time(pid) is None
    chat.number = 0  # and so the same message ids again
    resumed = Job(session=job.session, cwd=job.cwd, env=job.env, resume=native)
    await chat.heard.transport.start("two", agent.launch(resumed), agent.dialect(resumed))
    assert (await chat.turn("{{text: back again}}")).status == "ok"
    assert "back again" in chat.heard.text()


def test_a_forgotten_conversation_ends_with_its_cause(tmp_path: Path) -> None:
    async def main() -> None:
        env = {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path), "ANTHROPIC_API_KEY": "fake", **NO_MODEL}
        agent = ClaudeAgent(ClaudeSettings())
        job = Job(session="s1", cwd=tmp_path, env=env, resume="6ff1180a-bd73-4db5-af17-aaebba69403c")
        async with shim(tmp_path), skuld(tmp_path) as transports, asyncio.TaskGroup() as tasks:
            heard = Listener(transports.make("shim", "s1", "secret"))
            tasks.create_task(heard.listen(), name="listen")
            await heard.transport.start("one", agent.launch(job), agent.dialect(job))
            exited = await heard.until(Exited)
            assert agent.lost(exited.error)
            await heard.transport.stop(1)

    asyncio.run(main())
