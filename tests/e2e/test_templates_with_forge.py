"""A template, a preset and a profile make a session in a real forge: its folders, its setup, its first words."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.forge import Forge, forge_at, wait_for
from tests.fake_models.anthropic import serving

pytestmark = pytest.mark.e2e

TEMPLATE = """\
description: A shop and its documents
profile: usual
source:
  url: {folder}/shop.git
repositories:
  - url: {folder}/docs.git
    path: further/docs
layout:
  folders: [notes]
  files:
    notes/README.md: |
      Begin here.
setup:
  - |
    echo "setting up in $(pwd)"
    cat shop.txt further/docs/docs.txt notes/README.md > made.txt
    echo "$COLOUR $SIZE" >> made.txt
  - |
    echo again >> attempts.txt
    test -e "$HOME/go" || {{ echo "the gate is shut"; exit 3; }}
initial_prompt: "{{{{text: I begin.}}}}"
"""


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[Forge]:
    with forge_at(tmp_path / "home") as made:
        yield made


def origin(folder: Path, name: str) -> None:
    work = folder / name
    work.mkdir()
    (work / f"{name}.txt").write_text(f"{name}\n")
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main")
    for argv in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"], ["clone", "-q", "--bare", ".", f"{work}.git"]):
        subprocess.run(["git", *who, *argv], cwd=work, check=True, capture_output=True)


def prepare(forge: Forge, folder: Path) -> str:
    """The files and the preset; the preset's id."""
    for name in ("shop", "docs"):
        origin(folder, name)
    for kind, name, text in (
        ("templates", "shop", TEMPLATE.format(folder=folder)),
        ("profiles", "usual", "env: {COLOUR: blue, SIZE: small}\nsystem_prompt: Be kind.\n"),
    ):
        (forge.home / kind).mkdir(exist_ok=True)
        (forge.home / kind / f"{name}.yaml").write_text(text)
    body = {"name": "mine", "agent": "demo", "template": "shop", "env": {"COLOUR": "red"}}
    return str(forge.api("POST", "/presets", body)["id"])


def told(forge: Forge, session_id: str) -> list[str]:
    return [record["text"] for record in forge.records(session_id) if record["type"] == "user_message"]


def answers(forge: Forge, session_id: str) -> list[str]:
    return [record["text"] for record in forge.records(session_id) if record["type"] == "agent_message"]


def test_a_session_is_made_as_its_template_and_preset_say(forge: Forge, tmp_path: Path) -> None:
    preset = prepare(forge, tmp_path)
    made = forge.api("POST", "/sessions", {"name": "shop", "options": {"preset": preset}})
    assert made["agent"] == "demo"
    chosen = {name: made["options"][name] for name in ("preset", "template", "profile")}
    assert chosen == {"preset": preset, "template": "shop", "profile": "usual"}
    failed = forge.until(made["id"], "failed")
    assert "Setup script 3 failed: it ended with exit code 3." in failed["error"]
    assert "the gate is shut" in failed["error"]
    workspace = Path(failed["workspace"])
    assert (workspace / "made.txt").read_text() == "shop\ndocs\nBegin here.\nred small\n"
    log = forge.api("GET", f"/sessions/{made['id']}/logs")["lines"]
    assert f"setting up in {workspace}" in log
    assert "Setting up: 4 of 4, setup script 3" in log
    (forge.home / "person/go").touch()
    forge.api("POST", f"/sessions/{made['id']}/start")
    forge.until(made["id"], "running")
    wait_for("the agent's first words", lambda: answers(forge, made["id"]) == ["I begin."])
    assert (workspace / "attempts.txt").read_text() == "again\nagain\n"
    assert (workspace / "made.txt").read_text().count("shop") == 1
    assert told(forge, made["id"]) == ["{{text: I begin.}}"]
    forge.api("POST", f"/sessions/{made['id']}/stop")
    forge.until(made["id"], "stopped")
    forge.api("POST", f"/sessions/{made['id']}/start")
    forge.until(made["id"], "running")
    assert told(forge, made["id"]) == ["{{text: I begin.}}"]
    assert (workspace / "attempts.txt").read_text() == "again\nagain\n"


def test_a_skuld_that_is_killed_at_any_point_says_the_first_words_once(forge: Forge, tmp_path: Path) -> None:
    (forge.home / "templates").mkdir()
    setup = 'setup:\n  - echo one >> steps\n  - echo $$ > pid; test -e "$HOME/go" || exec sleep 300\n'
    (forge.home / "templates/slow.yaml").write_text(f'agent: demo\n{setup}initial_prompt: "{{{{text: I begin.}}}}"\n')
    made = forge.api("POST", "/sessions", {"name": "slow", "options": {"template": "slow"}})
    workspace = forge.home / "workspaces" / made["id"]
    wait_for("the second script", lambda: (workspace / "pid").exists() and (workspace / "pid").read_text())
    wait_for("its step", lambda: "Setting up: 2 of 2" in forge.api("GET", f"/sessions/{made['id']}")["step"])
    left = int((workspace / "pid").read_text())
    (forge.home / "person/go").touch()
    forge.kill("skuld")
    forge.until(made["id"], "running")
    assert not Path(f"/proc/{left}").exists()
    for _ in range(2):
        forge.kill("skuld")
        wait_for("Skuld", lambda: forge.ask("GET", f"/sessions/{made['id']}/logs").status_code == 200)
    wait_for("the turn's end", lambda: any(record["type"] == "turn_finished" for record in forge.records(made["id"])))
    assert (workspace / "steps").read_text() == "one\n"
    assert told(forge, made["id"]) == ["{{text: I begin.}}"]
    assert answers(forge, made["id"]) == ["I begin."]


@pytest.mark.skipif(
    not (Path(__file__).parents[1] / "agents/node_modules/.bin/claude").exists(),
    reason="`npm ci` in tests/agents installs Claude Code",
)
def test_the_real_claude_gets_the_system_prompt_and_the_first_words(tmp_path: Path) -> None:
    with serving() as model, forge_at(tmp_path / "home", ANTHROPIC_BASE_URL=model.url, ANTHROPIC_API_KEY="fake") as forge:
        (forge.home / "profiles").mkdir()
        (forge.home / "profiles/usual.yaml").write_text("is_default: true\nsystem_prompt: Speak like a blacksmith.\n")
        body = {"name": "first", "agent": "claude", "options": {"initial_prompt": "{{text: The iron is hot.}}"}}
        made = forge.api("POST", "/sessions", body)
        forge.until(made["id"], "running")
        wait_for("Claude's answer", lambda: answers(forge, made["id"]) == ["The iron is hot."], 60)
        asked = [request for request in model.requests if "{{text: The iron is hot.}}" in json.dumps(request.get("messages"))]
        assert len([one for one in asked if "Speak like a blacksmith." in json.dumps(one.get("system"))]) >= 1
        assert told(forge, made["id"]) == ["{{text: The iron is hot.}}"]
