"""What an ACP agent's lines mean: recorded ones of opencode and Gemini CLI, and those that no installed agent prints."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from volundr_acp import GEMINI, OPENCODE, AcpAgent, AcpDialect, AcpSettings
from volundr_acp.asking import outcome, scopes
from volundr_acp.blocks import Blocks
from volundr_acp.menu import read
from volundr_acp.opening import Opening
from volundr_acp.prompts import blocks
from volundr_acp.rpc import words
from volundr_acp.spending import Spending
from volundr_acp.tools import Call, detail

from tests.acp_agent import OPTIONS
from volundr.broker.events import (
    Adjust,
    AgentEvent,
    Answer,
    Asked,
    Attached,
    Break,
    Offered,
    Ready,
    Remarked,
    Say,
    Taken,
    TextDelta,
    TextDone,
    ToolCalled,
    ToolEnded,
    ToolOutput,
    TurnEnded,
)
from volundr.broker.parts import Attachment
from volundr.broker.transports.transport import Job
from volundr.domain.errors import Unavailable
from volundr.domain.sessions.spec import McpServer

RECORDINGS = Path(__file__).parent / "recordings"
CWD = Path("/home/user/project")


def job(**more: Any) -> Job:
    return Job(session="s1", cwd=CWD, **more)


def dialect(**more: Any) -> AcpDialect:
    agent = AcpAgent(OPENCODE, AcpSettings()).dialect(job(**more))
    assert isinstance(agent, AcpDialect)
    return agent


def lines(name: str) -> list[str]:
    return (RECORDINGS / f"{name}.ndjson").read_text().splitlines()


def heard(of: AcpDialect, said: Sequence[str]) -> list[AgentEvent]:
    return [event for line in said for event in of.decode(line)]


def told(lines: Sequence[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines]


def opened(**more: Any) -> AcpDialect:
    of = dialect(**more)
    of.opening()
    heard(of, lines("acp_opencode")[:2])
    of.replies()
    return of


def kinds[E](events: Sequence[AgentEvent], kind: type[E]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def test_the_recorded_conversation_is_words_tools_questions_and_ends() -> None:
    of = dialect()
    assert told(of.opening())[0]["method"] == "initialize"
    recorded = lines("acp_opencode")
    assert of.decode(recorded[0]) == ()
    assert told(of.replies())[0]["params"] == {"cwd": str(CWD), "mcpServers": []}
    events = heard(of, recorded[1:])
    ready = kinds(events, Ready)
    assert (ready[0].model, ready[0].mode, ready[-1].model, ready[-1].mode) == (
        "fake/scripted-model",
        "build",
        "fake/other-model",
        "plan",
    )
    assert [one.text for one in kinds(events, TextDone)][:3] == ["let me see", "hello there", "Running. "]
    assert [one.title for one in kinds(events, ToolCalled)] == [
        "bash: echo hi; touch a.txt",
        "bash: touch b.txt",
        "write w.txt",
        "edit w.txt",
        "todowrite",
        "bash: rm b.txt",
    ]
    assert [one.ok for one in kinds(events, ToolEnded)] == [True, False, True, True, True, False]
    assert [one.text for one in kinds(events, ToolOutput)] == ["hi\n"]
    assert [one.scopes for one in kinds(events, Asked)] == [["once", "session"]] * len(kinds(events, Asked))
    assert len({one.id for one in kinds(events, Asked)}) == len(kinds(events, Asked))
    ends = kinds(events, TurnEnded)
    assert [one.status for one in ends] == ["ok"] * 6 + ["failed", "interrupted", "interrupted", "ok"]
    assert "opencode auth login" in ends[6].hint
    assert kinds(events, Remarked) == []


def test_words_come_before_the_tool_and_the_deltas_make_the_whole() -> None:
    events = heard(opened(), lines("acp_opencode")[2:])
    whole: dict[tuple[str, int], str] = {}
    for delta in kinds(events, TextDelta):
        whole[delta.id, delta.block] = whole.get((delta.id, delta.block), "") + delta.text
    assert whole == {(one.id, one.block): one.text for one in kinds(events, TextDone)}
    order = [type(one) for one in events if isinstance(one, TextDone | ToolCalled)]
    assert order[2:4] == [TextDone, ToolCalled]


def test_what_is_replayed_when_a_session_is_loaded_is_no_news() -> None:
    of = dialect(resume="ses_df93fe07affe7ZHKjw2Z7SVeID")
    of.opening()
    first = json.loads(lines("acp_opencode")[0])
    del first["result"]["agentCapabilities"]["sessionCapabilities"]
    of.decode(json.dumps(first))
    assert told(of.replies())[0]["method"] == "session/load"
    replayed = lines("acp_opencode_load")
    end = next(at for at, line in enumerate(replayed) if '"id":"session/load"' in line)
    events = heard(of, replayed[1 : end + 1])
    assert [type(one) for one in events] == [Ready, Offered]
    assert [one.text for one in kinds(heard(of, replayed[end:]), TextDone)] == ["after session/load"]


def test_geminis_own_lists_of_models_and_modes_are_offered() -> None:
    recorded = lines("acp_gemini")
    agent = AcpAgent(GEMINI, AcpSettings(model="gemini-2.5-pro")).dialect(job(env={"GEMINI_API_KEY": "k"}, mode="plan"))
    agent.decode(recorded[2])
    assert told(agent.replies()) == [
        {"jsonrpc": "2.0", "id": "authenticate", "method": "authenticate", "params": {"methodId": "gemini-api-key"}}
    ]
    agent.decode('{"id":"authenticate","result":{}}')
    assert told(agent.replies())[0]["method"] == "session/new"
    assert agent.decode(recorded[3]) == ()
    chosen = told(agent.replies())
    assert [(one["method"], one["params"].get("modelId", one["params"].get("modeId"))) for one in chosen] == [
        ("session/set_model", "gemini-2.5-pro"),
        ("session/set_mode", "plan"),
    ]
    assert agent.decode(json.dumps({"id": chosen[0]["id"], "result": {}})) == ()
    ready, offered = agent.decode(json.dumps({"id": chosen[1]["id"], "result": None}))
    assert isinstance(ready, Ready)
    assert (ready.model, ready.mode) == ("gemini-2.5-pro", "plan")
    assert isinstance(offered, Offered)
    assert [one.id for one in offered.modes or ()] == ["default", "autoEdit", "yolo", "plan"]


def test_an_agent_that_wants_a_login_says_so_and_the_next_message_tries_again() -> None:
    recorded = lines("acp_gemini")
    agent = AcpAgent(GEMINI, AcpSettings()).dialect(job())
    agent.opening()
    agent.decode(recorded[0])
    agent.replies()
    remarked, ready = agent.decode(recorded[1])
    assert isinstance(remarked, Remarked)
    assert (remarked.level, "GEMINI_API_KEY" in remarked.detail, ready) == ("error", True, Ready())
    assert told(agent.encode(Say(messages=[("m1", "hi")])))[0]["method"] == "session/new"
    (ended,) = agent.decode(recorded[1])
    assert isinstance(ended, TurnEnded)
    assert (ended.status, "GEMINI_API_KEY" in ended.hint) == ("failed", True)
    agent.encode(Say(messages=[("m1", "hi")]))
    assert isinstance(agent.decode(recorded[3])[0], Ready)
    assert told(agent.replies())[0]["id"] == "say m1"


def test_nothing_can_be_said_before_there_is_a_session() -> None:
    of = dialect()
    of.opening()
    for command in (Say(messages=[("m", "x")]), Break(number=1), Adjust(number=2, mode="plan")):
        with pytest.raises(Unavailable):
            of.encode(command)


def test_messages_are_one_prompt_with_images_and_links_and_are_taken_when_something_happens() -> None:
    image = Attached(about=Attachment(id="1", name="a.png", media_type="image/png", size=3), path="/x/a.png", data="AAAA")
    paper = Attached(about=Attachment(id="2", name="b c.pdf", media_type="application/pdf", size=9), path="/x/b c.pdf")
    of = opened(system_prompt="Be brief.")
    (line,) = told(of.encode(Say(messages=[("m1", "/init"), ("m2", "two")], attached={"m1": [image, paper]})))
    assert line["id"] == "say m1 m2"
    assert [(one["type"], one.get("text") or one.get("uri") or one["mimeType"]) for one in line["params"]["prompt"]] == [
        ("text", "/init"),
        ("text", "two"),
        ("image", "image/png"),
        ("resource_link", "file:///x/b%20c.pdf"),
        ("text", "Be brief."),
    ]
    plan = {"sessionUpdate": "plan", "entries": []}
    events = of.decode(json.dumps({"method": "session/update", "params": {"update": plan}}))
    assert kinds(events, Taken) == [Taken(id="m1"), Taken(id="m2")]
    assert blocks([("m", "")], {"m": [image]}, images=False)[0]["type"] == "resource_link"


def test_an_answer_is_the_agents_own_option_and_never_a_wider_one() -> None:
    assert scopes(OPTIONS) == ["once", "session", "always"]
    assert scopes(OPTIONS[:1]) == ["once"]

    def chosen(options: Sequence[Any], decision: Any, scope: Any) -> str:
        given = Answer(id="q", decision=decision, scope=scope, asked_input={}, native={"options": options})
        said = outcome(given)["outcome"]
        return str(said.get("optionId", said["outcome"]))

    assert [chosen(OPTIONS, "allow", scope) for scope in ("once", "session", "always")] == ["a1", "a2", "a3"]
    assert chosen(OPTIONS, "deny", "once") == "r1"
    assert chosen(OPTIONS[:2], "allow", "always") == "a2"
    assert chosen(OPTIONS[2:], "allow", "session") == "cancelled"
    assert chosen(OPTIONS[1:], "allow", "once") == "cancelled"
    assert chosen(OPTIONS[:3], "deny", "once") == "cancelled"


def test_an_interrupt_answers_what_is_asked() -> None:
    of = opened()
    heard(of, [line for line in lines("acp_opencode")[2:11] if "say " not in line])
    assert [one.get("method") or one["result"]["outcome"]["outcome"] for one in told(of.encode(Break(number=3)))] == [
        "session/cancel",
        "cancelled",
    ]


def test_a_dialect_that_starts_in_the_middle_gives_no_name_away_twice_and_announces_no_call_again() -> None:
    recorded = lines("acp_opencode")
    native = json.loads(recorded[1])["result"]["sessionId"]
    tool = next(at for at, line in enumerate(recorded) if '"status":"in_progress"' in line)
    late = dialect(resume=native, native=native)
    events = heard(late, recorded[tool:])
    assert kinds(events, ToolCalled)[0].title == "bash: touch b.txt"
    assert kinds(events, ToolEnded)[0].output == "hi\n"
    assert kinds(events, TurnEnded)[0].status == "ok"
    early = {(one.id, one.block) for one in kinds(heard(opened(), recorded), TextDone)}
    assert not early & {(one.id, one.block) for one in kinds(events, TextDone)}
    assert told(late.encode(Say(messages=[("m", "x")])))[0]["params"]["sessionId"] == native


def test_a_change_without_knowing_the_options_finds_the_older_method() -> None:
    late = dialect(native="s-1")
    (line,) = told(late.encode(Adjust(number=4, model="big model")))
    assert line["method"] == "session/set_config_option"
    refused = {"id": line["id"], "error": {"code": -32601, "message": "Method not found"}}
    assert late.decode(json.dumps(refused)) == ()
    (again,) = told(late.replies())
    assert (again["method"], again["params"]["modelId"]) == ("session/set_model", "big model")
    assert late.decode(json.dumps({"id": again["id"], "result": {}})) == [Ready(native="s-1", model="big model")]
    (failed,) = late.decode(json.dumps({**refused, "id": again["id"]}))
    assert isinstance(failed, Remarked)


@pytest.mark.parametrize("line", ["nonsense", "[1]", "{}", '{"method":"session/update"}', '{"id":"say m","result":[]}'])
def test_a_line_that_makes_no_sense_is_remarked_upon_at_most(line: str) -> None:
    assert all(isinstance(event, Remarked) for event in opened().decode(line) if not isinstance(event, TurnEnded))


def test_files_and_terminals_are_refused_by_the_protocols_own_error() -> None:
    of = opened()
    assert of.decode('{"id":3,"method":"fs/read_text_file","params":{}}') == ()
    assert told(of.replies())[0]["error"]["code"] == -32601


def test_nothing_is_stored_while_text_is_open_so_that_its_lines_come_again() -> None:
    recorded = lines("acp_opencode")
    native = json.loads(recorded[1])["result"]["sessionId"]
    for of in (opened(), dialect(native=native)):
        of.encode(Say(messages=[("m1", "hi")]))
        at = next(at for at, line in enumerate(recorded) if "agent_thought_chunk" in line)
        assert [type(one) for line in recorded[at : at + 3] for one in of.decode(line)] == [TextDelta] * 3
        assert of.decode("noise") == []
        ended = of.decode(recorded[at + 3].replace("say m1", "say m0"))
        assert [type(one) for one in ended] == [Taken, Remarked, TextDone, TextDone, TurnEnded]


def test_blocks_end_where_something_else_begins() -> None:
    said = Blocks(fresh=True)
    assert [one.text for one in (*said.add("", "thinking", "a"), *said.add("", "text", "b"), *said.add("", "text", "c"))] == [
        *"abc"
    ]
    done = said.close()
    assert ([one.text for one in done], said.close(), said.open) == (["a", "bc"], [], False)
    assert len({one.id for one in done}) == 2


def test_costs_are_what_this_turn_has_added() -> None:
    spending = Spending(0.0)
    spending.update({"cost": {"amount": 0.5, "currency": "USD"}})
    used = {"usage": {"inputTokens": 10, "outputTokens": 3, "totalTokens": 13, "cachedReadTokens": 4}}
    (first,) = spending.of_turn(used, "m")
    assert (first.input, first.cache_read, first.output, first.cost_usd) == (6, 4, 3, 0.5)
    spending.update({"cost": {"amount": 0.75, "currency": "USD"}})
    assert [one.cost_usd for one in spending.of_turn(used, "m")] == [0.25]
    unknown = Spending(None)
    unknown.update({"cost": {"amount": 9, "currency": "USD"}})
    assert [one.cost_usd for one in unknown.of_turn(used, "m")] == [None]


def test_small_things_read_as_agents_write_them() -> None:
    from volundr_acp.menu import Menu

    grouped = {"id": "m", "category": "model", "currentValue": "b", "options": [{"group": "x", "options": [{"value": "b"}]}]}
    menu = read({"configOptions": [grouped]}, Menu())
    assert (menu.options["model"], menu.choices["model"][0].label) == ("m", "b")
    assert words({"message": "Internal error", "data": {"details": "No trust."}}) == "No trust."
    created = {"type": "diff", "path": "n", "oldText": None, "newText": "x\n"}
    assert detail([created]) == {
        "path": "n",
        "diff": [{"oldStart": 0, "oldLines": 0, "newStart": 1, "newLines": 1, "lines": ["+x"]}],
    }
    assert list((detail([created, created]) or {}).keys()) == ["diffs"]
    call = Call("c")
    call.take(
        {
            "title": "/home/user/project/a.py",
            "kind": "read",
            "locations": [{"path": "a"}],
            "rawInput": {"path": "/home/user/project/a.py"},
        }
    )
    assert call.called(str(CWD)).title == "Read a.py"
    assert Opening(job(native="s"), "").up


def test_tool_servers_are_told_when_a_session_begins_and_those_it_cannot_use_are_named() -> None:
    program = McpServer(name="box", command="no-such-program", args=("x",), env={"K": "v"})
    address = McpServer(name="far", url="https://far.example", headers={"H": "v"})
    of = dialect(mcp_servers=(program, address))
    of.opening()
    of.decode(json.dumps({"jsonrpc": "2.0", "id": "initialize", "result": {"protocolVersion": 1, "agentCapabilities": {}}}))
    as_told = {"name": "box", "command": "no-such-program", "args": ["x"], "env": [{"name": "K", "value": "v"}]}
    (begun,) = told(of.replies())
    assert begun["params"]["mcpServers"] == [as_told]
    events = of.decode(json.dumps({"jsonrpc": "2.0", "id": begun["id"], "result": {"sessionId": "s"}}))
    assert "'far'" in kinds(events, Remarked)[0].text

    of = dialect(mcp_servers=(program, address))
    of.opening()
    can = {"mcpCapabilities": {"http": True}}
    of.decode(json.dumps({"jsonrpc": "2.0", "id": "initialize", "result": {"protocolVersion": 1, "agentCapabilities": can}}))
    http = {"type": "http", "name": "far", "url": "https://far.example", "headers": [{"name": "H", "value": "v"}]}
    assert told(of.replies())[0]["params"]["mcpServers"] == [as_told, http]
