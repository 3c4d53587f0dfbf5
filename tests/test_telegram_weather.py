"""Telegram out of reach, slow, taken, or with strangers in it; Skuld begun anew in the middle."""

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from volundr_telegram import TelegramSettings, make

from tests.skuld_kit import World, until
from tests.telegram_api import OWNER, TOKEN, Refused, telegram_api
from tests.test_telegram import bash, everything_logged, rig, scene, text
from volundr.broker.channels.lounge import Lounge
from volundr.broker.events import Answer, Ready, Say, TurnEnded
from volundr.domain.errors import Invalid

STRANGER, OTHER = 666, 101

__all__: Sequence[str] = ("everything_logged",)


def lines(caplog: pytest.LogCaptureFixture, words: str) -> int:
    return sum(words in record.getMessage() for record in caplog.records)


def test_a_stranger_gets_one_refusal_with_the_chats_id_and_nothing_else(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path) as it:
            for words in ("hello?", "/status", "/use alpha", "let me in"):
                it.api.say(words, chat=STRANGER)
            await it.working("mine")
            it.agent.say(bash("p1", "ls"))
            asked = await it.api.find("Bash: ls")
            asked.chat = STRANGER
            it.api.press(asked, asked.data("Allow once"))
            await until(lambda: not it.api.updates)
            assert it.api.texts(STRANGER)[0] == (
                "This bot serves its owner. To let this chat in, add 666 to `chats` in [channels.telegram]."
            )
            assert len([one for one in it.api.messages if one.chat == STRANGER]) == 2, "the refusal, and the moved question"
            assert not any(isinstance(told, Answer) for told in it.agent.told.values())

    asyncio.run(main())


def test_a_bot_without_chats_says_the_id_that_the_owner_needs(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path, chats=()) as it:
            it.api.say("hi")
            await it.api.find(f"add {OWNER} to")

    asyncio.run(main())


def test_telegrams_wish_for_a_pause_is_granted_and_nothing_is_lost(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path) as it:
            it.api.fail["sendMessage"] = [Refused(429, "Too Many Requests: retry after 1", retry_after=1)]
            await it.working()
            begun = asyncio.get_running_loop().time()
            it.agent.say(text("one"), TurnEnded(status="failed", error="boom <b>", hint="Try it again."))
            ended = await it.api.find("boom")
            assert ended.text == "❌ The turn failed: boom <b>\n➡️ Try it again."
            assert asyncio.get_running_loop().time() - begun >= 1
            assert [one.text for one in it.api.messages] == ["one", ended.text]

    asyncio.run(main())


def test_a_question_that_telegram_refuses_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path) as it:
            it.api.fail["sendMessage"] = [Refused(400, "Bad Request: BUTTON_DATA_INVALID")]
            await it.working()
            it.agent.say(bash("p1", "ls"))
            shown = await it.api.find("Answer it in the web UI")
            async with it.rig.client(it.session, by="bob") as browser:
                await browser.send(type="decide", id="p1", decision="allow")
                await until(lambda: "allowed by bob" in shown.text)
            it.api.fail["sendMessage"] = [Refused(403, "Forbidden: bot was blocked by the user")]
            it.agent.say(text("unheard"), TurnEnded(status="ok"))
            await it.api.find("Done")
            assert not any("unheard" in one for one in it.api.texts())

    asyncio.run(main())


def test_messages_keep_the_pace_that_is_set(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path, message_seconds=0.08, batch_seconds=0) as it:
            await it.working()
            for n in range(4):
                it.agent.say(bash(f"p{n}", f"command-{n}"))
            await it.api.find("command-3")
            gaps = [b - a for a, b in zip(it.api.times, it.api.times[1:], strict=False)]
            assert len(gaps) == 3 and min(gaps) > 0.05

    asyncio.run(main())


