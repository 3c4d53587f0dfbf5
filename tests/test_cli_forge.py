"""The command line with a whole forge behind it: real processes, the demo agent, a home of its own."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from volundr import client
from volundr.local import runfile
from volundr.process import Running

pytestmark = pytest.mark.e2e

COMMAND = [sys.executable, "-P", "-m", "volundr"]


class Machine:
    """One home, and `volundr` run on it as a person would."""

    def __init__(self, home: Path) -> None:
        self.home = home
        kept = {name: value for name, value in os.environ.items() if not name.startswith("VOLUNDR_") and name != "DISPLAY"}
        self.env = {**kept, "VOLUNDR_HOME": str(home), "NO_COLOR": "1"}

    def __call__(self, *arguments: str, code: int | None = 0, limit: float = 60) -> str:
        done = subprocess.run([*COMMAND, *arguments], env=self.env, capture_output=True, text=True, timeout=limit, check=False)
        said = done.stdout + done.stderr
        assert code is None or done.returncode == code, f"exit code {done.returncode}\n{said}\n{self.logs()}"
        return said

    def up(self) -> Running:
        self("up", "--detach", "--port", "0")
        return self.running("forge")

    def running(self, name: str) -> Running:
        found = runfile.read(self.home, name)
        assert found is not None, name
        return found

    def logs(self) -> str:
        return "\n".join(f"--- {path.name}\n{path.read_text()[-3000:]}" for path in (self.home / "logs").glob("*.log"))


def until(true: Callable[[], bool], limit: float = 20) -> None:
    deadline = time.monotonic() + limit
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def volundr(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path / "home")
    yield machine
    machine("down", code=None)
    for name in ("forge", "skuld", "shim"):
        left = runfile.read(machine.home, name)
        assert left is None or not left.alive(), f"{name} is left"


def test_a_first_session_from_up_to_down(volundr: Machine) -> None:
    assert re.search(r"Sign in: http://localhost:\d+/login#\S+", volundr("up", "--detach", "--port", "0"))
    assert "sessions none" in re.sub(" +", " ", volundr("status"))
    assert "idle" in volundr("sessions", "new", "--agent", "demo", "--empty", "--name", "x", "--wait")
    assert volundr("chat", "x", "hello").strip()
    (session,) = json.loads(volundr("sessions", "list", "--json"))
    assert (session["name"], session["agent"], session["status"]) == ("x", "demo", "running")
    assert "workspace" in volundr("sessions", "show", session["id"][:8])
    assert "stopped" in volundr("sessions", "stop", "x", "--wait")
    assert "idle" in volundr("sessions", "start", "x", "--wait")
    volundr("chat", "x", "hello again")
    assert "archived" in volundr("sessions", "archive", "x")
    assert "There are no sessions" in volundr("sessions", "list")
    assert "x " in volundr("sessions", "list", "--all")
    assert "stopped" in volundr("sessions", "restore", "x")
    assert "x is deleted" in volundr("sessions", "rm", "x", "--yes")
    assert "There is no session 'x'" in volundr("sessions", "show", "x", code=1)
    processes = [volundr.running(name) for name in ("forge", "skuld", "shim")]
    assert "has ended" in volundr("down")
    assert not any(process.alive() for process in processes)
    assert sorted(path.name for path in (volundr.home / "run").iterdir() if path.suffix != ".json") == ["forge.lock"]


def test_up_on_a_running_forge_gives_a_new_link_and_the_second_one_is_no_second_forge(volundr: Machine) -> None:
    forge = volundr.up()
    said = volundr("up", "--no-open")
    assert f"already runs at {forge.address}" in said
    assert "/login#" in said
    assert volundr.running("forge") == forge
    assert "/login#" in volundr("open", "--no-open")


def test_a_killed_forge_finds_its_sessions_again(volundr: Machine) -> None:
    forge = volundr.up()
    volundr("sessions", "new", "--agent", "demo", "--empty", "--name", "x", "--wait")
    before = volundr.running("skuld"), volundr.running("shim")
    forge.signal(signal.SIGKILL)
    until(lambda: not forge.alive())
    assert "still runs" in volundr("status", code=3)
    volundr.up()
    assert (volundr.running("skuld"), volundr.running("shim")) == before
    assert "idle" in volundr("sessions", "show", "x")
    assert volundr("chat", "x", "hello").strip()


def test_down_ends_what_a_killed_forge_left(volundr: Machine) -> None:
    forge = volundr.up()
    volundr("sessions", "new", "--agent", "demo", "--empty", "--name", "x", "--wait")
    left = volundr.running("skuld"), volundr.running("shim")
    forge.signal(signal.SIGKILL)
    until(lambda: not forge.alive())
    assert "ended what it had left: skuld, shim" in volundr("down")
    assert not any(process.alive() for process in left)


def test_a_killed_skuld_and_a_killed_shim_come_back(volundr: Machine) -> None:
    volundr.up()
    volundr("sessions", "new", "--agent", "demo", "--empty", "--name", "x", "--wait")
    for name in ("skuld", "shim"):
        before = volundr.running(name)
        before.signal(signal.SIGKILL)
        until(lambda name=name, before=before: volundr.running(name) != before)  # type: ignore[misc]
        assert volundr("chat", "x", f"hello after {name}").strip()


def test_a_taken_port_is_said_and_the_next_one_used_unless_it_was_asked_for(volundr: Machine) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"Port {port} is taken" in volundr("up", "--port", port, code=1)


def test_ctrl_c_ends_sessions_and_processes(volundr: Machine) -> None:
    forge = subprocess.Popen(
        [*COMMAND, "up", "--port", "0", "--no-open"], env=volundr.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert forge.stdout is not None
    lines = iter(forge.stdout.readline, "")
    assert any(line.startswith("Ctrl-C ends it") for line in lines)
    volundr("sessions", "new", "--agent", "demo", "--empty", "--name", "x", "--wait")
    processes = [volundr.running(name) for name in ("skuld", "shim")]
    forge.send_signal(signal.SIGINT)
    said = forge.communicate(timeout=30)[0]
    assert "Ending" in said
    assert "Traceback" not in said
    assert forge.returncode == 0
    assert not any(process.alive() for process in processes)
    volundr.up()
    assert "stopped" in volundr("sessions", "show", "x")


def test_the_login_link_opens_the_web_ui_and_no_log_holds_it(volundr: Machine) -> None:
    link = re.search(r"Sign in: (\S+)", volundr("up", "--detach", "--port", "0"))
    assert link is not None
    address, _, code = link[1].partition("/login#")
    body = json.dumps({"code": code}).encode()
    headers = {"content-type": "application/json", "origin": address}
    with urllib.request.urlopen(urllib.request.Request(f"{address}/api/v1/login", body, headers), timeout=10) as answer:
        assert "HttpOnly" in answer.headers["set-cookie"]
    secrets = [code, (volundr.home / "secret").read_text().strip(), (volundr.home / "token").read_text().strip()]
    for path in (volundr.home / "logs").iterdir():
        assert not [secret for secret in secrets if secret in path.read_text()], path


def test_a_home_with_a_long_path_works_too(tmp_path: Path) -> None:
    deep = Machine(tmp_path / ("deep" * 25) / "home")
    try:
        deep.up()
        assert "idle" in deep("sessions", "new", "--agent", "demo", "--empty", "--name", "x", "--wait")
        assert client.forge(deep.home) is not None
        assert len(deep.running("skuld").address) <= 100
    finally:
        deep("down", code=None)


def test_doctor_and_ports_know_this_machine(volundr: Machine) -> None:
    said = volundr("doctor", code=None)
    assert re.search(r"ok\s+demo", said)
    assert re.search(r"ok\s+git", said)
    assert re.search(r"PodManager\s+process", volundr("ports"))


def test_an_answer_is_printed_once_and_whole_though_skuld_is_killed_in_the_middle(volundr: Machine) -> None:
    volundr.up()
    volundr("sessions", "new", "--agent", "demo", "--empty", "--name", "x", "--wait")
    undisturbed = volundr("chat", "x", "plan")
    chat = subprocess.Popen([*COMMAND, "chat", "x", "plan"], env=volundr.env, stdout=subprocess.PIPE)
    assert chat.stdout is not None
    begun = os.read(chat.stdout.fileno(), 40)
    volundr.running("skuld").signal(signal.SIGKILL)
    rest = chat.communicate(timeout=60)[0]
    assert chat.returncode == 0
    assert (begun + rest).decode() == undisturbed


def test_questions_are_answered_from_the_inbox_and_a_session_is_forked(volundr: Machine) -> None:
    volundr.up()
    volundr("sessions", "new", "--agent", "demo", "--empty", "--name", "first", "--mode", "default", "--wait")
    asking = subprocess.Popen(
        [*COMMAND, "chat", "first", "run touch made"],
        env=volundr.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        until(lambda: "touch made" in volundr("inbox"), 30)
        [waiting] = json.loads(volundr("inbox", "--json"))
        assert (waiting["session_name"], waiting["tool"]) == ("first", "Bash")
        assert "Nothing waits under" in volundr("inbox", "allow", "nonsense", code=1)
        assert "ids as" in volundr("inbox", "deny", code=1)
        assert "first" in volundr("inbox", "allow", waiting["id"][:8])
        out, _ = asking.communicate(timeout=30)
        assert asking.returncode == 0, out
    finally:
        asking.kill()
        asking.wait()
        assert asking.stdout is not None
        asking.stdout.close()
    until(lambda: "Nothing waits" in volundr("inbox"))
    volundr("sessions", "fork", "first", "--name", "second", "--wait")
    assert "run touch made" in volundr("chat", "second", "what did I say?")
    assert "second" in volundr("sessions", "rm", "first", "--yes", code=1), "its folder is in use"
    volundr("sessions", "rm", "second", "--yes")
    volundr("sessions", "rm", "first", "--yes")
    assert "Nothing is kept longer" in volundr("prune")
