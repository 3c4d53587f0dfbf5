"""Starts a keeper as a program of its own: for what Skuld itself runs."""

import asyncio
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from volundr.process import own_command

READ_AT_ONCE = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """The keeper's ends of its two pipes (`keeper.py`), and what its program gets: a file, a descriptor, or asyncio's PIPE."""

    control: int
    status: int
    stdin: int | IO[Any]
    stdout: int | IO[Any]
    stderr: int | IO[Any]


async def start(
    argv: Sequence[str], env: Mapping[str, str], cwd: str, ends: Ends, *, terminal: bool = False
) -> asyncio.subprocess.Process:
    """The keeper's process. The job goes through a file without a name, so that no list of processes shows it."""
    wanted = {"argv": list(argv), "env": dict(env), "cwd": cwd} | ({"terminal": True} if terminal else {})
    with tempfile.TemporaryFile() as job:
        job.write(json.dumps(wanted).encode())
        job.seek(0)
        handles = (job.fileno(), ends.control, ends.status)
        return await asyncio.create_subprocess_exec(
            *own_command(),
            "keeper",
            str(os.getpid()),
            *map(str, handles),
            stdin=ends.stdin,
            stdout=ends.stdout,
            stderr=ends.stderr,
            pass_fds=handles,
            limit=READ_AT_ONCE,
        )
