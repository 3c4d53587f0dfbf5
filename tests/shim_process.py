"""A shim of the tests' own, as a real process."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

type Ask = Callable[..., Awaitable[dict[str, Any]]]

PROGRAM = "import sys; from pathlib import Path; from volundr.broker.shim import run_shim; run_shim(Path(sys.argv[1]))"


class Shim:
    def __init__(self, socket: Path, process: asyncio.subprocess.Process) -> None:
        self.socket = socket
        self.process = process

    async def __call__(self, **request: Any) -> dict[str, Any]:
        reader, writer = await asyncio.open_unix_connection(self.socket, limit=1 << 24)
        writer.write(json.dumps(request).encode() + b"\n")
        async with asyncio.timeout(20):
            answer: dict[str, Any] = json.loads(await reader.readline())
        writer.close()
        return answer

    async def spawn(self, argv: list[str], run: str = "run-1", session: str = "s1", **more: Any) -> dict[str, Any]:
        given = {"cwd": "/", "env": {"PATH": os.environ["PATH"]}, "link": "/nowhere", "secret": "secret", **more}
        return await self(op="spawn", session=session, run=run, argv=argv, **given)


async def answers(socket: Path) -> bool:
    """The file is there a moment before anybody listens."""
    try:
        _, writer = await asyncio.open_unix_connection(socket)
    except OSError:
        return False
    writer.close()
    return True


@asynccontextmanager
async def shim(folder: Path) -> AsyncIterator[Shim]:
    socket = folder / "shim.sock"
    process = await asyncio.create_subprocess_exec(sys.executable, "-P", "-c", PROGRAM, str(socket))
    try:
        async with asyncio.timeout(10):
            while not await answers(socket):
                assert process.returncode is None
                await asyncio.sleep(0.01)
        yield Shim(socket, process)
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            await process.wait()
