"""`kill -9` of the agent itself, of everything at once, and of Skuld more often than anybody would."""

import os
import signal

import pytest

from tests.e2e.forge import Forge, wait_for
from tests.kill.watch import agent_pid, assert_each_record_once, attached, turn_end

pytestmark = pytest.mark.e2e


def test_a_killed_agent_ends_its_turn_with_the_cause_and_the_next_message_resumes(forge: Forge, agent: str) -> None:
    session = forge.session("agent-dies", agent=agent)
    with attached(forge, session) as chat:
        chat.say("{{slow: 400 0.05}}")
        wait_for("the agent to speak", lambda: "word5 " in chat.streamed)
        os.kill(agent_pid(forge, agent), signal.SIGKILL)
        end = turn_end(chat, 1)
        assert end["status"] != "ok" and end["error"], end
        chat.say("{{text: here again}}")
        assert turn_end(chat, 2)["status"] == "ok"
        assert_each_record_once(forge, session, chat)


def test_all_killed_at_once_interrupts_the_turn_and_the_next_message_resumes(forge: Forge, agent: str) -> None:
    session = forge.session("all-die", agent=agent)
    with attached(forge, session) as chat:
        chat.say("{{slow: 400 0.05}}")
        wait_for("the agent to speak", lambda: "word5 " in chat.streamed)
        for role in ("skuld", "shim", "forge"):
            forge.kill(role)
        forge.up()
        assert turn_end(chat, 1)["status"] == "interrupted"
        chat.say("{{text: here again}}")
        assert turn_end(chat, 2)["status"] == "ok"
        assert_each_record_once(forge, session, chat)


def test_five_messages_through_five_kills_are_answered_once_each(forge: Forge) -> None:
    session = forge.session("five")
    with attached(forge, session) as chat:
        for number in range(1, 6):
            chat.say(f"{{{{slow: 5 0.02}}}} {{{{text: answer {number}}}}}")
            forge.kill("skuld")
            assert turn_end(chat, number)["status"] == "ok"
        assert [text for text in chat.said.split("\n") if text.startswith("answer")] == [f"answer {n}" for n in range(1, 6)]
        assert_each_record_once(forge, session, chat)
