"""What people do while the demo agent works, in a real browser: choose, queue, steer, attach, edit, answer elsewhere."""

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.forge import Forge, wait_for
from tests.e2e.screen import Screen

pytestmark = pytest.mark.e2e

LONG = "{{slow: 4000 20}}"


def delivered(forge: Forge, session: str) -> list[Any]:
    """The answers that its agent got."""
    return [one for one in forge.records(session) if one["type"] == "permission_delivered"]


def test_model_and_mode_are_what_the_agent_offers_and_says(page: Page, forge: Forge) -> None:
    session = forge.session("choices")
    screen = Screen(page, forge).open(session["id"])
    screen.say("hello")
    expect(page.get_by_role("button", name="Model: Demo")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Model:")).click()
    page.get_by_role("menuitemradio", name="Demo, slowly").click()
    expect(page.get_by_role("button", name="Model: Demo, slowly")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Permission mode:")).click()
    page.get_by_role("menuitemradio", name="Edit files without asking").click()
    expect(page.get_by_role("button", name="Permission mode: Edit files without asking")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Model: Demo, slowly")).to_be_visible()


def test_a_waiting_message_is_changed_and_one_is_taken_back_and_one_steers(page: Page, forge: Forge) -> None:
    session = forge.session("queue")
    screen = Screen(page, forge).open(session["id"])
    screen.say(LONG)
    expect(page.get_by_role("button", name="Interrupt")).to_be_visible()
    for words in ("frist", "second", "third"):
        screen.say(words)
    queue = page.get_by_role("region", name="Queued messages")
    expect(queue).to_contain_text("3 messages wait")
    item = queue.get_by_role("listitem").filter(has_text="frist")
    item.get_by_role("button", name="Edit this message").click()
    queue.get_by_role("textbox", name="Change this message").fill("first")
    page.keyboard.press("Enter")
    expect(queue.get_by_role("listitem").filter(has_text="first")).to_contain_text("edited")
    queue.get_by_role("listitem").filter(has_text="second").get_by_role("button", name="Take this message back").click()
    expect(queue).to_contain_text("2 messages wait")
    queue.get_by_role("listitem").filter(has_text="third").get_by_role("button", name="Send now").click()
    expect(queue).to_contain_text("1 message waits")
    wait_for("the steered message", lambda: any(one["type"] == "message_steered" for one in forge.records(session["id"])))
    page.get_by_role("button", name="Interrupt").click()
    screen.sees("first")
    said = [one for one in forge.records(session["id"]) if one["type"] == "turn_started"]
    assert "second" not in str(said)


def test_commands_are_completed_and_files_go_along(page: Page, forge: Forge, tmp_path: Path) -> None:
    session = forge.session("complete")
    screen = Screen(page, forge).open(session["id"])
    screen.say("hello")
    expect(page.get_by_role("button", name=re.compile("^Model:"))).to_be_visible()
    screen.composer.press_sequentially("/mem")
    expect(page.get_by_role("option", name="/memory")).to_be_visible()
    page.keyboard.press("Tab")
    expect(screen.composer).to_have_value("/memory ")
    note = tmp_path / "note.txt"
    note.write_text("a note")
    page.get_by_label("Files to attach").set_input_files(str(note))
    expect(page.get_by_role("list", name="Files of this message")).to_contain_text("6 B")
    page.keyboard.press("Enter")
    link = page.get_by_role("list", name="Attached files").get_by_role("link")
    expect(link).to_contain_text("note.txt")
    answer = page.request.get(forge.url + str(link.get_attribute("href")))
    assert answer.text() == "a note"
    page.reload()
    expect(page.get_by_role("list", name="Attached files")).to_contain_text("note.txt")


def test_a_call_is_changed_before_it_is_allowed(page: Page, forge: Forge) -> None:
    session = forge.session("edited")
    screen = Screen(page, forge).open(session["id"])
    screen.say("run echo one")
    expect(screen.question).to_contain_text("echo one")
    screen.question.get_by_role("button", name="Edit").click()
    box = screen.question.get_by_role("textbox", name="The command, to be changed")
    box.fill("echo two")
    screen.question.get_by_role("button", name="Allow once, as changed").click()
    expect(screen.talk.get_by_text("edited", exact=True)).to_be_visible()
    expect(screen.talk.get_by_text("delivered to agent").first).to_be_visible()
    wait_for("two", lambda: any("two" in str(one.get("output")) for one in forge.records(session["id"])))


def test_questions_and_plans_are_answered_in_their_own_form(page: Page, forge: Forge) -> None:
    session = forge.session("asks")
    screen = Screen(page, forge).open(session["id"])
    screen.say("/ask Which colour?")
    screen.question.get_by_text("Steel").click()
    screen.question.get_by_role("button", name="Answer", exact=True).click()
    screen.sees("Answered")
    screen.say("/plan the bridge")
    expect(screen.question).to_contain_text("Plan: the bridge")
    screen.question.get_by_role("textbox", name="A word on the plan").fill("with a roof")
    screen.question.get_by_role("button", name="Keep planning").click()
    screen.sees("Sent back")
    assert "with a roof" in str(forge.records(session["id"]))


def test_several_sessions_are_answered_from_the_inbox_with_one_key(page: Page, forge: Forge) -> None:
    sessions = [forge.session(name) for name in ("left", "right")]
    for session in sessions:
        Screen(page, forge).open(session["id"]).say("run echo here")
        expect(Screen(page, forge).question).to_be_visible()
    page.goto(f"{forge.url}/inbox")
    waiting = page.get_by_role("region", name="Waiting for you")
    expect(waiting.get_by_text("echo here")).to_have_count(2)
    page.keyboard.press("*")
    page.keyboard.press("y")
    expect(page.get_by_text("Nothing waits for you")).to_be_visible()
    for session in sessions:
        records = wait_for("the answer", partial(delivered, forge, session["id"]))
        assert len(records) == 1
