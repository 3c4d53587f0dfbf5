"""The Telegram channel: its real library against a Bot API on loopback, a real Skuld, and scripted agents."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from volundr_telegram import TelegramSettings, make

from tests.skuld_kit import Process, Rig, ScriptedAgent, World, skuld, until
from tests.telegram_api import OWNER, TOKEN, Parsed, TelegramApi, telegram_api
from volundr.broker.events import Answer, Asked, Break, Exited, Offered, Ready, Say, TextDone, ToolCalled, ToolEnded, TurnEnded
from volundr.broker.parts import Capabilities, Choice, Rule, Usage

ABLE = Capabilities(model=True, edited_input=True)


def settings(api: TelegramApi, **more: Any) -> TelegramSettings:
    given: dict[str, Any] = {
        "token": TOKEN,
        "chats": (OWNER,),
        "base_url": api.url,
        "batch_seconds": 0.05,
        "message_seconds": 0.01,
        "poll_seconds": 1,
        "group_per_minute": 0,
    }
    return TelegramSettings(**(given | more))


@dataclass
class Scene:
    api: TelegramApi
    rig: Rig
    session: str

    @property
    def agent(self) -> Process:
        return self.rig.world.of(self.session)

    async def working(self, words: str = "begin") -> None:
        """A turn has begun because of a message from Telegram."""
        self.api.say(words)
        await until(lambda: any(isinstance(told, Say) for told in self.agent.told.values()))

    async def told[C](self, kind: type[C]) -> C:
        await until(lambda: any(isinstance(told, kind) for told in self.agent.told.values()))
        return next(told for told in reversed(self.agent.told.values()) if isinstance(told, kind))


@asynccontextmanager
async def scene(home: Path, name: str = "alpha", **more: Any) -> AsyncIterator[Scene]:
    async with telegram_api() as api, rig(home, api, World(), **more) as made:
        session = await made.new(name=name)
        made.world.of(session).say(Ready(native="n1", model="m-one"))
        await until(lambda: "getUpdates" in api.calls)
        yield Scene(api, made, session)


@asynccontextmanager
async def rig(home: Path, api: TelegramApi, world: World, **more: Any) -> AsyncIterator[Rig]:
    channels = {"telegram": make(settings(api, **more), home)}
    async with skuld(home, world=world, agent=ScriptedAgent(ABLE), channels=channels) as made:
        yield made


def text(words: str, number: int = 0) -> TextDone:
    return TextDone(id=f"m{number}", block=0, kind="text", text=words)


def bash(name: str, command: str, **more: Any) -> Asked:
    given: dict[str, Any] = {"scopes": ("once", "session", "always"), "rules": (Rule(tool="Bash", subject=command),)}
    return Asked(id=name, tool="Bash", title=f"Bash: {command}", input={"command": command}, **(given | more))


def memory(home: Path) -> Any:
    return json.loads((home / "channels" / "telegram.json").read_text())


def test_words_go_both_ways_with_a_receipt_and_the_cost(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path) as it:
            message = it.api.say("what is new?")
            said = await it.told(Say)
            assert said.messages == ((f"telegram-{OWNER}-{message}", "what is new?"),)
            await until(lambda: it.api.reactions == {(OWNER, message): "👌"})
            tools = [ToolCalled(id=f"t{n}", name="Read", title=f"Read file{n}.py", kind="read") for n in range(5)]
            it.agent.say(text("First <block> & *more*"), text("with `code` and **bold**", 1), *tools)
            it.agent.say(ToolEnded(id="t1", ok=False, output="gone"), text("That is all.", 2))
            it.agent.say(TurnEnded(status="ok", duration_ms=4200, usage=(Usage(model="m", output=3, cost_usd=0.0123),)))
            done = await it.api.find("Done")
            assert done.text == "✔️ Done (4 s, $0.0123)"
            first = await it.api.find("First")
            assert first.text == "First <block> & *more*\n\nwith code and bold"
            assert "<b>bold</b>" in first.html
            read = [one for one in it.api.messages if "file0.py" in one.text]
            assert len(read) == 1
            assert read[0].text == "• Read file0.py\n✗ Read file1.py\n• Read file2.py\n• Read file3.py\n• Read file4.py"
            assert not any("what is new?" in one for one in it.api.texts()), "its own words are not told to this chat"

    asyncio.run(main())


def test_an_answer_of_20000_characters_arrives_whole_and_in_order(tmp_path: Path) -> None:
    code = "\n".join(f"print({n}, '<&>') # {'x' * 40}" for n in range(190))
    prose = "\n\n".join(f"Paragraph {n}: {'word 🙂 ' * 60}" for n in range(20))
    whole = f"# Title\n{prose}\n\n```python\n{code}\n```\nThe end."
    assert len(whole) > 20_000

    async def main() -> None:
        async with scene(tmp_path) as it:
            await it.working()
            it.agent.say(text(whole), TurnEnded(status="ok"))
            await it.api.find("Done")
            parts = [Parsed(one.html) for one in it.api.messages if "Done" not in one.text]
            assert len(parts) > 4
            assert "".join("\n".join(pre for part in parts for pre in part.pre).split()) == "".join(code.split())
            shown = "".join("".join(part.text for part in parts).split())
            assert shown == "".join(whole.replace("# Title", "Title").replace("```python", "").replace("```", "").split())

    asyncio.run(main())


def test_permissions_are_allowed_and_denied_with_buttons(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path) as it:
            await it.working()
            it.agent.say(bash("p1", "rm -rf build", reason="to build anew"))
            asked = await it.api.find("rm -rf build")
            assert asked.labels == ["Allow once", "For this session", "Always", "Deny"]
            it.api.press(asked, asked.data("For this session"))
            assert (await it.told(Answer)).scope == "session"
            await until(lambda: "allowed for this session by ann (Telegram)" in asked.text)
            assert asked.buttons == []
            it.agent.say(bash("p2", "curl x", scopes=("once",)))
            second = await it.api.find("curl x")
            assert second.labels == ["Allow once", "Deny"]
            it.api.press(second, second.data("Deny"))
            await until(lambda: "denied by ann (Telegram)" in second.text)
            it.agent.say(bash("p3", "make"))
            third = await it.api.find("make")
            reply = it.api.say("use ninja", reply_to=third.id)
            await until(lambda: "use ninja" in third.text)
            assert (await it.told(Answer)).message == "use ninja"
            await until(lambda: (OWNER, reply) in it.api.reactions)

    asyncio.run(main())


def test_what_was_decided_elsewhere_is_shown_and_its_buttons_answer_politely(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path) as it:
            await it.working()
            it.agent.say(bash("p1", "ls"))
            asked = await it.api.find("Bash: ls")
            data = asked.data("Deny")
            async with it.rig.client(it.session, by="bob") as browser:
                await browser.send(type="decide", id="p1", decision="allow")
                await until(lambda: "allowed by bob" in asked.text and not asked.buttons)
            it.api.press(asked, data)
            it.api.press(asked, "a:0123456789ab:o")
            it.api.press(asked, "nonsense")
            await until(lambda: len(it.api.answers) == 3)
            assert "already decided by bob" in it.api.answers[0]["text"]
            assert "too old" in it.api.answers[1]["text"] and "too old" in it.api.answers[2]["text"]
            assert "allowed by bob" in asked.text
            it.agent.say(bash("p4", "pwd"))
            it.agent.say(Exited(code=1, error="it crashed"))
            withdrawn = await it.api.find("pwd")
            await until(lambda: not withdrawn.buttons)
            await it.api.find("it crashed")

    asyncio.run(main())


def test_a_choice_is_made_with_a_button_or_in_words(tmp_path: Path) -> None:
    question = {"question": "Which colour?", "options": [{"label": "Red", "description": "warm"}, {"label": "Blue"}]}

    async def main() -> None:
        async with scene(tmp_path) as it:
            await it.working()
            it.agent.say(Asked(id="q1", tool="AskUserQuestion", title="Which colour?", input={"questions": [question]}))
            asked = await it.api.find("Which colour?")
            assert asked.labels == ["Red", "Blue", "Skip"]
            it.api.press(asked, asked.data("Blue"))
            answer = await it.told(Answer)
            assert answer.input == {"questions": [question], "answers": {"Which colour?": "Blue"}}
            await until(lambda: "answered by ann (Telegram): Blue" in asked.text)
            it.agent.say(Asked(id="q2", tool="AskUserQuestion", title="Which?", input={"questions": [question]}))
            await until(lambda: len([one for one in it.api.messages if one.labels == ["Red", "Blue", "Skip"]]) == 1)
            it.api.say("Green", reply_to=it.api.messages[-1].id)
            await it.api.find("answered by ann (Telegram): Green")
            several = [question, {**question, "question": "And which shape?"}]
            it.agent.say(Asked(id="q3", tool="AskUserQuestion", title="Two", input={"questions": several}))
            assert "Answer in the web UI" in (await it.api.find("And which shape?")).text

    asyncio.run(main())


def test_commands_show_interrupt_and_choose(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path) as it:
            models = (Choice(id="m-one", label="Model One"), Choice(id="m-two", label="Model Two"))
            it.agent.say(Offered(models=models))
            it.api.say("/interrupt@forge_bot")
            await it.api.find("Nothing is running")
            await it.working("work")
            it.api.say("/interrupt")
            await it.told(Break)
            it.agent.say(TurnEnded(status="interrupted", usage=(Usage(model="m", cost_usd=0.5),)))
            await it.api.find("⏹ Interrupted")
            it.api.say("/model")
            offered = await it.api.find("m-one")
            assert offered.labels == ["Model One", "Model Two"]
            it.api.press(offered, offered.data("Model Two"))
            await it.api.find("alpha uses m-two from its next turn on.")
            it.api.say("/model none-such")
            await it.api.find("no model 'none-such'")
            it.api.say("/status")
            status = await it.api.find("this chat")
            assert "alpha" in status.text and "scripted, m-one, 1 turns, $0.5000" in status.text and "idle for 0 s" in status.text
            it.api.say("/help")
            await it.api.find("/follow current")
            message = it.api.say("/compact now")
            await until(
                lambda: any(isinstance(told, Say) and told.messages[0][1] == "/compact now" for told in it.agent.told.values())
            )
            await until(lambda: (OWNER, message) in it.api.reactions)

    asyncio.run(main())


@pytest.fixture(autouse=True)
def everything_logged(caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest) -> Any:
    """Whatever happens in these tests, the token is in no line that is logged, not even at the most talkative level, and the
    channel has no fault that it hides by starting anew."""
    caplog.set_level(logging.DEBUG)
    yield
    for record in [*caplog.get_records("setup"), *caplog.get_records("call")]:
        assert "canary-of-the-token" not in f"{logging.Formatter().format(record)} {vars(record)}"
        assert record.levelno < logging.ERROR or "absence" in request.node.name, record.getMessage()
