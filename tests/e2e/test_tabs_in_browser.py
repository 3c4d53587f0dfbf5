"""Changes, terminals and files of a session, in a real browser over a whole forge."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.e2e.forge import Forge, wait_for
from tests.e2e.screen import Screen

pytestmark = pytest.mark.e2e


def git(folder: Path, *argv: str) -> None:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    subprocess.run(["git", *who, *argv], cwd=folder, check=True, capture_output=True, timeout=30)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "harbor"
    (folder / "src").mkdir(parents=True)
    (folder / "src/gate.py").write_text("LIMIT = 40\n\n\ndef admit(length: int) -> bool:\n    return length < LIMIT\n")
    (folder / "README.md").write_text("# Harbor\r\nFor ships.\r\n")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "A harbor")
    return folder


@pytest.fixture
def session(forge: Forge, repository: Path) -> str:
    made = forge.session("tabs", source={"type": "local", "path": str(repository), "mode": "in_place"})
    return str(made["id"])


@pytest.fixture
def quiet(page: Page) -> Iterator[Page]:
    """A page that complains of nothing: no error of a script, nothing that its policy forbids."""
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if "Content Security Policy" in message.text else None)
    yield page
    assert said == []


def show(page: Page, forge: Forge, session: str, tab: str) -> None:
    page.goto(f"{forge.url}/sessions/{session}/{tab}")


def test_what_the_agent_changes_appears_in_the_diffs_and_lines_of_it_can_be_asked_about(
    quiet: Page, forge: Forge, session: str, repository: Path
) -> None:
    screen = Screen(quiet, forge).open(session)
    screen.say("{{bash: sed -i 's/40/42/' src/gate.py && echo tides > notes.md}} {{text: Done.}}")
    screen.allow()
    screen.sees("Done.")
    tab = quiet.get_by_role("tab", name="Diffs")
    expect(tab).to_contain_text("2")
    tab.click()
    changes = quiet.get_by_role("region", name="Changes")
    expect(changes).to_contain_text("LIMIT = 42")
    expect(changes).to_contain_text("tides")
    (repository / "src/gate.py").write_text("LIMIT = 43\n")
    quiet.get_by_role("button", name="Look again").click()
    expect(changes).to_contain_text("LIMIT = 43")
    quiet.get_by_role("button", name="Line 1 (added)").last.click()
    quiet.get_by_role("button", name="Ask the agent about this").click()
    expect(screen.composer).to_have_value(re.compile(r"src/gate\.py:1.*\+LIMIT = 43", re.DOTALL))


def test_a_terminal_runs_a_shell_and_comes_back_with_its_screen(
    quiet: Page, forge: Forge, session: str, repository: Path
) -> None:
    show(quiet, forge, session, "terminal")
    quiet.get_by_role("button", name="New terminal").click()
    expect(quiet.locator("[data-terminal=open]")).to_be_visible()
    quiet.keyboard.type("echo $((6*7)) > answer; printf '\\033[38;2;200;100;50mwarm\\033[0m %s\\n' \"$(stty size)\"\n")
    wait_for("the shell's answer", (repository / "answer").exists)
    expect(quiet.locator(".xterm-rows")).to_contain_text(re.compile(r"warm \d+ \d+"))
    quiet.reload()
    expect(quiet.locator(".xterm-rows")).to_contain_text(re.compile(r"warm \d+ \d+"))
    quiet.keyboard.type("exit\n")
    expect(quiet.get_by_text("The program ended.")).to_be_visible()


def test_a_file_is_found_edited_and_saved_unless_it_is_another_by_now(
    quiet: Page, forge: Forge, session: str, repository: Path
) -> None:
    show(quiet, forge, session, "files?find=content")
    quiet.get_by_role("searchbox", name="Words in files").fill("admit")
    quiet.get_by_role("button", name=re.compile("def admit")).click()
    editor = quiet.get_by_role("textbox", name="src/gate.py")
    expect(editor).to_contain_text("return length < LIMIT")
    editor.press("Control+End")
    quiet.keyboard.type("# c j k")
    editor.press("Control+s")
    wait_for("the file to be saved", lambda: (repository / "src/gate.py").read_text().endswith("# c j k"))
    expect(quiet.get_by_text("not saved", exact=True)).to_have_count(0)
    quiet.keyboard.type("!")
    (repository / "src/gate.py").write_text("theirs\n")
    editor.press("Control+s")
    dialog = quiet.get_by_role("dialog", name="The file changed on disk")
    dialog.get_by_role("button", name="Compare").click()
    expect(dialog).to_contain_text("theirs")
    dialog.get_by_role("button", name="Overwrite it").click()
    wait_for("it to be overwritten", lambda: (repository / "src/gate.py").read_text().endswith("# c j k!"))


def test_files_are_made_uploaded_renamed_and_deleted(quiet: Page, forge: Forge, session: str, repository: Path) -> None:
    show(quiet, forge, session, "files")
    quiet.get_by_role("button", name="New file").click()
    quiet.keyboard.type("plan.md")
    quiet.keyboard.press("Enter")
    editor = quiet.get_by_role("textbox", name="plan.md")
    editor.press("a")
    editor.press("Control+s")
    wait_for("the new file", lambda: (repository / "plan.md").exists() and (repository / "plan.md").read_text() == "a")
    files: list[FilePayload] = [{"name": name, "mimeType": "text/plain", "buffer": b"new"} for name in ("README.md", "up.txt")]
    quiet.locator("input[type=file]").set_input_files(files)
    wait_for("the upload", (repository / "up.txt").exists)
    expect(quiet.get_by_role("dialog", name="This file exists already")).to_be_visible()
    quiet.get_by_role("button", name="Keep what is there").click()
    assert (repository / "README.md").read_text() != "new"
    quiet.get_by_role("treeitem", name="up.txt").focus()
    quiet.keyboard.press("F2")
    quiet.keyboard.press("Control+a")
    quiet.keyboard.type("src/down.txt")
    quiet.keyboard.press("Enter")
    wait_for("the new name", (repository / "src/down.txt").exists)
    expect(quiet.get_by_role("dialog")).to_have_count(0)
    quiet.get_by_role("treeitem", name="plan.md").focus()
    quiet.keyboard.press("Delete")
    quiet.get_by_role("dialog").get_by_role("button", name="Delete").click()
    wait_for("the file to go", lambda: not (repository / "plan.md").exists())


def test_saving_keeps_the_line_ends_of_a_file(quiet: Page, forge: Forge, session: str, repository: Path) -> None:
    show(quiet, forge, session, "files?path=README.md")
    editor = quiet.get_by_role("textbox", name="README.md")
    editor.press("Control+Home")
    quiet.keyboard.type("x")
    editor.press("Enter")
    editor.press("Control+s")
    wait_for("the file to be saved", lambda: (repository / "README.md").read_bytes() == b"x\r\n# Harbor\r\nFor ships.\r\n")


def test_what_needs_a_running_session_says_so(quiet: Page, forge: Forge, session: str) -> None:
    forge.api("POST", f"/sessions/{session}/stop")
    forge.until(session, "stopped")
    for tab, what in (("diffs", "Its changes"), ("terminal", "Its terminals"), ("files", "Its files"), ("code", "Its editor")):
        show(quiet, forge, session, tab)
        expect(quiet.get_by_text(f"{what} can be reached while it runs.")).to_be_visible()
    quiet.get_by_role("main").get_by_role("button", name="Start").last.click()
    expect(quiet.get_by_text(re.compile("code-server|VS Code")).first).to_be_visible(timeout=30_000)
