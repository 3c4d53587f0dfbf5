"""Codex as an agent: its program, modes, tokens, remedies, and the wire of `codex exec` against recorded lines."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from volundr_codex import modes, program, usage
from volundr_codex.exec import ExecDialect

from tests.codex_lines import AGENT, JOB, decoded, only, recorded
from volundr.broker.events import (
    Break,
    Ready,
    Say,
    Taken,
    ToolCalled,
    ToolEnded,
    TurnEnded,
)
from volundr.broker.parts import Usage
from volundr.domain.errors import Invalid, Unavailable
from volundr.registry import Adapters


def test_exec_is_whole_items_with_names_of_their_own_in_every_process() -> None:
    job = replace(JOB, model="gpt-5.5", per_message=True)
    first, second = (ExecDialect(job, AGENT.hint, usage.Tokens()) for _ in range(2))
    assert first.encode(Say(messages=[("a", "one\ntwo")])) == ["one", "two"]
    assert (first.after(Say(messages=[("a", "x")])), first.after(Break(number=1))) == ("close", "interrupt")
    events = decoded(recorded("codex_exec_1"), first)
    assert only(events, Ready) == [Ready(native=only(events, Ready)[0].native, model="gpt-5.5", mode="auto")]
    assert only(events, Taken) == [Taken(id="a")]
    assert [call.title for call in only(events, ToolCalled)] == ["Shell: echo hi; exit 3", "Write b.txt"]
    assert [(end.ok, end.output) for end in only(events, ToolEnded)] == [(False, "hi\n"), (True, "")]
    assert only(events, TurnEnded)[0].usage == [Usage(model="gpt-5.5", input=36, output=24, cache_read=300)]
    again = decoded(recorded("codex_exec_1"), second)
    assert not {one.id for one in only(events, ToolCalled)} & {one.id for one in only(again, ToolCalled)}


def test_exec_counts_a_resumed_turn_from_what_was_there_or_not_at_all() -> None:
    before = usage.Tokens(input=336, cached=300, output=24)
    known = decoded(recorded("codex_exec_2"), ExecDialect(JOB, AGENT.hint, before))
    assert only(known, TurnEnded)[0].usage == [Usage(model="", input=12, output=8, cache_read=100)]
    unknown = decoded(recorded("codex_exec_2"), ExecDialect(JOB, AGENT.hint, None))
    assert only(unknown, TurnEnded)[0].usage == ()


def test_exec_fails_with_a_remedy_and_says_it_once() -> None:
    (ended,) = decoded(recorded("codex_exec_3"), ExecDialect(JOB, AGENT.hint, None))[-1:]
    assert isinstance(ended, TurnEnded)
    assert (ended.status, "codex login" in ended.hint) == ("failed", True)


def test_the_sum_of_a_conversation_is_read_from_its_rollout(tmp_path: Path) -> None:
    folder = tmp_path / "sessions/2026/01/02"
    folder.mkdir(parents=True)
    counts = {"input_tokens": 7, "output_tokens": 1}
    line = json.dumps({"type": "event_msg", "payload": {"type": "token_count", "info": {"total_token_usage": counts}}})
    filler = json.dumps({"type": "response_item", "payload": "x" * 1000})
    rollout = folder / "rollout-2026-01-02T00-00-00-abc.jsonl"
    rollout.write_text("\n".join([line.replace("7", "3"), line, *[filler] * 600, ""]))
    assert usage.last_sum(tmp_path, "abc") == usage.Tokens(input=7, output=1)
    assert usage.last_sum(tmp_path, "other") is None
    rollout.write_text(filler)
    assert usage.last_sum(tmp_path, "abc") == usage.Tokens()


def test_a_mode_is_two_settings_and_back() -> None:
    for name, mode in modes.MODES.items():
        assert modes.named(mode.approval, mode.policy) == name
    assert modes.named("untrusted", {"type": "readOnly"}) == ""
    assert "ask" not in [choice.id for choice in modes.choices(alone=True)]
    assert (modes.checked(""), modes.checked("", alone=True)) == ("ask", "auto")
    for wrong, alone in (("yolo", False), ("ask", True)):
        with pytest.raises(Invalid):
            modes.checked(wrong, alone=alone)


def npm_codex(folder: Path) -> Path:
    """As npm installs it, with both programs empty scripts."""
    scope = folder / "node_modules/@openai"
    launcher = scope / "codex/bin/codex.js"
    launcher.parent.mkdir(parents=True)
    launcher.write_text("#!/bin/sh\necho codex-cli 9.8.7\n")
    launcher.chmod(0o755)
    link = folder / "node_modules/.bin/codex"
    link.parent.mkdir()
    link.symlink_to(launcher)
    return link


def test_the_program_behind_npms_launcher_is_preferred(tmp_path: Path) -> None:
    link = npm_codex(tmp_path)
    env = {"PATH": f"{link.parent}{os.pathsep}{os.environ['PATH']}"}
    assert program.found("codex", env) == str(link)
    found = AGENT.find(env)
    assert (found.available, found.version, found.path) == (True, "9.8.7", str(link))
    name, triple = program.names()
    native = tmp_path / "node_modules/@openai" / name / "vendor" / triple / "bin/codex"
    native.parent.mkdir(parents=True)
    native.write_text("#!/bin/sh\n")
    native.chmod(0o755)
    assert program.found("codex", env) == str(native)
    launch = AGENT.launch(replace(JOB, env={**env, "VOLUNDR_KEY": "secret"}))
    assert list(launch.argv) == [str(native), "app-server"]
    assert "VOLUNDR_KEY" not in launch.env
    once = AGENT.launch(replace(JOB, env=env, per_message=True, resume="abc", mode="read-only", model="m"))
    assert list(once.argv[1:]) == [
        *("exec", "--json", "--skip-git-repo-check", "-s", "read-only", "-c", 'approval_policy="never"'),
        *("-m", "m", "resume", "abc", "-"),
    ]


def test_a_missing_program_is_named_with_what_to_do() -> None:
    found = AGENT.find({"PATH": "/nowhere"})
    assert (found.available, "npm install -g @openai/codex" in found.hint) == (False, True)
    with pytest.raises(Unavailable):
        AGENT.launch(replace(JOB, env={"PATH": "/nowhere"}))


@pytest.mark.parametrize(
    ("error", "word"),
    [
        ("unexpected status 401 Unauthorized: Incorrect API key provided", "codex login"),
        ("Missing environment variable: `OPENAI_API_KEY`.", "OPENAI_API_KEY"),
        ("You've hit your usage limit.", "limit"),
        ("error sending request for url (http://127.0.0.1:1/v1)", "network"),
        ("Something else", ""),
    ],
)
def test_errors_have_remedies(error: str, word: str) -> None:
    assert word in AGENT.hint(error)
    assert bool(AGENT.hint(error)) == bool(word)


def test_the_plugin_offers_codex(tmp_path: Path) -> None:
    import volundr_codex

    adapters = Adapters(tmp_path)
    volundr_codex.volundr_adapters(adapters)
    assert AGENT.can("per_message").per_message
    assert AGENT.can("shim").steer
    assert not AGENT.lost("unauthorized")
