"""This program's own processes and tasks: how to start another role of it, and how to keep a task from being forgotten."""

import asyncio
import logging
import os
import sys
from collections.abc import Coroutine
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
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()
    return None if fields[0] == b"Z" else int(fields[19])


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
        """Cancel what still runs and wait until it is over."""
        tasks = list(self._running)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
