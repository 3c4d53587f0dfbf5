"""This program's own processes and tasks: how to start another role of it, and how to keep a task from being forgotten."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


def own_command() -> list[str]:
    """The argv that starts this very program again: the interpreter with `-m volundr`, or the compiled executable."""
    if "__compiled__" in globals():
        return [os.path.abspath(sys.argv[0])]
    return [sys.executable, "-P", "-m", "volundr"]


def start_time(pid: int) -> int | None:
    """When this process started, in ticks since boot; None when there is none. With the pid it names a process for good."""
    if sys.platform != "linux":
        return _start_time_by_ps(pid)
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()
    return None if fields[0] == b"Z" else int(fields[19])


def _start_time_by_ps(pid: int) -> int | None:
    """The same where there is no /proc: seconds instead of ticks, and a program to ask."""
    asked = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False, timeout=5)
    state, _, begun = asked.stdout.strip().partition(" ")
    if not state or state.startswith("Z"):
        return None
    return int(datetime.strptime(begun.strip(), "%a %b %d %H:%M:%S %Y").astimezone().timestamp())


def detach(argv: Sequence[str], log_file: Path, environment: Mapping[str, str]) -> int:
    """Start a program that outlives us, in a session of its own, its output appended to the log (0600). Returns its pid."""
    return os.posix_spawnp(
        argv[0],
        list(argv),
        dict(environment),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log_file), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigmask=[],
        setsigdef=[signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGHUP],
    )


def reap(pid: int) -> None:
    """Let a child of ours that has ended go; do nothing for one that lives or is not our child."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A process named for good. `address` is where it listens: a socket's path or a URL. `key`: the file of the home folder
    with a token that opens it."""

    pid: int
    start_time: int
    address: str = ""
    version: str = ""
    key: str = "token"

    def alive(self) -> bool:
        reap(self.pid)
        return start_time(self.pid) == self.start_time

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal to this process and never to another one that got its pid. False when it is gone."""
        if sys.platform != "linux":
            if self.alive():
                os.kill(self.pid, number)
            return self.alive()
        try:
            handle = os.pidfd_open(self.pid)
        except OSError:
            return False
        try:
            if not self.alive():
                return False
            signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(handle)
        return True

    async def gone(self) -> None:
        """Return when it has ended. Wait for it with a time limit, or own the task that does."""
        try:
            handle = os.pidfd_open(self.pid) if sys.platform == "linux" else -1
        except OSError:
            handle = -1
        if handle < 0:
            while self.alive():  # noqa: ASYNC110 - there is nothing to be woken by
                await asyncio.sleep(0.2)
            return
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        try:
            if self.alive():
                loop.add_reader(handle, ended.set)
                await ended.wait()
        finally:
            loop.remove_reader(handle)
            os.close(handle)
        reap(self.pid)


AGAIN_SECONDS = 5.0
TOLD_AGAIN_SECONDS = 10.0
"""Longer than any clean-up takes in good order."""


async def lasting(name: str, work: Callable[[], Coroutine[Any, Any, None]], pause: float = AGAIN_SECONDS) -> None:
    """Own this task: the work, begun anew after a fault in it. It ends when the work does."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("task is begun anew after a fault", extra={"task": name})
        else:
            return
        await asyncio.sleep(pause)


class Tasks:
    """Keeps named tasks until they end, reports those that fail, and ends the rest on `close`."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def spawn[T](self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task failed", extra={"task": task.get_name()}, exc_info=error)

    async def close(self) -> None:
        """Cancel what still runs and wait until it is over.

        A task can miss it, when an error of its clean-up takes the place of the cancellation: it is told again.
        """
        left = set(self._running)
        while left:
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=TOLD_AGAIN_SECONDS)
