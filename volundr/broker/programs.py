"""Runs a program that only reads, takes its output piece by piece, and always ends it."""

import asyncio
import os
import signal
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from volundr.domain.errors import NotFound, Unavailable

_PIECE = 64 * 1024
_SAID = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """`code` is None when we stopped it: it was not `in_time`, or we had enough. `said` is the end of its stderr."""

    code: int | None
    said: str = ""
    in_time: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run where. `stdin` is all it gets to read."""

    argv: Sequence[str]
    folder: Path
    env: Mapping[str, str]
    stdin: bytes = b""


async def read(program: Program, take: Callable[[bytes], bool], deadline: float) -> Ended:
    """Give its output to `take` until that returns False, the program ends, or time is up.

    Raises Unavailable when the program is not installed, NotFound when the folder is gone.
    """
    process = await _start(program)
    assert process.stdout is not None
    assert process.stderr is not None
    said = bytearray()
    try:
        async with asyncio.timeout(deadline), asyncio.TaskGroup() as group:
            listening = group.create_task(_listen(process.stderr, said), name="stderr")
            if process.stdin is not None:
                group.create_task(_feed(process.stdin, program.stdin), name="stdin")
            while piece := await process.stdout.read(_PIECE):
                if not take(piece):
                    listening.cancel()
                    return Ended(code=None, said=said.decode(errors="replace"))
            await listening
            return Ended(code=await process.wait(), said=said.decode(errors="replace").strip())
    except TimeoutError:
        return Ended(code=None, said=said.decode(errors="replace"), in_time=False)
    finally:
        await _end(process)


async def _start(program: Program) -> Process:
    try:
        return await asyncio.create_subprocess_exec(
            *program.argv,
            cwd=program.folder,
            env=dict(program.env),
            stdin=PIPE if program.stdin else DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            start_new_session=True,
        )
    except (FileNotFoundError, NotADirectoryError) as error:
        if not await asyncio.to_thread(program.folder.is_dir):
            raise NotFound("The folder of this session is not there any more.") from error
        name = program.argv[0]
        raise Unavailable(f"{name} is not installed where this session runs.", hint=f"Install {name}, then try again.") from error
    except PermissionError as error:
        raise Unavailable(f"{program.argv[0]} cannot be run in this session's folder: {error.strerror}.") from error


async def _listen(stderr: StreamReader, said: bytearray) -> None:
    while piece := await stderr.read(_PIECE):
        said += piece
        del said[:-_SAID]


async def _feed(stdin: StreamWriter, data: bytes) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):
        stdin.write(data)
        await stdin.drain()
        stdin.close()
        await stdin.wait_closed()


async def _end(process: Process) -> None:
    """The program and what it started are gone when this returns."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await asyncio.shield(process.wait())
