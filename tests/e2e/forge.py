"""A whole forge in a folder of its own: its processes, its sessions, and a client of its API."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

AGENTS = Path(__file__).resolve().parents[1] / "agents/node_modules/.bin"
PATIENCE = 30.0
VOLUNDR = (sys.executable, "-m", "volundr")


def wait_for[T](what: str, ask: Callable[[], T | bool | None], seconds: float = PATIENCE) -> T:
    """The first true answer. A test that waits says for what."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := ask():
            return found  # type: ignore[return-value]
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds:.0f} s for: {what}")


@dataclass(slots=True)
class Forge:
    home: Path
    env: Mapping[str, str]
    url: str = ""
    link: str = ""
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    program: Sequence[str] = VOLUNDR

    def up(self) -> None:
        """Start it in the foreground, as a person would, and wait for what it prints. Again: on the port it had."""
        argv = [*self.program, "up", "--no-open", "--port", self.url.rpartition(":")[2] or "0"]
        with (self.home / "up.log").open("w") as log:
            self.process = subprocess.Popen(argv, env=dict(self.env), stdout=log, stderr=subprocess.STDOUT, cwd=self.home)

        def said() -> str:
            text = (self.home / "up.log").read_text()
            assert self.process is not None and self.process.poll() is None, text
            return text if "/login#" in text else ""

        text = wait_for("the login link", said)
        self.link = next(word for word in text.split() if "/login#" in word)
        self.url = self.link.partition("/login#")[0]

    def cli(self, *argv: str, check: bool = True) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "volundr", *argv],
            env=dict(self.env),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def login_link(self) -> str:
        """A new one: each works once."""
        return str(self.api("POST", "/login/codes")["url"])

    def api(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.ask(method, path, json=body)
        assert answer.status_code < 400, answer.text
        return answer.json() if answer.content else None

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Whatever it answers."""
        headers = {"authorization": f"Bearer {self.token}"}
        return httpx.request(method, f"{self.url}/api/v1{path}", headers=headers, timeout=20, **more)

    @property
    def token(self) -> str:
        return (self.home / "token").read_text().strip()

    def session(self, name: str, agent: str = "demo", **more: Any) -> dict[str, Any]:
        """A new session that runs."""
        made = self.api("POST", "/sessions", {"name": name, "agent": agent, **more})
        return self.until(made["id"], "running")

    def until(self, session_id: str, status: str) -> dict[str, Any]:
        def ask() -> dict[str, Any] | None:
            found: dict[str, Any] = self.api("GET", f"/sessions/{session_id}")
            assert status == "failed" or found["status"] != "failed", found
            return found if found["status"] == status else None

        return wait_for(f"the session to be {status}", ask)

    def records(self, session_id: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log(session_id)]

    def log(self, session_id: str) -> list[str]:
        """The session's records as they stand on the disk."""
        lines = (self.home / "sessions" / session_id / "log.ndjson").read_text().splitlines()
        return [line[10:] for line in lines]

    def agents(self, session_id: str) -> set[int]:
        """The agent CLIs that work in this session's workspace."""
        place = self.home / "workspaces" / session_id
        own = {pid: command for pid, command in self.processes().items() if "volundr shim" not in command}
        return {pid for pid in own if _folder(pid) == str(place)}

    def pid(self, role: str) -> int:
        return int(json.loads((self.home / "run" / f"{role}.json").read_text())["pid"])

    def kill(self, role: str) -> int:
        pid = self.pid(role)
        os.kill(pid, signal.SIGKILL)
        if role == "forge" and self.process is not None:
            self.process.wait(10)
        return pid

    def processes(self) -> dict[int, str]:
        """Everything alive that this forge started, by its environment."""
        mark = f"VOLUNDR_HOME={self.home}".encode()
        workspace = str(self.home / "workspaces").encode()
        found = {}
        for folder in Path("/proc").iterdir():
            if not folder.name.isdecimal() or int(folder.name) == os.getpid():
                continue
            try:
                variables = (folder / "environ").read_bytes()
                place = os.readlink(folder / "cwd").encode()
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if mark in variables.split(b"\0") or place.startswith(workspace):
                found[int(folder.name)] = command
        return found

    def down(self) -> None:
        """Ctrl-C, and nothing is left."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(40)
        self.cli("down", check=False)
        wait_for("every process to be gone", lambda: not self.processes())


def _folder(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""


@contextmanager
def forge_at(home: Path, program: Sequence[str] = VOLUNDR, **more: str) -> Iterator[Forge]:
    """A forge that is up. `more` is environment; agents find the CLIs of tests/agents."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    person = home / "person"
    person.mkdir(exist_ok=True)
    (person / ".gitconfig").write_text("[user]\nname = Ada\nemail = ada@example.org\n[init]\ndefaultBranch = main\n")
    env = {
        "PATH": f"{AGENTS}:{os.environ['PATH']}",
        "HOME": str(person),
        "LANG": "C.UTF-8",
        "VOLUNDR_HOME": str(home),
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        **more,
    }
    forge = Forge(home, env, program=program)
    try:
        forge.up()
        yield forge
    finally:
        forge.down()
