"""Named ways to run a session."""

import pytest

from volundr.domain.errors import Invalid
from volundr.domain.sessions.definition import SessionDefinition, complete
from volundr.domain.sessions.spec import SessionSpec

FAST = SessionDefinition(name="fast", agent="claude", transport="per_message", model="small", env={"A": "1", "B": "1"})


def test_a_definition_fills_what_the_session_leaves_open() -> None:
    spec = SessionSpec(session_id="s", name="n", agent="", transport="", definition="fast", model="big", env={"B": "2"})
    full = complete(spec, {"fast": FAST})
    assert (full.agent, full.transport, full.model) == ("claude", "per_message", "big")
    assert full.env == {"A": "1", "B": "2"}


def test_without_a_definition_nothing_changes() -> None:
    spec = SessionSpec(session_id="s", name="n", agent="demo")
    assert complete(spec, {"fast": FAST}) is spec


def test_a_definition_that_does_not_exist_is_answered_with_those_that_do() -> None:
    with pytest.raises(Invalid, match="slow") as raised:
        complete(SessionSpec(session_id="s", name="n", agent="", definition="slow"), {"fast": FAST})
    assert "fast" in raised.value.hint