def test_an_outage_in_the_middle_of_a_turn_delays_and_loses_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with scene(tmp_path) as it:
            await it.working()
            it.agent.say(text("before"))
            await it.api.find("before")
            await it.api.stop()
            it.agent.say(text("during"), bash("p1", "rm x"))
            await until(lambda: lines(caplog, "does not serve us") == 1)
            it.agent.say(*(text(f"more {n}", n + 1) for n in range(5)), TurnEnded(status="ok"))
            held = it.api.say("written while nobody could be reached")
            await it.api.start()
            await it.api.find("Done")
            words = [
                word for one in it.api.messages for word in one.text.split("\n") if word.startswith(("before", "during", "more"))
            ]
            assert words == ["before", "during", *(f"more {n}" for n in range(5))]
            await until(lambda: (OWNER, held) in it.api.reactions)
            assert lines(caplog, "does not serve us") == 1 and lines(caplog, "answers again") == 1

    asyncio.run(main())


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        (Refused(401, "Unauthorized"), "refuses the bot's token"),
        (Refused(409, "Conflict: terminated"), "Another program listens"),
    ],
)
def test_a_bad_token_or_a_second_listener_is_named_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, refused: Refused, words: str
) -> None:
    async def main() -> None:
        async with telegram_api() as api:
            api.fail["getUpdates"] = [refused]
            async with rig(tmp_path, api, World()) as made:
                session = await made.new(name="alpha")
                made.world.of(session).say(Ready(native="n"))
                message = api.say("still there?")
                await until(lambda: (OWNER, message) in api.reactions)
            causes = [vars(record).get("cause", "") for record in caplog.records if "serve us" in record.getMessage()]
            assert len(causes) == 1 and words in causes[0]

    asyncio.run(main())


def test_after_a_restart_nothing_is_told_twice_and_nothing_is_missed(tmp_path: Path) -> None:
    async def main() -> None:
        world = World()
        async with telegram_api() as api:
            async with rig(tmp_path, api, world) as made:
                session = await made.new(name="alpha")
                agent = world.of(session)
                agent.say(Ready(native="n"))
                api.say("go")
                await until(lambda: any(isinstance(told, Say) for told in agent.told.values()))
                agent.say(text("first"), bash("p1", "make"))
                asked = await api.find("Bash: make")
                await until(lambda: kept(tmp_path, "messages") != {})
            agent.say(text("while Skuld was away", 1))
            api.say("said while Skuld was away")
            async with rig(tmp_path, api, world):
                await api.find("while Skuld was away")
                api.press(asked, asked.data("Allow once"))
                await until(lambda: "allowed by ann" in asked.text)
                agent.say(TurnEnded(status="ok"))
                await api.find("Done")
                texts = [one for one in api.texts() if not one.startswith("⚙")]
                assert texts == ["first", asked.text, "while Skuld was away", "✔️ Done"]
                await until(lambda: sum(isinstance(told, Say) for told in agent.told.values()) == 2)

    asyncio.run(main())


def kept(home: Path, name: str) -> object:
    path = home / "channels" / "telegram.json"
    return json.loads(path.read_text())["chats"][str(OWNER)][name] if path.exists() else {}


def test_an_update_that_comes_twice_is_stored_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path) as it, it.rig.client(it.session) as browser:
            message = it.api.say("only once", message=77)
            await until(lambda: (OWNER, message) in it.api.reactions)
            it.api.reactions.clear()
            it.api.say("only once", message=77)
            await until(lambda: (OWNER, message) in it.api.reactions)
            it.api.say("the end")
            await browser.wait("user_message", text="the end")
            assert [one["text"] for one in browser.frames if one["type"] == "user_message"] == ["only once", "the end"]

    asyncio.run(main())


