"""Codex's two wires, against lines that the real program (0.169.0) printed: see tests/recordings/."""

import json
from dataclasses import replace
from typing import Any

import pytest
from volundr_codex import modes
from volundr_codex.app_server import FORGOTTEN
from volundr_codex.exec import ExecDialect
from volundr_codex.thread import UNSAID, Thread

from tests.codex_lines import AGENT, JOB, THREAD, decoded, notified, only, opened, recorded, running, said
from volundr.broker.events import (
    Adjust,
    AgentEvent,
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


def test_what_codex_says_late_about_an_earlier_choice_does_not_take_back_a_later_one() -> None:
    dialect = running(turn="")
    for number, what in ((1, {"model": "small"}), (2, {"mode": "auto"})):
        dialect.encode(Adjust(number=number, **what))
        (ready,) = only(dialect.decode(json.dumps({"id": f"adjust {number}", "result": {}})), Ready)
    assert (ready.model, ready.mode) == ("small", "auto")
    settings = {"model": "small", "approvalPolicy": "on-request", "sandboxPolicy": {"type": "workspaceWrite"}, "effort": None}
    assert notified(dialect, "thread/settings/updated", threadSettings=settings) == []
    assert notified(dialect, "thread/settings/updated", threadSettings={**settings, "approvalPolicy": "never"}) == []
    (own,) = notified(dialect, "thread/settings/updated", threadSettings=settings)
    assert own == Ready(native=THREAD, model="small", mode="ask")


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
    open_call, none_more, ended = thread.notified("turn/completed", {"threadId": THREAD, "turn": {"status": "completed"}})
    assert none_more == Untaken(id="")
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
