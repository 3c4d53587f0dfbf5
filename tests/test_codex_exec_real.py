"""The real Codex, one process a prompt by `codex exec`, against a scripted model."""

import asyncio
from pathlib import Path

import pytest
from volundr_codex import CodexAgent, CodexSettings

from tests.codex_kit import BIN, MODEL, desk, prompts
from volundr.broker.events import (
    Break,
    Exited,
    Ready,
    ToolCalled,
    ToolEnded,
    TurnEnded,
)
from volundr.broker.parts import Usage

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not (BIN / "codex").exists(), reason="`npm ci` in tests/agents installs Codex"),
]


def test_two_prompts_by_exec_are_one_conversation_counted_apart(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path, "per_message") as at:
            await at.start("one", model=MODEL)
            before = await at.say("{{bash: echo hi}}\nand\n{{text: one}}")
            ended = await at.heard.until(TurnEnded, before)
            assert (ended.status, ended.usage) == ("ok", [Usage(model=MODEL, input=24, output=16, cache_read=200)])
            ready = await at.heard.until(Ready)
            assert (await at.heard.until(Exited, before)).code == 0
            (call,), (result,) = at.heard_of(ToolCalled), at.heard_of(ToolEnded)
            assert (call.title, call.id, result.ok) == ("Shell: echo hi", result.id, True)
            assert result.output.endswith("hi\n")
            await at.start("two", model=MODEL, resume=ready.native)
            before = await at.say("{{bash: echo ho}}{{text: two}}")
            ended = await at.heard.until(TurnEnded, before)
            assert ended.usage == [Usage(model=MODEL, input=24, output=16, cache_read=200)]
            assert "{{text: one}}" in prompts(at.model)
            assert len({call.id for call in at.heard_of(ToolCalled)}) == 2
            await at.heard.until(Exited, before)
            await at.start("three", model=MODEL, resume=ready.native, fork=True)
            before = await at.say("{{text: three}}")
            ended = await at.heard.until(TurnEnded, before)
            assert ended.usage == [Usage(model=MODEL, input=12, output=8, cache_read=100)]
            assert (await at.heard.until(Ready, before)).native not in ("", ready.native)
            await at.heard.until(Exited, before)

    asyncio.run(main())


def test_exec_is_interrupted_and_says_why_it_fails(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path, "per_message") as at:
            await at.start("one", model=MODEL)
            before = await at.say("{{bash: sleep 60}}")
            await at.heard.until(ToolCalled, before)
            await at.tell(Break(number=3))
            assert (await at.heard.until(Exited, before)).code != 0
            await at.start("two", model=MODEL)
            before = await at.say("{{error: 401 invalid_api_key Incorrect API key provided}}")
            ended = await at.heard.until(TurnEnded, before)
            assert (ended.status, "codex login" in ended.hint) == ("failed", True)
            await at.heard.until(Exited, before)
            await at.start("three", model=MODEL, resume="01a20000-0000-7000-8000-000000000000")
            exited = await at.heard.until(Exited, await at.say("{{text: x}}"))
            assert CodexAgent(CodexSettings()).lost(exited.error)

    asyncio.run(main())
