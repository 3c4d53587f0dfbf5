"""What Codex asks and how it is answered, and the tools it names."""

import json
from typing import Any

from volundr_codex import items, questions

from tests.codex_lines import THREAD, running, said
from volundr.broker.events import (
    Answer,
    Asked,
    ToolCalled,
    ToolEnded,
)


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
