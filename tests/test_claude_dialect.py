"""Claude Code's wire, against lines that the real program (2.1.197) printed: see tests/recordings/."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from volundr_claude import ClaudeAgent, ClaudeSettings

from volundr.broker.events import (
    AgentEvent,
    Answer,
    Asked,
    Break,
    Ready,
    Remarked,
    Say,
    Taken,
    TextDelta,
    TextDone,
    ToolCalled,
    ToolEnded,
    TurnEnded,
    Withdrawn,
)
from volundr.broker.parts import Rule, Scope, Usage
from volundr.broker.transports.stream_json import StreamJsonDialect
from volundr.broker.transports.transport import Job
from volundr.domain.errors import Invalid, Unavailable
from volundr.loader import load

RECORDINGS = Path(__file__).parent / "recordings"
MODEL = "claude-opus-4-8[1m]"


def recorded(name: str, way: str = "<") -> list[str]:
    lines = (RECORDINGS / f"{name}.ndjson").read_text("utf-8").splitlines()
    return [line[2:] for line in lines if line.startswith(way)]


def decoded(lines: Sequence[str], dialect: StreamJsonDialect | None = None) -> list[AgentEvent]:
    agent = ClaudeAgent(ClaudeSettings())
    dialect = dialect or StreamJsonDialect("/project/work", agent.hint)
    return [event for line in lines for event in dialect.decode(line)]


@pytest.fixture
def whole() -> list[AgentEvent]:
    dialect = StreamJsonDialect("/project/work", ClaudeAgent(ClaudeSettings()).hint)
    dialect.opening()
    return decoded(recorded("claude_turns"), dialect)


def only[E](events: Sequence[AgentEvent], kind: type[E]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def test_the_agent_is_ready_once_it_answers_and_says_who_it_is_once(whole: list[AgentEvent]) -> None:
    unknown, known = only(whole, Ready)
    assert unknown == Ready()
    assert (known.native, known.model, known.mode) == ("fe48d676-c49f-4f2a-ad62-c6d1be4f3a7c", MODEL, "default")


def test_deltas_belong_to_the_block_that_replaces_them(whole: list[AgentEvent]) -> None:
    done = {(event.id, event.block): event for event in only(whole, TextDone)}
    streamed: dict[tuple[str, int], str] = {}
    for event in only(whole, TextDelta):
        streamed[event.id, event.block] = streamed.get((event.id, event.block), "") + event.text
    assert streamed == {key: event.text for key, event in done.items()}
    assert {event.kind for event in done.values()} == {"text", "thinking"}
    thought, said = [event for event in done.values() if event.id == "msg_2d6f7eccf03445909bb1"]
    assert [(thought.block, thought.kind), (said.block, said.kind)] == [(0, "thinking"), (1, "text")]


def test_a_message_is_taken_up_under_the_id_it_was_given(whole: list[AgentEvent]) -> None:
    sent = [json.loads(line)["uuid"] for line in recorded("claude_turns", ">") if '"type":"user"' in line]
    assert {event.id for event in only(whole, Taken)} == set(sent)


def test_all_messages_of_one_prompt_are_taken_up_together() -> None:
    dialect = StreamJsonDialect()
    (line,) = dialect.encode(Say(messages=[("a", "one\u2028"), ("b", "two")]))
    said = json.loads(line)
    assert "\n" not in line
    assert [block["text"] for block in said["message"]["content"]] == ["one\u2028", "two"]
    replay = json.dumps({**said, "isReplay": True})
    assert dialect.decode(replay) == [Taken(id="a"), Taken(id="b")]
    assert dialect.decode(replay) == [Taken(id="b")]  # as after a restart, when nothing is remembered


def test_every_run_marks_its_messages_since_a_resumed_one_drops_those_it_knows() -> None:
    (one,), (two,) = (StreamJsonDialect().encode(Say(messages=[("a", "hi")])) for _ in range(2))
    assert json.loads(one)["uuid"] != json.loads(two)["uuid"]


def test_tool_calls_have_titles_for_people_and_results_have_diffs(whole: list[AgentEvent]) -> None:
    touch, denied, written = only(whole, ToolCalled)
    assert [(call.title, call.kind) for call in (touch, denied, written)] == [
        ("Bash: touch allowed.txt", "execute"),
        ("Write a.txt", "edit"),
        ("Write b.txt", "edit"),
    ]
    ran, refused, made = only(whole, ToolEnded)
    assert (ran.id, ran.ok, ran.detail) == (touch.id, True, None)
    assert (refused.ok, refused.output) == (False, "User says no")
    assert made.detail is not None
    assert made.detail["diff"] == [{"oldStart": 0, "oldLines": 0, "newStart": 1, "newLines": 1, "lines": ["+one two"]}]


def test_a_permission_offers_what_the_agent_suggests(whole: list[AgentEvent]) -> None:
    touch, write, _ = only(whole, Asked)
    assert (touch.title, touch.reason) == ("Bash: touch allowed.txt", "Run a scripted command")
    assert (touch.rules, touch.scopes) == ([Rule(tool="Bash", subject="touch allowed.txt")], ["once", "session", "always"])
    assert (write.title, write.rules, write.scopes) == ("Write a.txt", [Rule(tool="Edit")], ["once", "session"])
    assert touch.tool_id == only(whole, ToolCalled)[0].id


def answered(asked: Asked, decision: str, scope: Scope = "once", **more: object) -> dict[str, object]:
    command = Answer(
        id=asked.id,
        decision="allow" if decision == "allow" else "deny",
        scope=scope,
        asked_input=asked.input,
        native=json.loads(json.dumps(asked.native)),
        **more,  # type: ignore[arg-type]
    )
    (line,) = StreamJsonDialect().encode(command)
    said = json.loads(line)["response"]
    assert (said["subtype"], said["request_id"]) == ("success", asked.id)
    return dict(said["response"])


def test_an_answer_is_the_one_the_real_program_took(whole: list[AgentEvent]) -> None:
    touch, write, _ = only(whole, Asked)
    assert answered(touch, "allow") == {"behavior": "allow", "updatedInput": touch.input}
    assert answered(write, "deny", message="User says no") == {"behavior": "deny", "message": "User says no"}
    assert answered(write, "deny")["message"]
    changed = {"command": "touch other.txt"}
    assert answered(touch, "allow", input=changed)["updatedInput"] == changed


def test_a_wider_answer_keeps_the_rule_where_its_scope_says(whole: list[AgentEvent]) -> None:
    touch, write, _ = only(whole, Asked)
    suggested = touch.native["suggestions"]
    assert answered(touch, "allow", "always")["updatedPermissions"] == suggested[:2]
    session = answered(touch, "allow", "session")["updatedPermissions"]
    assert [(one["type"], one["destination"]) for one in session] == [("addRules", "session"), ("addDirectories", "session")]  # type: ignore[attr-defined]
    assert answered(write, "allow", "session")["updatedPermissions"] == write.native["suggestions"]


def test_usage_is_of_the_turn_although_the_program_counts_on(whole: list[AgentEvent]) -> None:
    ended = only(whole, TurnEnded)
    assert [event.status for event in ended] == ["ok", "ok", "ok", "ok", "interrupted", "failed"]
    first = Usage(model=MODEL, input=12, output=10, cache_read=100, cost_usd=0.00036)
    second = Usage(model=MODEL, input=24, output=16, cache_read=200, cost_usd=0.00062)
    assert [event.usage for event in ended] == [[first], [second], [second], [second], [], []]
    assert ended[5].error == "API Error: 400 Bad"


def test_what_is_said_while_interrupted_is_not_lost(whole: list[AgentEvent]) -> None:
    assert "word0 " in [event.text for event in only(whole, TextDone)]
    assert "API Error: 400 Bad" not in [event.text for event in only(whole, TextDone)]  # that is the turn's error


def test_starting_in_the_middle_gives_the_same_blocks_and_sums(whole: list[AgentEvent]) -> None:
    """A fresh Skuld gets the lines again that follow one whose outcome is in the log."""
    lines, true = recorded("claude_turns"), [event for event in whole if not isinstance(event, TextDelta | Ready)]
    for start in range(1, len(lines)):
        if all(isinstance(event, TextDelta) for event in decoded(lines[start - 1 : start])):
            continue
        spent = [use for turn in only(decoded(lines[:start]), TurnEnded) for use in turn.usage]
        again = StreamJsonDialect("/project/work", ClaudeAgent(ClaudeSettings()).hint, spent=spent)
        late = [event for event in decoded(lines[start:], again) if not isinstance(event, TextDelta | Ready)]
        for mine, its in zip(reversed(late), reversed(true), strict=False):
            assert mine == its


def test_a_resumed_program_counts_from_zero() -> None:
    dialect = StreamJsonDialect()
    dialect.opening()
    events = decoded(recorded("claude_resumed"), dialect)
    assert only(events, TurnEnded)[0].usage == [
        Usage(model="claude-opus-4-8", input=12, output=10, cache_read=100, cost_usd=0.00036)
    ]


def test_a_forgotten_conversation_is_recognised() -> None:
    (ended,) = only(decoded(recorded("claude_lost")), TurnEnded)
    assert ended.status == "failed"
    assert ClaudeAgent(ClaudeSettings()).lost(ended.error)
    assert not ClaudeAgent(ClaudeSettings()).lost("API Error: 400")


def test_sub_agents_say_whose_they_are_and_count_their_blocks() -> None:
    def line(index: int) -> str:
        message = {"id": "m", "content": [{"type": "text", "text": f"t{index}"}]}
        return json.dumps({"type": "assistant", "message": message, "parent_tool_use_id": "toolu_1"})

    assert decoded([line(0), line(1)]) == [
        TextDone(id="m", block=0, kind="text", text="t0", parent="toolu_1"),
        TextDone(id="m", block=1, kind="text", text="t1", parent="toolu_1"),
    ]


def test_a_question_taken_back_and_an_interrupt() -> None:
    assert decoded(['{"type":"control_cancel_request","request_id":"r"}']) == [Withdrawn(id="r")]
    (line,) = StreamJsonDialect().encode(Break(number=9))
    assert json.loads(line)["request"] == {"subtype": "interrupt"}


def test_retries_and_compaction_are_remarked() -> None:
    retry = {
        "type": "system",
        "subtype": "api_retry",
        "attempt": 2,
        "max_retries": 10,
        "retry_delay_ms": 3000,
        "error_status": 529,
    }
    remarks = decoded([json.dumps(retry), '{"type":"system","subtype":"compact_boundary"}'])
    assert [remark.level for remark in only(remarks, Remarked)] == ["warning", "info"]
    assert "529" in only(remarks, Remarked)[0].text
    assert "servers are busy" in only(remarks, Remarked)[0].detail


@pytest.mark.parametrize(
    "line",
    ["garbage", "[]", "7", "{}", '{"type":"assistant"}',
     '{"type":"user","message":{"content":[7]}}', '{"type":["x"]}', "[" * 100_000, '{"a":"' + "x" * 9_000_000],
)  # fmt: skip
def test_what_cannot_be_read_is_remarked_and_nothing_breaks(line: str) -> None:
    (remark,) = decoded([line])
    assert isinstance(remark, Remarked)
    assert len(remark.detail) <= 2048
    assert len(remark.text) <= 2048


@pytest.mark.parametrize(
    "line", ["", "  ", '{"type":"news","x":1}', '{"type":"keep_alive"}', '{"type":"system","subtype":"task_started"}']
)
def test_what_is_not_known_means_nothing(line: str) -> None:
    assert decoded([line]) == []


def test_half_characters_become_whole_ones() -> None:
    message = '{"type":"assistant","message":{"id":"m","content":[{"type":"text","text":"a\\ud83d b \\ud83d\\ude00"}]}}'
    (done,) = only(decoded([message]), TextDone)
    assert done.text == "a\ufffd b 😀"


# --- the plugin -------------------------------------------------------------------------------------------------------


def program(folder: Path, body: str, name: str = "claude") -> Path:
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{body}\n")
    path.chmod(0o755)
    return path


def test_it_is_started_without_our_variables_and_resumed_by_its_own_id(tmp_path: Path) -> None:
    path = program(tmp_path, "")
    env = {"PATH": str(tmp_path), "HOME": "/h", "CLAUDECODE": "1", "VOLUNDR_HOME": "/v"}
    job = Job(session="s", cwd=tmp_path, model="opus", resume="abc", env=env)
    launch = ClaudeAgent(ClaudeSettings(args=["--x"], env={"A": "b"})).launch(job)
    assert launch.argv[0] == str(path)
    assert " ".join(launch.argv[1:]) == (
        "-p --input-format stream-json --output-format stream-json --verbose --include-partial-messages "
        "--replay-user-messages --permission-prompt-tool stdio --model opus --resume abc --x"
    )
    ours = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1"}
    assert launch.env == {"PATH": str(tmp_path), "HOME": "/h", "A": "b", **ours}


def test_a_missing_program_says_how_to_get_it(tmp_path: Path) -> None:
    agent = ClaudeAgent(ClaudeSettings())
    found = agent.find({"PATH": str(tmp_path)})
    assert (found.available, "npm install" in found.hint) == (False, True)
    with pytest.raises(Unavailable, match="not on this machine"):
        agent.launch(Job(session="s", cwd=tmp_path, env={"PATH": str(tmp_path)}))


def test_a_found_program_tells_its_version_or_why_not(tmp_path: Path) -> None:
    good = program(tmp_path, "print('2.1.197 (Claude Code)')")
    bad = program(tmp_path, "raise SystemExit('no Node here')", "broken")
    found = ClaudeAgent(ClaudeSettings()).find({"PATH": str(tmp_path)})
    assert (found.available, found.version, found.path) == (True, "2.1.197", str(good))
    found = ClaudeAgent(ClaudeSettings(command=str(bad))).find({})
    assert (found.available, "no Node here" in found.problem) == (False, True)


def test_a_mode_that_does_not_exist_is_refused_since_the_program_would_take_it(tmp_path: Path) -> None:
    program(tmp_path, "")
    with pytest.raises(Invalid, match="acceptEdits"):
        ClaudeAgent(ClaudeSettings()).launch(Job(session="s", cwd=tmp_path, mode="nonsense", env={"PATH": str(tmp_path)}))


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        ("Not logged in · Please run /login", "log in"),
        ("Invalid API key · Fix external API key", "ANTHROPIC_API_KEY"),
        ("Credit balance is too low", "credit"),
        ("API Error: getaddrinfo ENOTFOUND api.anthropic.com", "network"),
        ("API Error: Connection error.", "network"),
        ("something else entirely", ""),
    ],
)
def test_known_errors_come_with_a_way_out(error: str, hint: str) -> None:
    given = ClaudeAgent(ClaudeSettings()).hint(error)
    assert (hint in given) if hint else not given


def test_the_plugin_is_found(tmp_path: Path) -> None:
    from volundr.broker.transports.transport import Agent

    assert "claude" in load(tmp_path).all(Agent)
