"""Codex's two wires, against lines that the real program (0.169.0) printed: see tests/recordings/."""

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from volundr_codex import CodexAgent, CodexSettings, items, modes, program, questions, usage
from volundr_codex.app_server import FORGOTTEN, AppServerDialect
from volundr_codex.exec import ExecDialect
from volundr_codex.thread import UNSAID, Thread

from volundr.broker.events import (
    Adjust,
    AgentEvent,
    Answer,
    Asked,
    Break,
    Offered,
    Planned,
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
    Withdrawn,
)
from volundr.broker.parts import Rule, Task, Usage
from volundr.broker.transports.transport import Dialect, Job
from volundr.domain.errors import Invalid, Unavailable
from volundr.registry import Adapters

RECORDINGS = Path(__file__).parent / "recordings"
AGENT = CodexAgent(CodexSettings())
JOB = Job(session="s", cwd=Path("/project/work"))
THREAD = "01a206ce-633c-71b0-9d66-0b8b5482e4b0"


def recorded(name: str) -> list[str]:
    lines = (RECORDINGS / f"{name}.ndjson").read_text("utf-8").splitlines()
    return [line[2:] for line in lines if line.startswith("<")]


def opened(job: Job = JOB) -> AppServerDialect:
    dialect = AppServerDialect(job, job.model, AGENT.hint, AGENT.lost)
    dialect.opening()
    return dialect


def decoded(lines: Sequence[str], dialect: Dialect) -> list[AgentEvent]:
    return [event for line in lines for event in dialect.decode(line)]


