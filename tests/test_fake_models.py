"""The scripted model: what it says is what the tests with real CLIs rely on."""

import json
import urllib.request
from typing import Any

from tests.fake_models.anthropic import serving
from tests.fake_models.script import newest, plan


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def result() -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "ok"}]}


def test_steps_follow_each_other_by_tool_rounds() -> None:
    prompt = user("{{bash: ls}} then {{text: all good}}")
    assert plan(newest([prompt])).tool == ("shell", {"command": "ls"})
    assert plan(newest([prompt, result()])).words == ("all ", "good")
    assert plan(newest([prompt, result(), result()])).words == ("Done.",)


def test_any_tool_can_be_called_with_any_input() -> None:
    asked = newest([user('{{tool: Grep {"pattern": "a}", "where": {"in": "x"}}}}')])
    assert plan(asked).tool == ("Grep", {"pattern": "a}", "where": {"in": "x"}})


def test_a_new_prompt_begins_its_own_script() -> None:
    asked = newest([user("{{bash: ls}}"), result(), user("hello")])
    assert (asked.rounds, asked.earlier) == (0, ["{{bash: ls}}"])
    assert "".join(plan(asked).words) == "You said: hello"


def test_it_streams_what_it_says() -> None:
    with serving() as endpoint:
        body = {"model": "m", "stream": True, "messages": [user("{{think: hm}} {{text: hello there}}")]}
        request = urllib.request.Request(f"{endpoint.url}/v1/messages", json.dumps(body).encode())
        events = urllib.request.urlopen(request, timeout=5).read().decode()
    assert '"text": "hello "' in events and '"thinking": "hm"' in events and "message_stop" in events
    assert endpoint.requests == [body]
