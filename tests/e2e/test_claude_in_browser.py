"""The real Claude Code against a scripted model, in a real browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.forge import Forge, forge_at, wait_for
from tests.e2e.screen import Screen
from tests.fake_models.anthropic import Endpoint

pytestmark = pytest.mark.e2e


def test_two_turns_an_allowed_tool_a_denied_one_an_interrupt_and_a_native_resume(
    page: Page, forge: Forge, model: Endpoint, claude: str
) -> None:
    session = forge.session("real", agent=claude)
    workspace = forge.home / "workspaces" / session["id"]
    screen = Screen(page, forge).open(session["id"])
    screen.say("{{text: the first answer}}")
    screen.sees("the first answer")
    screen.say("{{bash: touch allowed.txt}}")
    screen.allow("touch allowed.txt")
    screen.sees("Done.")
    assert (workspace / "allowed.txt").exists()
    screen.say("{{write: denied.txt :: no}}")
    screen.deny("leave that file alone")
    wait_for("the denied turn to end", lambda: _turns(forge, session["id"]) == 3)
    assert not (workspace / "denied.txt").exists()
    screen.say("{{slow: 400 0.05}}")
    screen.sees("word3")
    page.get_by_role("button", name="Interrupt").click()
    screen.sees("Interrupted")
    page.get_by_role("button", name="Stop", exact=True).click()
    forge.until(session["id"], "stopped")
    page.get_by_role("button", name="Start", exact=True).first.click()
    forge.until(session["id"], "running")
    screen.say("{{text: after the resume}}")
    screen.sees("after the resume")
    said = str(model.requests[-1]["messages"])
    assert "the first answer" in said and "allowed.txt" in said, "the model was not given the earlier turns"


def test_usage_is_counted_once_a_turn(forge: Forge, claude: str) -> None:
    session = forge.session("usage", agent=claude)
    for text in ("one", "two"):
        forge.cli("chat", "usage", f"{{{{text: {text}}}}}")
    turns = [record for record in forge.records(session["id"]) if record["type"] == "turn_finished"]
    tokens = [sum(usage["input"] for usage in turn["usage"]) for turn in turns]
    assert tokens == [12, 12]


def test_the_same_over_stdio_instead_of_the_shim(tmp_path: Path, model: Endpoint, claude: str) -> None:
    more = {"ANTHROPIC_BASE_URL": model.url, "ANTHROPIC_API_KEY": "fake", "VOLUNDR_TRANSPORT": "stdio"}
    with forge_at(tmp_path / "home", **more) as forge:
        session = forge.session("direct", agent=claude)
        assert "by stdio" in forge.cli("chat", "direct", "{{text: by stdio}}")
        forge.api("POST", f"/sessions/{session['id']}/stop")
        forge.until(session["id"], "stopped")
        forge.api("POST", f"/sessions/{session['id']}/start")
        forge.until(session["id"], "running")
        assert "resumed" in forge.cli("chat", "direct", "{{text: resumed}}")
        assert "by stdio" in str(model.requests[-1]["messages"])


def test_a_key_that_is_refused_is_said_on_the_page(page: Page, forge: Forge, claude: str) -> None:
    session = forge.session("refused", agent=claude)
    screen = Screen(page, forge).open(session["id"])
    screen.say("{{error: 400 invalid_request_error Your credit balance is too low}}")
    expect(page.get_by_text("credit balance is too low").first).to_be_visible()
    expect(page.get_by_text("The account has no credit left").first).to_be_visible()


def test_an_agent_that_is_not_there_is_said_with_what_to_do(browser: Browser, tmp_path: Path) -> None:
    with forge_at(tmp_path / "home", PATH="/usr/bin:/bin") as forge, _signed_in(browser, forge) as page:
        made = forge.api("POST", "/sessions", {"name": "absent", "agent": "claude"})
        failed = forge.until(made["id"], "failed")
        assert "not on this machine" in failed["error"]
        page.goto(f"{forge.url}/sessions/{made['id']}")
        expect(page.get_by_text("is not on this machine").first).to_be_visible()
        expect(page.get_by_text("npm install -g @anthropic-ai/claude-code").first).to_be_visible()


def test_an_agent_that_is_not_logged_in_says_so_in_its_own_words(
    browser: Browser, tmp_path: Path, model: Endpoint, claude: str
) -> None:
    with forge_at(tmp_path / "home", ANTHROPIC_BASE_URL=model.url) as forge, _signed_in(browser, forge) as page:
        session = forge.session("stranger", agent=claude)
        screen = Screen(page, forge).open(session["id"])
        screen.say("hello")
        wait_for("the turn to end", lambda: _turns(forge, session["id"]) == 1)
        (end,) = [record for record in forge.records(session["id"]) if record["type"] == "turn_finished"]
        assert end["status"] == "failed" and "Not logged in" in end["error"]
        expect(page.get_by_text(end["error"]).first).to_be_visible()
        expect(page.get_by_text("log in with /login").first).to_be_visible()
    assert model.requests == []


@contextmanager
def _signed_in(browser: Browser, forge: Forge) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.goto(forge.link)
    page.wait_for_url(lambda url: "login" not in url)
    yield page
    context.close()


def _turns(forge: Forge, session_id: str) -> int:
    return sum(record["type"] == "turn_finished" for record in forge.records(session_id))
