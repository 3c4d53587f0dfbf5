"""The real Codex over `app-server`, against a scripted model: everything that it does for a session."""

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from volundr_codex import CodexAgent, CodexSettings

from tests.codex_kit import BIN, MODEL, PIXEL, desk, outside, prompts, working
from tests.shim_process import shim
from tests.test_transports import skuld
from volundr.broker.events import (
    Asked,
    Attached,
    Break,
    Offered,
    Ready,
    Remarked,
    Say,
    Steer,
    Taken,
    TextDelta,
    TextDone,
    ToolCalled,
    ToolEnded,
    ToolOutput,
    TurnEnded,
    Untaken,
)
from volundr.broker.parts import Attachment, Usage
from volundr.testing import Listener

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not (BIN / "codex").exists(), reason="`npm ci` in tests/agents installs Codex"),
]


@pytest.mark.parametrize("transport", ["shim", "stdio"])
def test_a_turn_thinks_talks_and_runs_a_command_and_is_counted_once(tmp_path: Path, transport: str) -> None:
    async def main() -> None:
        async with desk(tmp_path, transport) as at:
            ready = await at.start("one")
            assert (ready.model, ready.mode) == (MODEL, "ask")
            assert ready.native
            ended = await at.turn("{{think: hm}}{{bash: echo hi; sleep 0.3; echo ho}}{{text: all done}}")
            assert (ended.status, ended.usage) == ("ok", [Usage(model=MODEL, input=24, output=17, cache_read=200)])
            assert at.heard_of(Taken) == [Taken(id="m1")]
            assert [done.text for done in at.heard_of(TextDone)] == ["hm", "Running. ", "all done"]
            assert "".join(delta.text for delta in at.heard_of(TextDelta) if delta.kind == "text") == "Running. all done"
            (call,), (result,) = at.heard_of(ToolCalled), at.heard_of(ToolEnded)
            assert (call.title, call.kind, result.id, result.ok) == (
                "Shell: echo hi; sleep 0.3; echo ho",
                "execute",
                call.id,
                True,
            )
            assert result.output.endswith("hi\nho\n")
            live = "".join(piece.text for piece in at.heard_of(ToolOutput))  # without what it printed at once, now and then
            assert live.endswith("ho\n")
            assert result.output.endswith(live)
            again = await at.turn("{{text: again}}")
            assert again.usage == [Usage(model=MODEL, input=12, output=8, cache_read=100)]
            assert not at.heard_of(Remarked)

    asyncio.run(main())


