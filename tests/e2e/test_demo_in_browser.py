"""A new user's first minutes, in a real browser, with the demo agent."""

import re
import subprocess
import sys

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.forge import Forge, wait_for
from tests.e2e.screen import Screen

pytestmark = pytest.mark.e2e


def test_the_login_link_works_once_and_shows_what_was_found(browser: Browser, forge: Forge) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(forge.link)
    expect(page.get_by_text("The forge is lit")).to_be_visible()
    expect(page.get_by_text("Claude Code")).to_be_visible()
    (cookie,) = context.cookies()
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict"
    assert "#" not in page.url
    context.close()
    stranger = browser.new_context()
    again = stranger.new_page()
    again.goto(forge.link)
    expect(again.get_by_text("used before or is over")).to_be_visible()
    stranger.close()


def test_a_session_is_made_in_the_dialog_and_talks(page: Page, forge: Forge) -> None:
    page.goto(forge.url)
    page.get_by_role("button", name="New session").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("tab", name="Empty").click()
    dialog.get_by_text("Demo (no model, no account)").click()
    dialog.get_by_label("Name").fill("First Steps")
    expect(dialog.get_by_text(re.compile("lower-case", re.IGNORECASE))).to_be_visible()
    dialog.get_by_label("Name").fill("first-steps")
    dialog.get_by_role("button", name="Create and start").click()
    screen = Screen(page, forge)
    expect(screen.composer).to_be_visible()
    screen.say("hello")
    screen.sees("demo agent")


def test_tools_ask_and_do_what_is_decided(page: Page, forge: Forge) -> None:
    session = forge.session("tools")
    screen = Screen(page, forge).open(session["id"])
    workspace = forge.home / "workspaces" / session["id"]
    screen.say("{{bash: touch allowed.txt}} {{text: Done.}}")
    screen.allow("touch allowed.txt")
    screen.sees("Done.")
    wait_for("the tool to have run", (workspace / "allowed.txt").exists)
    screen.say("{{bash: touch denied.txt}} {{text: Done.}}")
    screen.deny("not that one")
    screen.sees("not that one")
    wait_for("the turn to end", lambda: forge.records(session["id"])[-1]["type"] == "turn_finished")
    assert not (workspace / "denied.txt").exists()
    kinds = [record["type"] for record in forge.records(session["id"])]
    assert kinds.count("permission_delivered") == 2


def test_a_rule_for_the_session_is_not_asked_again(page: Page, forge: Forge) -> None:
    session = forge.session("rules")
    screen = Screen(page, forge).open(session["id"])
    screen.say("{{bash: touch twice.txt}} {{text: Done.}}")
    screen.question.get_by_role("button", name="For this session").click()
    screen.sees("Done.", times=2)
    screen.say("{{bash: touch twice.txt}} {{text: Done.}}")
    screen.sees("Done.", times=4)
    expect(screen.question).to_have_count(0)


def test_an_interrupt_ends_the_turn_and_the_next_message_is_answered(page: Page, forge: Forge) -> None:
    session = forge.session("break")
    screen = Screen(page, forge).open(session["id"])
    screen.say("{{slow: 400 0.05}}")
    screen.sees("word3")
    page.get_by_role("button", name="Interrupt").click()
    screen.sees("Interrupted")
    screen.say("{{text: still here}}")
    screen.sees("still here")


def test_stop_and_start_keep_the_conversation(page: Page, forge: Forge) -> None:
    session = forge.session("again")
    screen = Screen(page, forge).open(session["id"])
    screen.say("{{text: the first answer}}")
    screen.sees("the first answer")
    page.get_by_role("button", name="Stop", exact=True).click()
    forge.until(session["id"], "stopped")
    page.get_by_role("button", name="Start", exact=True).first.click()
    forge.until(session["id"], "running")
    screen.sees("the first answer")
    screen.say("{{text: the second answer}}")
    screen.sees("the second answer")
    page.reload()
    screen.sees("the first answer")
    screen.sees("the second answer", times=2)  # what was said, and the answer


def test_a_second_window_shows_the_same_live(window: BrowserContext, forge: Forge) -> None:
    session = forge.session("shared")
    one = Screen(window.new_page(), forge).open(session["id"])
    other = Screen(window.new_page(), forge).open(session["id"])
    one.say("{{slow: 30 0.05}} {{bash: touch x}} {{text: Done.}}")
    other.sees("word5")
    other.allow("touch x")
    expect(one.question).to_have_count(0)
    one.sees("Done.")
    other.sees("Done.")


def test_the_list_updates_itself(page: Page, forge: Forge) -> None:
    page.goto(forge.url)
    expect(page.get_by_text("The forge is lit")).to_be_visible()
    session = forge.session("from-elsewhere")
    row = page.get_by_role("link", name=re.compile("from-elsewhere"))
    expect(row).to_be_visible()
    argv = [sys.executable, "-m", "volundr", "chat", "from-elsewhere", "{{bash: touch y}}"]
    elsewhere = subprocess.Popen(argv, env=dict(forge.env))
    expect(page.get_by_text("Waiting for you").first).to_be_visible()
    elsewhere.terminate()
    elsewhere.wait(10)
    forge.api("DELETE", f"/sessions/{session['id']}")
    expect(row).to_have_count(0)


def test_a_phone_gets_one_column_and_can_answer(browser: Browser, forge: Forge) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.goto(forge.login_link())
    page.wait_for_url(lambda url: "login" not in url)
    session = forge.session("phone")
    screen = Screen(page, forge).open(session["id"])
    screen.say("{{bash: touch z}} {{text: Done.}}")
    screen.allow("touch z")
    screen.sees("Done.")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    context.close()


def test_what_was_said_can_be_read_while_the_session_is_stopped_and_when_it_is_archived(page: Page, forge: Forge) -> None:
    session = forge.session("kept")
    screen = Screen(page, forge).open(session["id"])
    screen.say("{{text: worth keeping}}")
    screen.sees("worth keeping")
    forge.api("POST", f"/sessions/{session['id']}/stop")
    forge.until(session["id"], "stopped")
    page.reload()
    screen.sees("worth keeping")
    forge.api("POST", f"/sessions/{session['id']}/archive")
    forge.session("another")
    page.reload()
    screen.sees("worth keeping")