def test_several_chats_and_sessions_are_told_apart(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path, chats=(OWNER, OTHER)) as it:
            second = await it.rig.new(name="beta")
            beta = it.rig.world.of(second)
            beta.say(Ready(native="n2"))
            assert {seat.name for seat in Lounge(it.rig.skuld.manager).seats()} == {"alpha", "beta"}
            it.api.say("for whom?")
            choice = await it.api.find("Which session is this for?")
            it.api.press(choice, choice.data(next(label for label in choice.labels if "beta" in label)))
            await it.api.find("goes to beta now")
            it.api.say("for beta")
            await until(lambda: any(isinstance(told, Say) for told in beta.told.values()))
            told = await it.api.find("for beta", chat=OTHER)
            assert told.text == "beta\n💬 ann (Telegram): for beta"
            it.api.say("/follow current")
            await it.api.find("its own session and all questions")
            it.api.say("/use alpha", chat=OTHER)
            await it.api.find("goes to alpha now", chat=OTHER)
            it.api.say("for alpha", chat=OTHER)
            await it.told(Say)
            it.agent.say(text("alpha speaks"), bash("p1", "alpha-command"))
            assert (await it.api.find("alpha speaks", chat=OTHER)).text == "alpha\nalpha speaks"
            both = [await it.api.find("alpha-command", chat=chat) for chat in (OWNER, OTHER)]
            assert not any("alpha speaks" in one for one in it.api.texts(OWNER)), "it follows beta alone, and questions"
            it.api.press(both[0], both[0].data("Allow once"))
            await until(lambda: all("allowed by ann" in one.text for one in both))
            await it.rig.skuld.manager.stop(second)
            it.api.say("anybody?")
            await it.api.find("Which session is this for?")

    asyncio.run(main())


def test_a_session_that_is_stopped_and_started_again_is_followed_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path) as it:
            for n in range(3):
                await it.rig.skuld.manager.stop(it.session)
                await it.rig.new(session=it.session, name="alpha")
                await until(lambda n=n: len(it.rig.world.processes[it.session]) == n + 2)  # type: ignore[misc]
                it.agent.say(Ready(native="n1"), text(f"life {n}"))
                await it.api.find(f"life {n}")
            assert [one for one in it.api.texts() if "life" in one] == ["life 0", "life 1", "life 2"]

    asyncio.run(main())


def test_only_what_is_wanted_is_shown(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path, show="questions") as it:
            await it.working()
            it.agent.say(text("chatter"), bash("p1", "ls"))
            asked = await it.api.find("ls")
            assert not asked.silent
            it.agent.say(TurnEnded(status="failed", error="boom"))
            await it.api.find("boom")
            assert not any("chatter" in one for one in it.api.texts())

    asyncio.run(main())


def test_what_cannot_be_sent_is_said_where_it_was_written(tmp_path: Path) -> None:
    async def main() -> None:
        async with scene(tmp_path) as it:
            it.api.reactions_allowed = False
            it.api.say(None)
            await it.api.find("Only text is taken here")
            message = it.api.say("with a line instead")
            receipt = await it.api.find("✓")
            assert receipt.reply_to == message
            await it.rig.skuld.manager.stop(it.session)
            it.api.say("too late")
            await it.api.find("No session runs now")

    asyncio.run(main())


def test_skuld_without_telegram_does_not_load_it() -> None:
    code = (
        "import sys; from pathlib import Path; from volundr.loader import load; load(Path('/nonexistent'), outside=False);"
        "print([name for name in sys.modules if name.startswith(('telegram', 'httpx', 'volundr_telegram.'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_a_channel_without_a_token_is_refused_with_the_way_to_one(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="has no token") as caught:
        make(TelegramSettings(), tmp_path)
    assert "@BotFather" in caught.value.hint
    assert TOKEN not in repr(TelegramSettings(token=TOKEN))


def test_the_token_may_lie_in_a_file_and_its_absence_is_told_without_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        path = tmp_path / "telegram.token"
        path.write_text(f"{TOKEN}\n")
        async with scene(tmp_path, token="", token_file=str(path)) as it:
            it.api.say("/help")
            await it.api.find("/status")
        async with telegram_api() as api, rig(tmp_path, api, World(), token="", token_file=str(tmp_path / "none")):
            await until(lambda: lines(caplog, "channel failed") == 1)
        assert logging.getLogger("httpx").level == logging.WARNING

    asyncio.run(main())
