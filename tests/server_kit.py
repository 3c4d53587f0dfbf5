"""A whole server: `volundr serve` in a home of its own, on a schema of the tests' Postgres or on SQLite."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx

from tests.conftest import POSTGRES
from volundr.db.postgres import PostgresDatabase
from volundr.local import runfile

PATIENCE = 60.0


def wait_for[T](what: str, ask: Callable[[], T | None], seconds: float = PATIENCE) -> T:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := ask():
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds:.0f} s for: {what}")


@contextmanager
def schema() -> Iterator[str]:
    """The URL of an empty database."""
    name = f"t{uuid4().hex}"

    async def run(sql: str) -> None:
        db = await PostgresDatabase.open(POSTGRES)
        await db.run(sql)
        await db.close()

    asyncio.run(run(f"CREATE SCHEMA {name}"))
    try:
        yield f"{POSTGRES}{'&' if '?' in POSTGRES else '?'}search_path={name}"
    finally:
        asyncio.run(run(f"DROP SCHEMA {name} CASCADE"))


@dataclass(slots=True)
class Server:
    home: Path
    process: subprocess.Popen[bytes]
    url: str = ""
    token: str = ""

    def said(self) -> str:
        return (self.home / "said.log").read_text()

    def up(self) -> "Server":
        """Wait until it takes requests."""

        def ask() -> str | None:
            assert self.process.poll() is None, self.said()
            line = next((line for line in self.said().splitlines() if line.startswith("Volundr listens at ")), None)
            return line and line.rpartition(" ")[2]

        self.url = wait_for("the server to listen", ask)
        self.token = _read(self.home / "admin-token")
        return self

    @property
    def headers(self) -> dict[str, str]:
        """Those of the first administrator."""
        return {"authorization": f"Bearer {self.token}"}

    def ask(self, method: str, path: str, **more: object) -> httpx.Response:
        return httpx.request(method, f"{self.url}{path}", headers=self.headers, timeout=20, **more)  # type: ignore[arg-type]

    def workers(self) -> list[int]:
        """The pids of its workers, by who their parent is."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_bytes().rpartition(b")")[2].split()
                command = (stat.parent / "cmdline").read_bytes()
            except OSError:
                continue
            if int(fields[1]) == self.process.pid and b"worker" in command:
                found.append(int(stat.parent.name))
        return found

    def end(self, limit: float = 40) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(limit)

    def leave_nothing(self) -> None:
        """Skuld and the shim outlive a server."""
        for name in ("skuld", "shim"):
            if (left := runfile.read(self.home, name)) is not None:
                left.signal(signal.SIGKILL)


@contextmanager
def server(home: Path, url: str, *arguments: str, port: int = 0) -> Iterator[Server]:
    """Started, not waited for: see `up`."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    env = {name: value for name, value in os.environ.items() if not name.startswith("VOLUNDR_")}
    env |= {"VOLUNDR_HOME": str(home)} | ({"VOLUNDR_DATABASE_URL": url} if url else {})
    argv: Sequence[str] = [sys.executable, "-P", "-m", "volundr", "serve", "--port", str(port), *arguments]
    with (home / "said.log").open("wb") as log:
        process = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    found = Server(home, process)
    try:
        yield found
    finally:
        workers = found.workers()
        if process.poll() is None:
            process.kill()
            process.wait(10)
        wait_for("the workers to be gone", lambda: not any(map(_alive, workers)), 35)
        found.leave_nothing()


def _read(path: Path) -> str:
    return path.read_text().strip() if path.exists() else ""


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
