"""Frames that a client should not send, through the gateway of a real forge."""

import json

import pytest

from tests.chat_client import Watcher
from tests.e2e.forge import Forge, wait_for
from tests.kill.watch import assert_each_record_once, attached, turn_end

pytestmark = pytest.mark.e2e

BAD = {
    "no JSON": "{nonsense",
    "no object": "[1, 2]",
    "no type": json.dumps({"id": "a", "text": "b"}),
    "a type nobody knows": json.dumps({"type": "sing"}),
    "a field nobody knows": json.dumps({"type": "send", "id": "a", "text": "b", "extra": 1}),
    "a number for a text": json.dumps({"type": "send", "id": 7, "text": "b"}),
    "half a surrogate pair": '{"type": "send", "id": "a", "text": "\\ud800"}',
    "no text at all": json.dumps({"type": "send", "id": "a", "text": ""}),
    "attached twice": json.dumps({"type": "attach"}),
    "a permission nobody asked for": json.dumps({"type": "decide", "id": "ghost", "decision": "allow"}),
    "a decision that is none": json.dumps({"type": "decide", "id": "ghost", "decision": "perhaps"}),
}


def refusal(chat: Watcher, count: int) -> str:
    """The cause that the `count`th refusal names."""
    return str(wait_for("a refusal", lambda: chat.told("rejected")[count - 1 : count])[0]["error"])


def test_a_bad_frame_is_rejected_with_its_cause_and_the_connection_stays(forge: Forge) -> None:
    session = forge.session("frames")
    with attached(forge, session) as chat:
        for count, (what, text) in enumerate(BAD.items(), 1):
            chat.put(text)
            assert len(refusal(chat, count)) > 10, what
        assert "extra" in chat.told("rejected")[4]["error"]
        chat.say("{{text: unharmed}}")
        assert turn_end(chat, 1)["status"] == "ok"
        assert chat.client.connections == 1
        assert_each_record_once(forge, session, chat)


def test_an_oversized_frame_harms_nobody_else(forge: Forge) -> None:
    session = forge.session("huge")
    with attached(forge, session) as chat, attached(forge, session) as other:
        chat.put('{"type": "send", "id": "big", "text": "' + "x" * (17 * 1024 * 1024) + '"}')
        wait_for("an answer", lambda: chat.told("rejected") or chat.client.connections > 1)
        wait_for("the client to be attached", chat.client.attached.is_set)
        chat.say("{{text: unharmed}}")
        assert turn_end(chat, 1)["status"] == "ok"
        assert turn_end(other, 1)["status"] == "ok"
        assert other.client.connections == 1
        assert not any(record["id"] == "big" for record in other.of("user_message"))
        assert_each_record_once(forge, session, chat)


def test_a_large_message_within_the_limit_arrives_whole(forge: Forge) -> None:
    session = forge.session("large")
    text = "{{text: read it all}}" + "y" * (4 * 1024 * 1024)
    with attached(forge, session) as chat:
        chat.say(text)
        assert turn_end(chat, 1)["status"] == "ok"
        assert chat.of("user_message")[0]["text"] == text
        assert_each_record_once(forge, session, chat)
