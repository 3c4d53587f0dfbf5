"""`kill -9` in the middle of a turn: of Skuld, of the forge, of the shim. With the demo agent and with the real Claude Code."""

import json
import os

import pytest

from tests.chat_client import Watcher
from tests.e2e.forge import Forge, wait_for
from tests.fake_models.anthropic import Endpoint
from tests.kill.watch import agent_pid, alive, asked, assert_each_record_once, attached, turn_end, with_words

pytestmark = pytest.mark.e2e

SLOW = "{{slow: 80 0.05}}"


def speaks(chat: Watcher, word: str) -> None:
    wait_for(f"the agent to say {word}", lambda: word in chat.streamed + chat.said)


def exits(chat: Watcher, count: int) -> None:
    """Skuld took note that this many runs of the agent ended."""
    wait_for("the run to end", lambda: [one["state"] for one in chat.of("agent_state")].count("exited") >= count)


def test_a_killed_skuld_costs_neither_the_agent_nor_a_record(forge: Forge, agent: str) -> None:
    session = forge.session("skuld-dies", agent=agent)
    with attached(forge, session) as chat:
        chat.say(SLOW)
        wait_for("the agent to speak", lambda: "word5 " in chat.streamed)
        before, shim = agent_pid(forge, agent), forge.pid("shim")
        killed = forge.kill("skuld")
        assert turn_end(chat, 1)["status"] == "ok"
        assert agent_pid(forge, agent) == before, "the agent was started anew"
        assert forge.pid("skuld") != killed and alive(forge.pid("skuld"))
        assert forge.pid("shim") == shim
        assert chat.client.connections > 1
        assert [chat.said.count(f"word{number} ") for number in range(80)] == [1] * 80
        chat.say("{{text: still here}}")
        assert turn_end(chat, 2)["status"] == "ok"
        assert agent_pid(forge, agent) == before
        assert_each_record_once(forge, session, chat)


def test_skuld_may_be_killed_again_and_again(forge: Forge, agent: str) -> None:
    session = forge.session("again", agent=agent)
    with attached(forge, session) as chat:
        chat.say("{{slow: 160 0.05}}")
        for word in ("word5 ", "word40 "):
            speaks(chat, word)
            forge.kill("skuld")
        assert turn_end(chat, 1)["status"] == "ok"
        assert [chat.said.count(f"word{number} ") for number in range(160)] == [1] * 160
        assert_each_record_once(forge, session, chat)


def test_a_question_that_was_open_when_skuld_died_can_be_answered(forge: Forge, agent: str) -> None:
    session = forge.session("question", agent=agent)
    with attached(forge, session) as chat:
        chat.say("{{bash: touch answered}}")
        question = asked(chat)
        forge.kill("skuld")
        wait_for("the client to be back", lambda: chat.client.connections > 1 and chat.client.attached.is_set())
        chat.decide(question["id"])
        assert turn_end(chat, 1)["status"] == "ok"
        assert (forge.home / "workspaces" / session["id"] / "answered").exists()
        assert_each_record_once(forge, session, chat)


def test_a_killed_forge_leaves_the_turn_running_and_adopts_it_again(forge: Forge, agent: str) -> None:
    session = forge.session("forge-dies", agent=agent)
    with attached(forge, session) as chat:
        chat.say(SLOW)
        wait_for("the agent to speak", lambda: "word5 " in chat.streamed)
        pids = {"skuld": forge.pid("skuld"), "shim": forge.pid("shim"), agent: agent_pid(forge, agent)}
        forge.kill("forge")
        assert all(map(alive, pids.values()))
        forge.up()
        assert turn_end(chat, 1)["status"] == "ok"
        assert {"skuld": forge.pid("skuld"), "shim": forge.pid("shim"), agent: agent_pid(forge, agent)} == pids
        assert forge.api("GET", f"/sessions/{session['id']}")["status"] == "running"
        assert chat.client.connections > 1
        assert [chat.said.count(f"word{number} ") for number in range(80)] == [1] * 80
        assert_each_record_once(forge, session, chat)


def test_a_turn_that_ended_while_the_forge_was_away_is_there_when_it_is_back(forge: Forge) -> None:
    session = forge.session("away")
    with attached(forge, session) as chat:
        chat.say("{{slow: 20 0.05}}")
        wait_for("the agent to speak", lambda: "word3 " in chat.streamed)
        forge.kill("forge")
        wait_for("the turn to end", lambda: any(one["type"] == "turn_finished" for one in forge.records(session["id"])))
        forge.up()
        assert turn_end(chat, 1)["status"] == "ok"
        wait_for("the forge to know", lambda: forge.api("GET", f"/sessions/{session['id']}")["activity"]["state"] == "idle")
        assert_each_record_once(forge, session, chat)


def test_forge_and_skuld_killed_together_cost_nothing_either(forge: Forge, agent: str) -> None:
    session = forge.session("both-die", agent=agent)
    with attached(forge, session) as chat:
        chat.say(SLOW)
        wait_for("the agent to speak", lambda: "word5 " in chat.streamed)
        before = agent_pid(forge, agent)
        forge.kill("forge")
        forge.kill("skuld")
        forge.up()
        assert turn_end(chat, 1)["status"] == "ok"
        assert agent_pid(forge, agent) == before
        assert_each_record_once(forge, session, chat)


def test_a_killed_shim_takes_the_agent_along_and_the_next_message_resumes(forge: Forge, model: Endpoint, agent: str) -> None:
    session = forge.session("shim-dies", agent=agent)
    number = str(900_000 + os.getpid())
    with attached(forge, session) as chat:
        chat.say("{{text: the word is heron}}")
        assert turn_end(chat, 1)["status"] == "ok"
        chat.say(f"{{{{bash: setsid sleep {number} >/dev/null 2>&1 & echo begun}}}} {{{{slow: 400 0.05}}}}")
        chat.decide(asked(chat)["id"])
        wait_for("the agent to speak after its command", lambda: "word5 " in chat.streamed)
        assert with_words("sleep", number)
        first = agent_pid(forge, agent)
        forge.kill("shim")
        end = turn_end(chat, 2)
        assert end["status"] == "interrupted", end
        wait_for("the agent's tree to be gone", lambda: not alive(first) and not with_words("sleep", number), 10)
        chat.say("What did I say?")
        assert turn_end(chat, 3)["status"] == "ok"
        assert agent_pid(forge, agent) != first
        if agent == "demo":
            assert "heron" in chat.of("agent_message")[-1]["text"]
        else:
            assert "the word is heron" in json.dumps(model.requests[-1]["messages"])
        assert forge.api("GET", f"/sessions/{session['id']}")["status"] == "running"
        assert_each_record_once(forge, session, chat)


def test_what_is_said_before_there_is_another_shim_waits_for_it(forge: Forge) -> None:
    session = forge.session("at-once")
    with attached(forge, session) as chat:
        for turn in (1, 2, 3):
            forge.kill("shim")
            exits(chat, turn)
            chat.say(f"{{{{text: answer {turn}}}}}")
            assert turn_end(chat, turn)["status"] == "ok"
            assert f"answer {turn}" in chat.said
            forge.until(session["id"], "running")
        assert_each_record_once(forge, session, chat)
