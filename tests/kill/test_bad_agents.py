"""Agents that die, hang, flood or babble: the cause is on the session, and the session can be stopped and deleted."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.forge import Forge, forge_at, wait_for
from tests.kill.watch import assert_each_record_once, attached, turn_end, with_words

pytestmark = pytest.mark.e2e

BEGIN = """#!/usr/bin/env python3
import json, os, signal, sys, time
if "--version" in sys.argv:
    print("2.0.0 (Claude Code)")
    raise SystemExit
def put(**line):
    sys.stdout.write(json.dumps(line) + "\\n")
    sys.stdout.flush()
def turns():
    for text in sys.stdin:
        said = json.loads(text)
        if said["type"] == "control_request":
            put(type="control_response", response={"subtype": "success", "request_id": said["request_id"], "response": {}})
        if said["type"] == "user":
            put(type="system", subtype="init", session_id="11111111-2222-4333-8444-555555555555", model="fake", cwd=os.getcwd())
            yield said
def say(text):
    message = {"id": "m%f" % time.time(), "role": "assistant", "model": "fake", "content": [{"type": "text", "text": text}]}
    put(type="assistant", message=message, parent_tool_use_id=None)
def done():
    put(type="result", subtype="success", is_error=False, duration_ms=1, num_turns=1, modelUsage={})
"""
DIES = "sys.stderr.write('The licence of this agent ran out.\\n'); sys.exit(3)\n"
DIES_IN_A_TURN = "for said in turns():\n    sys.stderr.write('Out of ideas.\\n'); sys.stderr.flush(); os._exit(4)\n"
STALLS = "for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(number, signal.SIG_IGN)\n"
STALLS += "while True: time.sleep(1)\n"
STALLS_IN_A_TURN = "for said in turns():\n    say('thinking about it')\n    time.sleep(10000)\n"
LONG_LINE = "for said in turns():\n    say('z' * 20_000_000)\n    done()\n"
GARBAGE = """
for said in turns():
    sys.stdout.buffer.write(b"\\x00\\xff\\xfe{{{not json\\n" + bytes(range(256)) * 40 + b"\\n[1,2]\\nnull\\n\\"text\\"\\n")
    sys.stdout.buffer.write(b'{"type":"assistant"}\\n{"type":7}\\n{"type":"result","subtype":[]}\\n')
    sys.stdout.flush()
    say("in spite of it")
    done()
"""


@contextmanager
def forge_with(home: Path, script: str) -> Iterator[Forge]:
    """A forge whose agent `claude` is this script."""
    home.mkdir(mode=0o700)
    program = home / "agent.py"
    program.write_text(BEGIN + script)
    program.chmod(0o755)
    (home / "config.toml").write_text(f'[agents.claude]\ncommand = "{program}"\n')
    with forge_at(home) as forge:
        yield forge


def stop_and_delete(forge: Forge, session: dict[str, Any]) -> float:
    """Returns how long the stop took."""
    begun = time.monotonic()
    forge.api("POST", f"/sessions/{session['id']}/stop")
    forge.until(session["id"], "stopped")
    spent = time.monotonic() - begun
    assert not with_words(str(forge.home / "agent.py"))
    forge.api("DELETE", f"/sessions/{session['id']}")
    assert all(one["id"] != session["id"] for one in forge.api("GET", "/sessions")["items"])
    assert not (forge.home / "sessions" / session["id"]).exists()
    return spent


def test_an_agent_that_dies_at_once_says_why_on_the_session(tmp_path: Path) -> None:
    with forge_with(tmp_path / "home", DIES) as forge:
        session = forge.api("POST", "/sessions", {"name": "dies", "agent": "claude"})
        failed = forge.until(session["id"], "failed")
        assert "The licence of this agent ran out." in failed["error"]
        assert "The licence of this agent ran out." in forge.cli("sessions", "show", "dies", check=False)
        stop_and_delete(forge, session)


def test_an_agent_that_dies_in_a_turn_fails_the_turn_with_its_last_words(tmp_path: Path) -> None:
    with forge_with(tmp_path / "home", DIES_IN_A_TURN) as forge:
        session = forge.session("dies-later", agent="claude")
        with attached(forge, session) as chat:
            chat.say("go on")
            end = turn_end(chat, 1)
            assert end["status"] in {"failed", "interrupted"}
            wait_for("the cause", lambda: "Out of ideas." in str(chat.of("turn_finished", "agent_state", "notice")))
            assert_each_record_once(forge, session, chat)
        stop_and_delete(forge, session)


def test_an_agent_that_never_speaks_and_ignores_signals_is_stopped_all_the_same(tmp_path: Path) -> None:
    with forge_with(tmp_path / "home", STALLS) as forge:
        session = forge.api("POST", "/sessions", {"name": "mute", "agent": "claude"})
        wait_for("the agent to run", lambda: with_words(str(forge.home / "agent.py")))
        wait_for("a step that says so", lambda: _state(forge, session)["status"] in {"provisioning", "running"})
        assert stop_and_delete(forge, session) < 15


def test_an_agent_that_stalls_in_a_turn_can_be_stopped_and_the_turn_is_interrupted(tmp_path: Path) -> None:
    with forge_with(tmp_path / "home", STALLS_IN_A_TURN) as forge:
        session = forge.session("stalls", agent="claude")
        with attached(forge, session) as chat:
            chat.say("take your time")
            wait_for("the agent to speak", lambda: "thinking about it" in chat.said)
            chat.interrupt()
            begun = time.monotonic()
            forge.api("POST", f"/sessions/{session['id']}/stop")
            forge.until(session["id"], "stopped")
            assert time.monotonic() - begun < 15
            assert forge.records(session["id"])[-2:][0]["type"] in {"turn_finished", "agent_state"}
            turns = [record for record in forge.records(session["id"]) if record["type"] == "turn_finished"]
            assert [turn["status"] for turn in turns] == ["interrupted"]
        stop_and_delete(forge, session)


def test_a_line_of_20_megabytes_arrives_whole(tmp_path: Path) -> None:
    with forge_with(tmp_path / "home", LONG_LINE) as forge:
        session = forge.session("long", agent="claude")
        with attached(forge, session) as chat:
            chat.say("say it")
            assert turn_end(chat, 1, 60)["status"] == "ok"
            assert len(chat.said) == 20_000_000
            chat.say("again")
            assert turn_end(chat, 2, 60)["status"] == "ok"
            assert_each_record_once(forge, session, chat)
        stop_and_delete(forge, session)


def test_garbage_costs_nothing_that_is_none(tmp_path: Path) -> None:
    with forge_with(tmp_path / "home", GARBAGE) as forge:
        session = forge.session("garbage", agent="claude")
        with attached(forge, session) as chat:
            chat.say("babble")
            assert turn_end(chat, 1)["status"] == "ok"
            assert "in spite of it" in chat.said
            assert chat.of("notice") or "{{{not json" in str(forge.api("GET", f"/sessions/{session['id']}/logs")), (
                "it is not said"
            )
            assert_each_record_once(forge, session, chat)
        stop_and_delete(forge, session)


def _state(forge: Forge, session: dict[str, Any]) -> dict[str, Any]:
    return dict(forge.api("GET", f"/sessions/{session['id']}"))
