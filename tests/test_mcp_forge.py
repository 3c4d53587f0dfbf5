"""Tool servers in a whole forge, with the real Claude Code: from the settings file to a call, and no secret left behind."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.forge import AGENTS, Forge, forge_at, wait_for
from tests.fake_models.anthropic import serving
from tests.kill.watch import asked, attached, turn_end

CANARY = "canary-c04e"
CALL = '{{tool: mcp__box__echo {"text": "hi"}}}{{text: ok}}'
CONFIG = """
[mcp_servers.box]
command = "{python}"
args = ["{program}"]
env = {{ BOX_TOKEN = "${{credential:box.api_key}} ${{secret:shared.token}}", BOX_FILE = "{told}" }}
"""

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not (AGENTS / "claude").exists(), reason="`npm ci` in tests/agents installs the agents"),
]


def tools_offered(requests: list[Any]) -> set[str]:
    return {tool["name"] for request in requests for tool in request.get("tools", ()) if tool["name"].startswith("mcp__")}


def holding(folder: Path, text: str) -> list[Path]:
    """Files below that have it."""
    found = []
    for file in folder.rglob("*"):
        try:
            if file.is_file() and text.encode() in file.read_bytes():
                found.append(file)
        except OSError:  # gone meanwhile, or no file to read
            continue
    return found


def kept(forge: Forge) -> None:
    forge.api("PUT", "/credentials/box", {"type": "api_key", "values": {"api_key": CANARY}})
    forge.api("PUT", "/secrets/shared", {"values": {"token": CANARY}})


def test_a_session_calls_a_server_it_chose_and_its_secrets_are_gone_when_it_stops(tmp_path: Path) -> None:
    home, told = tmp_path / "home", tmp_path / "told"
    home.mkdir(mode=0o700)
    program = Path(__file__).parent / "tool_server.py"
    (home / "config.toml").write_text(CONFIG.format(python=sys.executable, program=program, told=told))
    with serving() as model, forge_at(home, ANTHROPIC_BASE_URL=model.url, ANTHROPIC_API_KEY="fake") as forge:
        kept(forge)
        plain = forge.session("plain", agent="claude")
        with attached(forge, plain) as chat:
            chat.say("{{text: hello}}")
            turn_end(chat, 1)
        assert not tools_offered(model.requests), "who chose no server has none"

        session = forge.session("heron", agent="claude", options={"mcp_servers": ["box"]})
        with attached(forge, session) as chat:
            chat.say(CALL)
            chat.decide(asked(chat)["id"])
            assert turn_end(chat, 1)["status"] == "ok"
            assert told.read_text() == f"{CANARY} {CANARY}"
            assert tools_offered(model.requests) == {"mcp__box__echo"}
            told.unlink()
            connections = chat.client.connections
            forge.kill("skuld")
            wait_for("the client to be back", lambda: chat.client.connections > connections and chat.client.attached.is_set())
            os.kill(min(forge.agents(session["id"])), 9)
            wait_for("Skuld to take note", lambda: "exited" in [one["state"] for one in chat.of("agent_state")])
            chat.say(CALL)
            chat.decide(asked(chat, 2)["id"])
            assert turn_end(chat, 2)["status"] == "ok"
            assert told.read_text() == f"{CANARY} {CANARY}", "a new Skuld starts a new agent with its servers"

        assert not any(CANARY in command for command in forge.processes().values())
        own = home / "sessions" / session["id"]
        assert {file.relative_to(own).as_posix() for file in holding(home, CANARY)} == {"spec.json", "mounts/mcp.json"}
        assert {oct(file.stat().st_mode)[-3:] for file in holding(own, CANARY)} == {"600"}
        assert CANARY not in json.dumps(model.requests)
        forge.api("POST", f"/sessions/{session['id']}/stop")
        forge.until(session["id"], "stopped")
        assert holding(home, CANARY) == []
