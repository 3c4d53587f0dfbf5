"""What a person can get wrong: each time the cause and the way out are said, and nothing is lost."""

import os
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.forge import Forge, forge_at, wait_for

pytestmark = pytest.mark.e2e


def volundr(home: Path, *argv: str) -> tuple[int, str]:
    home.mkdir(mode=0o700, exist_ok=True)
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "VOLUNDR_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-m", "volundr", *argv], env=env, capture_output=True, text=True, timeout=30, check=False
    )
    return done.returncode, done.stdout + done.stderr


def refused(forge: Forge, source: dict[str, Any] | None = None, name: str = "wanted", **more: Any) -> str:
    """Create a session that cannot be, and return all that a person is told: at once, or on the session's page."""
    body = {"name": name, "agent": "demo", **({"source": source} if source else {}), **more}
    headers = {"authorization": f"Bearer {forge.token}"}
    answer = httpx.post(f"{forge.url}/api/v1/sessions", json=body, headers=headers, timeout=20)
    if answer.status_code >= 400:
        assert answer.status_code < 500 or answer.status_code == 503, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        return answer.text
    session = forge.until(answer.json()["id"], "failed")
    forge.api("DELETE", f"/sessions/{session['id']}")
    return f"{session['error']}\n{session['hint']}"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    about = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for argv in (["init", "-q", "-b", "main"], [*about, "commit", "-q", "--allow-empty", "-m", "one"]):
        subprocess.run(["git", *argv], cwd=folder, check=True, timeout=20)
    return folder


def test_a_taken_port_that_was_asked_for_is_an_error_that_names_its_owner(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = volundr(tmp_path / "home", "up", "--no-open", "--port", str(port))
    assert code == 1
    assert f"Port {port} is taken" in said
    assert f"process {os.getpid()}" in said
    assert "volundr up --port 0" in said
    assert "Traceback" not in said


UP = """
import asyncio, sys
from dataclasses import replace
from volundr import roles
from volundr.settings import load
settings = load({})
settings = replace(settings, server=replace(settings.server, port=int(sys.argv[1])))
def tell(heard):
    print(heard.note, heard.address, flush=True)
roles.run_forge(settings, tell, print)
"""


def test_a_taken_port_that_nobody_insisted_on_is_replaced_and_said(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "VOLUNDR_HOME": str(home)}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        argv = [sys.executable, "-c", UP, str(port)]
        with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as forge:
            try:
                assert forge.stdout is not None
                said = forge.stdout.readline()
            finally:
                forge.terminate()
                forge.wait(30)
    assert f"Port {port} is taken" in said and f"process {os.getpid()}" in said
    assert "using" in said and f"localhost:{port}" not in said.partition("using")[2]


def test_a_name_that_is_no_label_is_refused_with_the_rule(forge: Forge) -> None:
    for name in ("Upper", "-dash", "dot.ted", "space d", "ü", "../up"):
        assert "lower-case letters, digits" in refused(forge, name=name), name
    assert "63" in refused(forge, name="x" * 64)
    assert "lower-case letters, digits" in forge.cli("sessions", "new", "--empty", "--name", "Bad_Name", check=False)
    assert forge.api("GET", "/sessions")["items"] == []


def test_unknown_fields_and_agents_are_named(forge: Forge) -> None:
    assert "colour" in refused(forge, colour="red")
    assert "depth" in refused(forge, {"type": "empty", "depth": 1})
    assert "nobody" in refused(forge, agent="nobody")
    headers = {"authorization": f"Bearer {forge.token}", "content-type": "application/json"}
    answer = httpx.post(f"{forge.url}/api/v1/sessions", content=b"{half", headers=headers)
    assert answer.status_code == 422 and answer.headers["content-type"] == "application/problem+json"


def test_a_folder_that_cannot_be_used_is_named_with_the_reason(forge: Forge, tmp_path: Path) -> None:
    plain, file = tmp_path / "plain", tmp_path / "file"
    plain.mkdir()
    file.write_text("no folder")
    gone = tmp_path / "gone"
    assert f"There is no folder {gone}" in refused(forge, {"type": "local", "path": str(gone)})
    assert f"{file} is a file" in refused(forge, {"type": "local", "path": str(file), "mode": "in_place"})
    assert "not a whole path" in refused(forge, {"type": "local", "path": "relative/folder"})
    said = refused(forge, {"type": "local", "path": str(plain)})
    assert "git init" in said and "in place" in said
    assert list(plain.iterdir()) == []


def test_a_branch_that_is_missing_is_named_beside_those_that_are_there(forge: Forge, repository: Path) -> None:
    said = refused(forge, {"type": "local", "path": str(repository), "branch": "nowhere"})
    assert "nowhere" in said and "main" in said
    said = refused(forge, {"type": "git", "url": f"file://{repository}", "branch": "nowhere"})
    assert "nowhere" in said and "main" in said


def test_a_git_url_that_fails_shows_what_git_said(forge: Forge, tmp_path: Path) -> None:
    assert "does not appear to be a git repository" in refused(forge, {"type": "git", "url": f"file://{tmp_path}/none"})
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    said = refused(forge, {"type": "git", "url": f"http://127.0.0.1:{port}/none.git"})
    assert "127.0.0.1" in said and ("onnect" in said), said
    assert "looks like https://" in refused(forge, {"type": "git", "url": "what is this"})
    assert "key" in refused(forge, {"type": "git", "url": "https://ada:sesame@example.invalid/x.git"}).lower()
    assert "sesame" not in (forge.home / "logs" / "forge.log").read_text()


def test_a_workspace_that_failed_leaves_no_folder_behind(forge: Forge, tmp_path: Path) -> None:
    refused(forge, {"type": "git", "url": f"file://{tmp_path}/none"})
    place = forge.home / "workspaces"
    wait_for("no folder", lambda: not place.exists() or not list(place.iterdir()))


@pytest.mark.parametrize("harm", ["garbage", "cut", "holes"])
def test_a_damaged_database_is_refused_with_the_way_back_and_not_touched(tmp_path: Path, harm: str) -> None:
    home = tmp_path / "home"
    with forge_at(home) as forge:
        for number in range(40):
            forge.api("POST", "/sessions", {"name": f"session-{number}", "agent": "demo", "start": False})
    file = home / "volundr.db"
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    whole = file.read_bytes()
    broken = {
        "garbage": b"this was a database once\n" * 500,
        "cut": whole[: len(whole) // 2],
        "holes": whole[:4096] + b"\xaa" * (len(whole) - 8192) + whole[-4096:],
    }[harm]
    file.write_bytes(broken)
    code, said = volundr(home, "up", "--no-open", "--port", "0")
    assert code == 1, said
    assert str(file) in said and "damaged" in said and "put back a copy" in said
    assert "Traceback" not in said
    assert file.read_bytes() == broken
    file.write_bytes(whole)
    with forge_at(home) as forge:
        assert len(forge.api("GET", "/sessions?limit=100")["items"]) == 40