def only[E](events: Sequence[AgentEvent], kind: type[E]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def said(line: str) -> Any:
    return json.loads(line)


def running(turn: str | None = "t1", native: str = THREAD) -> AppServerDialect:
    """In the middle, as after a restart of Skuld; a turn of this id is known to run."""
    dialect = AppServerDialect(replace(JOB, native=native), "", AGENT.hint, AGENT.lost)
    if turn is not None:
        notified(dialect, "turn/started", turn={"id": turn})
        dialect.replies()  # it asks for what an earlier instance knew
    return dialect


def notified(dialect: Dialect, method: str, **params: Any) -> list[AgentEvent]:
    return list(dialect.decode(json.dumps({"method": method, "params": {"threadId": THREAD, **params}})))


@pytest.fixture
def whole() -> list[AgentEvent]:
    return decoded(recorded("codex_app_server"), opened())


def test_the_handshake_is_one_step_after_the_other() -> None:
    dialect = opened(replace(JOB, model="gpt-5.5", mode="auto", thinking="high", system_prompt="Be brief."))
    (first,) = dialect.opening()
    assert said(first)["method"] == "initialize"
    dialect.decode('{"id":"open","result":{}}')
    lines = [said(line) for line in dialect.replies()]
    assert [line["method"] for line in lines] == ["initialized", "thread/start", "model/list", "skills/list"]
    assert lines[1]["params"] == {
        "cwd": "/project/work",
        "approvalPolicy": "never",
        "sandbox": "workspace-write",
        "model": "gpt-5.5",
        "developerInstructions": "Be brief.",
        "config": {"model_reasoning_effort": "high"},
    }
    assert dialect.replies() == []


def test_what_is_said_before_there_is_a_conversation_is_said_once_there_is() -> None:
    dialect = opened()
    (kept,) = dialect.encode(Say(messages=[("a", "hi"), ("b", "there")]))
    assert "turn/start" not in kept
    assert dialect.decode('{"id":"kept","error":{"code":-32600,"message":"Not initialized"}}') == ()
    dialect.encode(Adjust(number=3, thinking="low"))
    lines = recorded("codex_app_server")
    decoded([line for line in lines if '"id":"thread"' in line[:20]], dialect)
    turn, adjust = (said(line) for line in dialect.replies())
    assert (turn["method"], turn["params"]["threadId"]) == ("turn/start", THREAD)
    assert [part["text"] for part in turn["params"]["input"]] == ["hi", "there"]
    assert (adjust["method"], adjust["params"]["effort"]) == ("thread/settings/update", "low")
    item = {"type": "userMessage", "id": "u", "clientId": turn["params"]["clientUserMessageId"], "content": []}
    assert notified(dialect, "item/started", item=item, turnId="t") == [Taken(id="a"), Taken(id="b")]
    fresh = running()
    assert notified(fresh, "item/started", item=item, turnId="t") == [Taken(id="a"), Taken(id="b")]


def test_a_real_conversation_says_who_it_is_and_what_it_offers(whole: list[AgentEvent]) -> None:
    first, second, *_ = only(whole, Ready)
    assert first == Ready(native=THREAD, model="gpt-5.5", mode="ask", thinking=first.thinking)
    assert (second.native, only(whole, Ready)[-1].model) == (THREAD, "gpt-6-sol")
    assert only(whole, Ready)[-1].mode == "auto"
    offered = only(whole, Offered)
    assert "gpt-5.5" in [model.id for one in offered for model in one.models or ()]
    assert list(modes.MODES) == [mode.id for one in offered for mode in one.modes or ()]
    assert "high" in [level.id for one in offered for level in one.thinking or ()]


def test_deltas_belong_to_the_block_that_replaces_them(whole: list[AgentEvent]) -> None:
    streamed: dict[tuple[str, int], str] = {}
    for delta in only(whole, TextDelta):
        streamed[delta.id, delta.block] = streamed.get((delta.id, delta.block), "") + delta.text
    done = {(event.id, event.block): event.text for event in only(whole, TextDone)}
    assert done.items() <= streamed.items()
    assert {event.kind for event in only(whole, TextDone)} == {"text", "thinking"}


def test_tools_have_titles_and_results_have_diffs_a_file_each(whole: list[AgentEvent]) -> None:
    titles = [call.title for call in only(whole, ToolCalled)]
    assert titles == [
        "Shell: echo hi; sleep 0.3; echo ho; exit 3",
        "Write a.txt",
        "Change a.txt and 1 more",
        "Shell: touch /etc/x",
        "Write /etc/new.txt",
        "Shell: sleep 1",
    ]
    ran, made, changed, refused, unwritten, _ = only(whole, ToolEnded)
    assert (ran.ok, ran.output.endswith("hi\nho\n"), ran.detail) == (False, True, {"exit_code": 3})
    assert made.detail == {
        "diff": [
            {
                "path": "a.txt",
                "kind": "add",
                "patch": "diff --git a/a.txt b/a.txt\n--- /dev/null\n+++ b/a.txt\n@@ -0,0 +1,1 @@\n+one\n",
            }
        ]
    }
    assert changed.detail is not None
    gone, updated = changed.detail["diff"]
    assert (gone["path"], "+++ /dev/null\n@@ -1,1 +0,0 @@\n-one" in gone["patch"]) == ("a.txt", True)
    assert "-two\n+2\n" in updated["patch"]
    assert [(one.ok, one.output) for one in (refused, unwritten)] == [(False, "This was not allowed.")] * 2
    assert {piece.id for piece in only(whole, ToolOutput)} == {ran.id}


def test_questions_carry_what_they_are_about_and_are_withdrawn_by_name(whole: list[AgentEvent]) -> None:
    command, change = only(whole, Asked)
    assert (command.title, command.reason) == ("Shell: touch /etc/x", "Needed")
    assert (command.rules, command.scopes) == ([Rule(tool="Shell", subject="touch /etc/x")], ("once", "session", "always"))
    assert (change.title, change.scopes) == ("Write /etc/new.txt", ("once", "session"))
    assert "+x" in change.input["patch"]
    assert [event.id for event in only(whole, Withdrawn)] == [command.id, change.id]
    assert change.tool_id in [call.id for call in only(whole, ToolCalled)]


def test_each_turn_ends_once_with_its_own_tokens(whole: list[AgentEvent]) -> None:
    ends = only(whole, TurnEnded)
    assert [end.status for end in ends] == [*["ok"] * 6, "failed", "ok", "interrupted"]
    assert ends[0].usage == [Usage(model="gpt-5.5", input=12, output=9, cache_read=100)]
    assert ends[1].usage == [Usage(model="gpt-5.5", input=24, output=16, cache_read=200)]
    assert ends[6].usage == []
    assert ("codex login" in ends[6].hint, ends[6].error.startswith("unexpected status 401")) == (True, True)
    assert ends[0].duration_ms > 0


def test_a_steered_message_is_taken_or_comes_back(whole: list[AgentEvent]) -> None:
    assert [one.id for one in only(whole, Taken)] == [*(f"m{n}" for n in range(1, 9)), "s1", "m9"]
    assert only(whole, Untaken) == [Untaken(id="s2")]
    dialect = running()
    dialect.encode(Steer(message=("late", "x")))
    assert notified(dialect, "turn/completed", turn={"id": "t1", "status": "completed"})[0] == Untaken(id="late")


def test_in_the_middle_the_running_turn_is_asked_for_before_it_is_interrupted() -> None:
    dialect = running(turn=None)
    (question,) = dialect.encode(Break(number=4))
    assert said(question)["method"] == "thread/turns/list"
    dialect.decode('{"id":"find","result":{"data":[{"id":"t7","status":"inProgress"}]}}')
    *known, line = dialect.replies()
    assert [said(one)["id"] for one in known] == ["read", "find", "models", "skills"]
    assert (said(line)["method"], said(line)["params"]["turnId"]) == ("turn/interrupt", "t7")


def test_an_interrupt_where_nothing_runs_ends_the_turn_that_was_thought_to() -> None:
    dialect = running(turn="")
    dialect.encode(Break(number=4))
    refused = dialect.decode('{"id":"break 4","error":{"code":-32600,"message":"no active turn to interrupt"}}')
    assert refused == [TurnEnded(status="interrupted")]


def test_an_interrupt_waits_for_a_turn_that_was_only_asked_for() -> None:
    dialect = running()
    notified(dialect, "turn/completed", turn={"id": "t1", "status": "completed"})
    dialect.encode(Say(messages=[("a", "hi")]))
    assert dialect.encode(Break(number=4)) == []
    assert dialect.encode(Steer(message=("b", "more"))) == []
    notified(dialect, "turn/started", turn={"id": "t2"})
    stop, steer = (said(line) for line in dialect.replies())
    assert (stop["params"]["turnId"], steer["params"]["expectedTurnId"]) == ("t2", "t2")


def test_a_turn_that_codex_refuses_to_begin_has_failed() -> None:
    dialect = running(turn="")
    dialect.encode(Say(messages=[("a", "hi")]))
    (ended,) = dialect.decode('{"id":"turn a","error":{"code":-1,"message":"thread not found"}}')
    assert isinstance(ended, TurnEnded)
    assert ended.status == "failed"


def test_a_forgotten_conversation_is_begun_anew_and_another_failure_is_told() -> None:
    dialect = opened(replace(JOB, resume="gone"))
    dialect.decode('{"id":"open","result":{}}')
    assert said(dialect.replies()[1])["method"] == "thread/resume"
    (remark,) = dialect.decode('{"id":"thread","error":{"code":-32600,"message":"no rollout found for thread id gone"}}')
    assert isinstance(remark, Remarked)
    assert remark.text == FORGOTTEN
    assert said(dialect.replies()[0])["method"] == "thread/start"
    dialect.encode(Say(messages=[("a", "hi")]))
    failed = dialect.decode('{"id":"thread","error":{"code":-1,"message":"config.toml: oops"}}')
    assert [type(event) for event in failed] == [Ready, TurnEnded]
    (again,) = dialect.encode(Say(messages=[("b", "hi")]))
    assert said(again)["method"] == "thread/resume"


def test_a_fork_goes_on_in_a_conversation_of_its_own() -> None:
    dialect = opened(replace(JOB, resume="one", fork=True))
    dialect.decode('{"id":"open","result":{}}')
    line = said(dialect.replies()[1])
    assert (line["method"], line["params"]["threadId"]) == ("thread/fork", "one")


def test_what_codex_asks_and_volundr_does_not_know_is_refused_at_once() -> None:
    dialect = running()
    (remark,) = dialect.decode('{"id":7,"method":"item/tool/call","params":{}}')
    assert isinstance(remark, Remarked)
    (line,) = dialect.replies()
    assert (said(line)["id"], said(line)["error"]["code"]) == (7, -32601)


@pytest.mark.parametrize(
    "line", ["", "{", "[]", "null", json.dumps({"method": "item/started", "params": {"threadId": THREAD}}), '{"id":1}']
)
def test_no_line_is_too_strange(line: str) -> None:
    for dialect in (running(), ExecDialect(JOB, AGENT.hint, None)):
        assert all(isinstance(event, Remarked) for event in dialect.decode(line))


def test_unknown_notifications_and_those_of_strangers_mean_nothing() -> None:
    dialect = running()
    assert notified(dialect, "thread/goal/updated") == []
    item = {"type": "agentMessage", "id": "x", "text": "hi"}
    assert notified(dialect, "item/completed", threadId="other", item=item) == []


def test_agents_below_are_shown_under_the_call_that_began_them_and_are_counted() -> None:
    thread = Thread(cwd="/project/work", hint=AGENT.hint, native=THREAD)
    thread.model, thread.turn = "gpt-5.5", "t1"
    call: dict[str, Any] = {
        "type": "collabAgentToolCall",
        "id": "c1",
        "tool": "spawnAgent",
        "prompt": "Look",
        "status": "completed",
    }
    call |= {"receiverThreadIds": ["child"], "model": "small", "agentsStates": {}}
    thread.notified("item/started", {"threadId": THREAD, "item": call})
    (done,) = thread.notified("item/completed", {"threadId": "child", "item": {"type": "agentMessage", "id": "x", "text": "hi"}})
    assert done == TextDone(id="x", block=0, kind="text", text="hi", parent="c1")
    counts = {"inputTokens": 10, "outputTokens": 2}
    thread.notified("thread/tokenUsage/updated", {"threadId": "child", "tokenUsage": {"total": counts, "last": counts}})
    assert thread.notified("turn/completed", {"threadId": "child", "turn": {"status": "completed"}}) == ()
    open_call, ended = thread.notified("turn/completed", {"threadId": THREAD, "turn": {"status": "completed"}})
    assert open_call == ToolEnded(id="c1", ok=False, output=UNSAID)
    assert isinstance(ended, TurnEnded)
    assert ended.usage == [Usage(model="small", input=10, output=2)]


def test_a_plan_is_shown_with_its_steps() -> None:
    steps = [
        {"step": "one", "status": "completed"},
        {"step": "two", "status": "inProgress"},
        {"step": "three", "status": "pending"},
    ]
    assert notified(running(), "turn/plan/updated", turnId="t1", plan=steps) == [
        Planned(tasks=[Task(text="one", state="done"), Task(text="two", state="working"), Task(text="three")])
    ]


def test_a_retry_is_remarked_and_the_last_error_is_not_said_twice() -> None:
    error = {"message": "stream disconnected", "codexErrorInfo": "other", "additionalDetails": None}
    (remark,) = notified(running(), "error", error=error, willRetry=True)
    assert isinstance(remark, Remarked)
    assert "network" in remark.detail
    assert notified(running(), "error", error=error, willRetry=False) == []


def asked(method: str, **params: Any) -> Asked:
    request = {"id": 5, "method": method, "params": {"threadId": THREAD, "turnId": "t1", **params}}
    (question,) = running().decode(json.dumps(request))
    assert isinstance(question, Asked)
    return question


def answered(question: Asked, decision: str, **more: Any) -> Any:
    native = json.loads(json.dumps(question.native))
    given: dict[str, Any] = {"scope": "once", "asked_input": question.input, **more}
    command = Answer(id=question.id, decision="allow" if decision == "allow" else "deny", native=native, **given)
    first, *rest = running().encode(command)
    assert said(first)["id"] == 5
    return said(first)["result"] if not rest else (said(first)["result"], said(rest[0])["params"]["input"][0]["text"])


def test_a_decision_about_a_command_is_said_in_codexs_words() -> None:
    amendment = ["touch", "x"]
    decisions = ["accept", {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": amendment}}, "cancel"]
    given = {"itemId": "c", "command": "/bin/bash -lc 'touch x'", "proposedExecpolicyAmendment": amendment}
    question = asked(questions.COMMAND, **given, availableDecisions=decisions)
    assert question.input["command"] == "touch x"
    assert answered(question, "allow") == {"decision": "accept"}
    assert answered(question, "allow", scope="session") == {"decision": "acceptForSession"}
    always = {"decision": {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": amendment}}}
    assert answered(question, "allow", scope="always") == always
    assert answered(question, "deny") == {"decision": "decline"}
    assert answered(question, "deny", message="no") == ({"decision": "decline"}, "no")
    decision, words = answered(question, "allow", input={"command": "touch y"})
    assert decision == {"decision": "decline"}
    assert "touch y" in words


def test_more_permissions_are_granted_as_asked_or_not_at_all() -> None:
    wanted = {"network": {"enabled": True}, "fileSystem": None}
    question = asked(questions.PERMISSIONS, itemId="c", reason="Download", permissions=wanted, cwd="/project/work")
    assert answered(question, "allow", scope="session") == {"permissions": {"network": {"enabled": True}}, "scope": "session"}
    assert answered(question, "deny") == {"permissions": {}, "scope": "turn"}


def test_questions_to_a_person_are_answered_by_their_ids() -> None:
    ask = {"id": "q1", "header": "Colour", "question": "Which colour?", "options": [{"label": "red", "description": "warm"}]}
    question = asked(questions.INPUT, itemId="c", questions=[ask])
    assert question.title == "Which colour?"
    filled = {**question.input, "answers": {"Which colour?": "red"}}
    assert answered(question, "allow", input=filled) == {"answers": {"q1": {"answers": ["red"]}}}
    assert answered(question, "deny") == {"answers": {}}


def test_a_form_of_an_mcp_server_becomes_questions_and_typed_values() -> None:
    fields = {
        "count": {"type": "integer", "title": "How many?"},
        "sure": {"type": "boolean"},
        "size": {"type": "string", "enum": ["s"]},
    }
    question = asked(
        questions.ELICIT,
        serverName="shop",
        mode="form",
        message="Order",
        requestedSchema={"type": "object", "properties": fields},
    )
    assert [one["question"] for one in question.input["questions"]] == ["How many?", "sure", "size"]
    filled = {"answers": {"How many?": "3", "sure": "true", "size": "s"}}
    content = {"count": 3, "sure": True, "size": "s"}
    assert answered(question, "allow", input=filled) == {"action": "accept", "content": content, "_meta": None}
    assert answered(question, "deny") == {"action": "decline", "content": None, "_meta": None}


def test_other_tools_have_titles_too() -> None:
    mcp = {"type": "mcpToolCall", "id": "1", "server": "github", "tool": "list", "arguments": {"a": 1}, "status": "failed"}
    (call,) = items.begun(mcp, "")
    assert isinstance(call, ToolCalled)
    assert (call.title, call.name, call.input) == ("github: list", "mcp__github__list", {"a": 1})
    assert items.ended({**mcp, "error": {"message": "no"}}, "") == [ToolEnded(id="1", ok=False, output="no")]
    (search,) = items.begun({"type": "webSearch", "id": "2", "query": "codex"}, "")
    assert isinstance(search, ToolCalled)
    assert search.title == "Search the web: codex"


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
