"""opencode in a whole forge: whoever is killed, nothing is lost and nothing comes twice."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.forge import AGENTS, Forge, forge_at, wait_for
from tests.fake_models.openai import serving
from tests.kill.watch import alive, asked, assert_each_record_once, attached, turn_end
from tests.test_acp_opencode import config

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not (AGENTS / "opencode").exists(), reason="`npm ci` in tests/agents installs opencode"),
]


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[Forge]:
    settings = tmp_path / "home/person/.config/opencode"
    settings.mkdir(parents=True)
    (tmp_path / "home").chmod(0o700)
    with serving() as model:
        (settings / "opencode.json").write_text(config(model.url))
        quiet = {"OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_LSP_DOWNLOAD": "1"}
        with forge_at(tmp_path / "home", **quiet) as up:
            yield up


def test_killed_skuld_and_killed_agent_in_the_middle_of_words_and_of_a_question(forge: Forge) -> None:
    session = forge.session("heron", agent="opencode")
    with attached(forge, session) as chat:
        chat.say("{{slow: 120 0.05}}")
        wait_for("the agent to speak", lambda: "word5 " in chat.streamed, 60)
        (before,) = [pid for pid, command in forge.processes().items() if command.rstrip().endswith("opencode acp")][-1:]
        forge.kill("skuld")
        assert turn_end(chat, 1)["status"] == "ok"
        assert [chat.said.count(f"word{number} ") for number in range(120)] == [1] * 120
        assert alive(before)

        chat.say("{{bash: touch answered}}")
        question = asked(chat)
        connections = chat.client.connections
        forge.kill("skuld")
        wait_for("the client to be back", lambda: chat.client.connections > connections and chat.client.attached.is_set())
        chat.decide(question["id"])
        assert turn_end(chat, 2)["status"] == "ok"
        assert (forge.home / "workspaces" / session["id"] / "answered").exists()

        os.kill(before, 9)
        wait_for("Skuld to take note", lambda: "exited" in [one["state"] for one in chat.of("agent_state")])
        chat.say("{{text: and on}}")
        assert turn_end(chat, 3)["status"] == "ok"
        native = {one["native"] for one in chat.of("agent_state") if one["native"]}
        assert len(native) == 1, "it goes on in the same conversation"
        assert_each_record_once(forge, session, chat)
