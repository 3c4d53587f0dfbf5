"""Agents that speak ACP by settings: found, started, and spoken to as real processes."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import volundr_acp
from volundr_acp.agents import GEMINI, OPENCODE, AcpAgent, by_settings
from volundr_acp.settings import AcpSettings

from tests.shim_process import shim
from tests.test_transports import skuld
from volundr.broker.events import (
    Adjust,
    Answer,
    Asked,
    Break,
    Command,
    Offered,
    Planned,
    Ready,
    Remarked,
    Say,
    TextDelta,
    ToolEnded,
    TurnEnded,
)
from volundr.broker.parts import SlashCommand, Task
from volundr.broker.transports.stdio import StdioTransport
from volundr.broker.transports.transport import Agent, Job
from volundr.domain.errors import Invalid, Unavailable
from volundr.registry import Adapters
from volundr.testing import Listener

PROGRAM = Path(__file__).parent / "acp_agent.py"


def agent(*args: str, **more: Any) -> AcpAgent:
    return by_settings("mine", AcpSettings(command=sys.executable, args=(str(PROGRAM), *args), **more))


def job(folder: Path, **more: Any) -> Job:
    return Job(session="s1", cwd=folder, env={"PATH": os.environ["PATH"], "VOLUNDR_TOKEN": "x"}, **more)


async def tell(heard: Listener, number: int, command: Command) -> int:
    before = len(heard.events)
    async with asyncio.timeout(20):
        while True:
            try:
                await heard.transport.tell(number, command)
            except Unavailable:
                await asyncio.sleep(0.02)
            else:
                return before


async def say(heard: Listener, number: int, text: str) -> TurnEnded:
    return await heard.until(TurnEnded, await tell(heard, number, Say(messages=[(f"m{number}", text)])))


@asynccontextmanager
async def started(folder: Path, of: Agent, **more: Any) -> AsyncIterator[Listener]:
    heard = Listener(StdioTransport())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(heard.listen(), name="listen")
        what = job(folder, **more)
        await heard.transport.start("one", of.launch(what), of.dialect(what))
        try:
            yield heard
        finally:
            await heard.transport.stop(1)


def test_a_program_by_settings_plans_changes_files_asks_and_costs(tmp_path: Path) -> None:
    async def main() -> None:
        async with started(tmp_path, agent(), model="big", mode="nowhere") as at:
            assert (await at.until(Ready)).model == "big"
            assert [one.id for one in (await at.until(Offered)).models or ()] == ["small", "big"]
            await say(at, 1, "plan change")
            assert (await at.until(Planned)).tasks == (Task(text="Look", state="done"), Task(text="Do", state="working"))
            over = await at.until(ToolEnded)
            assert over.detail is not None
            assert over.detail["diff"][0]["lines"] == [" one", "-two", "+2"]

            before = await tell(at, 2, Say(messages=[("m2", "ask")]))
            asked = await at.until(Asked, before)
            assert (asked.title, asked.scopes) == ("Bash: touch x", ["once", "session", "always"])
            given = Answer(id=asked.id, decision="allow", scope="always", asked_input={}, native=asked.native)
            await tell(at, 3, given)
            await at.until(TurnEnded, before)
            assert at.text() == "a3"

            (usage,) = (await say(at, 4, "cost")).usage
            assert (usage.model, usage.input, usage.cache_read, usage.cost_usd) == ("big", 6, 4, 0.25)
            assert (await at.until(Ready, await tell(at, 5, Adjust(number=5, mode="code")))).mode == "code"
            assert (await say(at, 6, "end refusal")).error == "The model refused to answer."

    asyncio.run(main())


def test_noise_unknown_updates_and_requests_do_no_harm_and_an_interrupt_ends_the_turn(tmp_path: Path) -> None:
    async def main() -> None:
        async with started(tmp_path, agent()) as at:
            assert (await say(at, 1, "odd")).status == "ok"
            assert at.text() == "refused: -32601"
            assert [one.detail for one in at.events if isinstance(one, Remarked)] == ["just some noise"]
            before = await tell(at, 2, Say(messages=[("m2", "wait")]))
            await at.until(TextDelta, before)
            await tell(at, 3, Break(number=3))
            assert (await at.until(TurnEnded, before)).status == "interrupted"

    asyncio.run(main())


def test_a_loaded_session_is_not_told_again_and_one_that_cannot_be_loaded_is_begun_anew(tmp_path: Path) -> None:
    async def main() -> None:
        async with started(tmp_path, agent("load"), resume="s-1") as at:
            assert (await at.until(Ready)).native == "s-1"
            assert (await at.until(Offered)).commands == (SlashCommand(name="web", description="Look", takes="what"),)
            await say(at, 1, "plan")
            assert at.text() == ""
            assert not [one for one in at.events if isinstance(one, TextDelta | Remarked)]
        async with started(tmp_path, agent(), resume="s-0") as at:
            assert (await at.until(Ready)).native == "s-1"
            assert "no longer has the earlier conversation" in (await at.until(Remarked)).text

    asyncio.run(main())


def test_a_login_without_a_person_is_made_and_a_missing_one_is_said(tmp_path: Path) -> None:
    async def main() -> None:
        async with started(tmp_path, agent("login", auth="key")) as at:
            assert (await at.until(Ready)).native == "s-1"
        async with started(tmp_path, agent("login")) as at:
            assert (await at.until(Remarked)).text == "Authentication required"
            ended = await say(at, 1, "plan")
            assert (ended.status, "[agents.mine.env]" in ended.hint) == ("failed", True)

    asyncio.run(main())


def test_a_question_survives_a_restart_of_skuld(tmp_path: Path) -> None:
    of = agent()

    async def main() -> None:
        async with shim(tmp_path):
            async with skuld(tmp_path) as transports:
                first = Listener(transports.make("shim", "s1", "secret"))
                async with asyncio.TaskGroup() as tasks:
                    listening = tasks.create_task(first.listen())
                    await first.transport.start("run-1", of.launch(job(tmp_path)), of.dialect(job(tmp_path)))
                    await first.until(Ready)
                    await tell(first, 7, Say(messages=[("m1", "ask")]))
                    asked = await first.until(Asked)
                    listening.cancel()
            async with skuld(tmp_path) as transports, asyncio.TaskGroup() as tasks:
                second = Listener(transports.make("shim", "s1", "secret"))
                tasks.create_task(second.listen())
                late = of.dialect(job(tmp_path, native="s-1"))
                assert await second.transport.adopt("run-1", late, first.lines[-1]) == 7
                given = Answer(id=asked.id, decision="deny", scope="once", asked_input={}, native=asked.native)
                await second.transport.tell(8, given)
                assert (await second.until(TurnEnded)).status == "ok"
                assert second.text() == "r1"
                assert (await second.until(ToolEnded)).id == "c1"
                await second.transport.stop(1)

    asyncio.run(main())


def test_programs_are_found_and_started_without_our_own_variables(tmp_path: Path) -> None:
    program = tmp_path / "opencode"
    program.write_text("#!/bin/sh\necho opencode 9.8.7\n")
    program.chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    found = AcpAgent(OPENCODE, AcpSettings()).find(env)
    assert (found.available, found.version, found.path) == (True, "9.8.7", str(program))
    missing = AcpAgent(GEMINI, AcpSettings()).find(env)
    assert (missing.available, "npm install -g @google/gemini-cli" in missing.hint) == (False, True)
    with pytest.raises(Unavailable):
        AcpAgent(GEMINI, AcpSettings()).launch(Job(session="s", cwd=tmp_path, env=env))
    launch = AcpAgent(OPENCODE, AcpSettings(args=("--pure",), env={"KEY": "v"})).launch(
        Job(session="s", cwd=tmp_path, env={**env, "VOLUNDR_TOKEN": "x"})
    )
    assert launch.argv == [str(program), "acp", "--pure"]
    assert (launch.env["KEY"], "VOLUNDR_TOKEN" in launch.env) == ("v", False)
    program.write_text("#!/bin/sh\nexit 3\n")
    assert not AcpAgent(OPENCODE, AcpSettings()).find(env).available
    assert by_settings("mine", AcpSettings(command=str(program))).find(env).available


def test_a_section_makes_an_agent_and_one_without_a_program_says_so() -> None:
    adapters = Adapters()
    volundr_acp.volundr_adapters(adapters)
    sections = {"mine": {"protocol": "acp", "command": "my-agent", "label": "Mine", "args": ["--acp"]}}
    agents = adapters.all(Agent, sections)
    assert {name: one.label for name, one in agents.items()} == {"gemini": "Gemini CLI", "opencode": "opencode", "mine": "Mine"}
    with pytest.raises(Invalid, match="mine"):
        adapters.all(Agent, {"mine": {"protocol": "acp"}})


def test_errors_have_hints() -> None:
    of = AcpAgent(OPENCODE, AcpSettings())
    assert "opencode auth login" in of.hint("Invalid API key")
    assert "network" in of.hint("fetch failed").lower()
    assert of.hint("something else") == ""
    assert "trust" in AcpAgent(GEMINI, AcpSettings()).hint("Cannot enable privileged approval modes in an untrusted folder.")
    assert not of.lost("Session not found")