def test_codex_offers_its_models_modes_levels_and_skills(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as at:
            skill = tmp_path / "codex/skills/greet"
            skill.mkdir(parents=True)
            (skill / "SKILL.md").write_text("---\nname: greet\ndescription: Says hello\n---\nSay hello.\n")
            await at.start("one")
            while not all(any(getattr(one, name) for one in at.heard_of(Offered)) for name in ("models", "modes", "commands")):
                await at.heard.until(Offered, len(at.heard.events))
            offered = at.heard_of(Offered)
            assert MODEL in [model.id for one in offered for model in one.models or ()]
            assert [mode.id for one in offered for mode in one.modes or ()] == ["read-only", "ask", "auto", "full-access"]
            assert "high" in [level.id for one in offered for level in one.thinking or ()]
            assert "greet" in [command.name for one in offered for command in one.commands or ()]
            await at.turn("/greet {{text: hello}}")
            assert "$greet {{text: hello}}" in prompts(at.model)
            assert "Say hello." in prompts(at.model)

    asyncio.run(main())


def test_a_command_is_asked_for_refused_with_a_word_and_allowed_for_the_session(tmp_path: Path) -> None:
    target = tmp_path / "outside.txt"

    async def main() -> None:
        async with desk(tmp_path) as at:
            await at.start("one")
            script = outside(f"echo x >> {target}") + "{{text: on}}"
            before = await at.say(script)
            asked = await at.heard.until(Asked, before)
            assert (asked.title, asked.reason) == (f"Shell: echo x >> {target}", "Needed")
            assert asked.scopes[:2] == ("once", "session")
            assert asked.tool_id == at.heard_of(ToolCalled, before)[0].id
            await at.answer(asked, allow=False, message="Rather not there")
            assert (await at.heard.until(TurnEnded, before)).status == "ok"
            assert at.heard_of(ToolEnded, before)[0].output == "This was not allowed."
            assert not target.exists()
            assert "Rather not there" in prompts(at.model)

            before = await at.say(script)
            await at.answer(await at.heard.until(Asked, before), allow=True)
            await at.heard.until(TurnEnded, before)
            assert target.read_text() == "x\n"

            before = await at.say(script)
            await at.answer(await at.heard.until(Asked, before), allow=True, scope="session")
            await at.heard.until(TurnEnded, before)
            after = len(at.heard.events)
            await at.turn(script)
            assert target.read_text() == "x\nx\nx\n"
            assert not at.heard_of(Asked, after)

    asyncio.run(main())


def test_a_change_of_files_is_asked_for_with_its_diff(tmp_path: Path) -> None:
    target = tmp_path / "work/new.txt"

    async def main() -> None:
        async with desk(tmp_path) as at:
            await at.start("one", mode="read-only")
            before = await at.say(f"{{{{write: {target} :: one}}}}")
            asked = await at.heard.until(Asked, before)
            assert "+one" in asked.input["patch"]
            assert asked.title == "Write new.txt"
            await at.answer(asked, allow=False)
            await at.heard.until(TurnEnded, before)
            assert not target.exists()
            before = await at.say(f"{{{{write: {target} :: one}}}}")
            await at.answer(await at.heard.until(Asked, before), allow=True)
            ended = await at.heard.until(ToolEnded, before)
            assert ended.ok
            assert ended.detail is not None
            assert "+one" in ended.detail["diff"][0]["patch"]
            await at.heard.until(TurnEnded, before)
            assert target.read_text() == "one\n"

    asyncio.run(main())


def test_a_turn_is_interrupted_in_the_middle_of_its_words_and_the_next_one_goes_on(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as at:
            await at.start("one")
            before = await at.say("{{slow: 200 0.1}}")
            await at.heard.until(TextDelta, before)
            await at.tell(Break(number=9))
            assert (await at.heard.until(TurnEnded, before)).status == "interrupted"
            before = await at.say("{{slow: 200 0.1}}")
            await at.tell(Break(number=10))  # before Codex has named its turn
            assert (await at.heard.until(TurnEnded, before)).status == "interrupted"
            assert (await at.turn("{{text: still here}}")).status == "ok"

    asyncio.run(main())


def test_words_in_the_middle_of_a_turn_are_taken_and_come_back_when_none_runs(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as at:
            await at.start("one")
            before = await at.say("{{bash: sleep 1}}{{text: done}}")
            await at.heard.until(ToolCalled, before)
            await at.tell(Steer(message=("second", "{{text: steered}}")))
            assert (await at.heard.until(TurnEnded, before)).status == "ok"
            assert {event.id for event in at.heard_of(Taken)} == {"m1", "second"}
            assert "steered" in at.heard.text()
            assert (await at.heard.until(Untaken, await at.tell(Steer(message=("late", "x"))))).id == "late"

    asyncio.run(main())


def test_resumed_and_forked_conversations_remember_and_a_lost_one_begins_anew(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as at:
            first = await at.start("one")
            await at.turn("{{text: the fox}}")
            resumed = await at.start("two", resume=first.native)
            assert resumed.native == first.native
            ended = await at.turn("{{text: the hare}}")
            assert "the fox" in prompts(at.model)
            assert ended.usage == [Usage(model=MODEL, input=12, output=9, cache_read=100)]
            forked = await at.start("three", resume=first.native, fork=True)
            assert forked.native not in ("", first.native)
            await at.turn("{{text: the owl}}")
            assert "the hare" in prompts(at.model)
            lost = await at.start("four", resume="01a20000-0000-7000-8000-000000000000")
            assert lost.native
            assert [remark.level for remark in at.heard_of(Remarked)] == ["warning"]
            assert (await at.turn("{{text: anew}}")).status == "ok"
            assert "the fox" not in prompts(at.model)

    asyncio.run(main())


def test_a_conversation_without_a_finished_turn_is_begun_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as at:
            first = await at.start("one")
            await at.start("two", resume=first.native)
            assert (await at.turn("{{text: here}}")).status == "ok"

    asyncio.run(main())


def test_after_skuld_began_anew_the_running_turn_can_still_be_steered_and_interrupted(tmp_path: Path) -> None:
    async def main() -> None:
        agent = CodexAgent(CodexSettings())
        with working(tmp_path) as (job, _):
            async with shim(tmp_path):
                async with skuld(tmp_path) as transports:
                    first = Listener(transports.make("shim", "s1", "secret"))
                    async with asyncio.TaskGroup() as tasks:
                        listening = tasks.create_task(first.listen(), name="listen")
                        await first.transport.start("run", agent.launch(job), agent.dialect(job))
                        await first.transport.tell(1, Say(messages=[("m1", "{{bash: sleep 3}}{{slow: 200 0.1}}")]))
                        await first.until(ToolCalled)
                        native = (await first.until(Ready)).native
                        listening.cancel()
                async with skuld(tmp_path) as transports, asyncio.TaskGroup() as tasks:
                    second = Listener(transports.make("shim", "s1", "secret"))
                    tasks.create_task(second.listen(), name="listen")
                    dialect = agent.dialect(replace(job, native=native))
                    assert await second.transport.adopt("run", dialect, first.lines[-1]) == 1
                    await second.transport.tell(2, Steer(message=("m2", "{{slow: 200 0.1}}")))
                    assert await second.until(Taken) == Taken(id="m2")
                    await second.until(TextDelta)
                    await second.transport.tell(3, Break(number=3))
                    ended = await second.until(TurnEnded)
                    assert (ended.status, {usage.model for usage in ended.usage}) == ("interrupted", {MODEL})
                    await second.transport.tell(4, Say(messages=[("m3", "{{text: still here}}")]))
                    while "still here" not in second.text():
                        await second.until(TextDone, len(second.events))
                    await second.transport.stop(3)

    asyncio.run(main())


def test_model_mode_and_thinking_change_between_turns(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as at:
            await at.start("one", thinking="low")
            await at.turn("{{text: one}}")
            assert at.model.requests[-1]["reasoning"]["effort"] == "low"
            assert (await at.adjusted(model="gpt-6-sol")).model == "gpt-6-sol"
            assert (await at.adjusted(thinking="high")).thinking == "high"
            assert (await at.adjusted(mode="full-access")).mode == "full-access"
            ended = await at.turn("{{text: two}}")
            assert (at.model.requests[-1]["model"], at.model.requests[-1]["reasoning"]["effort"]) == ("gpt-6-sol", "high")
            assert [usage.model for usage in ended.usage] == ["gpt-6-sol"]
            assert (await at.adjusted(model=MODEL)).model == MODEL
            await at.turn("{{bash: touch ../beyond.txt}}{{text: two}}")
            assert (tmp_path / "beyond.txt").exists()
            assert not at.heard_of(Asked)
            assert (await at.adjusted(mode="read-only")).mode == "read-only"

    asyncio.run(main())


def test_an_image_reaches_the_model_and_another_file_is_named(tmp_path: Path) -> None:
    picture, text = tmp_path / "dot.png", tmp_path / "notes.txt"
    picture.write_bytes(base64.b64decode(PIXEL))
    text.write_text("notes")
    files: Sequence[Attached] = [
        Attached(about=Attachment(id="1", name="dot.png", media_type="image/png", size=70), path=str(picture), data=PIXEL),
        Attached(about=Attachment(id="2", name="notes.txt", media_type="text/plain", size=5), path=str(text)),
    ]

    async def main() -> None:
        async with desk(tmp_path) as at:
            await at.start("one")
            assert (await at.turn("{{text: seen}}", *files)).status == "ok"
            assert "data:image/png;base64," in prompts(at.model)
            assert f"Attached file: {text}" in prompts(at.model)

    asyncio.run(main())


def test_an_error_of_the_model_comes_with_a_remedy(tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as at:
            await at.start("one")
            ended = await at.turn("{{error: 401 invalid_api_key Incorrect API key provided}}")
            assert (ended.status, "Incorrect API key" in ended.error, "codex login" in ended.hint) == ("failed", True, True)
            assert (await at.turn("{{text: better}}")).status == "ok"

    asyncio.run(main())
