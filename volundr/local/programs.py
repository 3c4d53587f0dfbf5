"""Asking other programs something short."""

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`code` None: it did not answer in time and was ended. `text` is what it printed."""

    code: int | None
    text: str = ""


async def ask(argv: Sequence[str], seconds: float) -> Answer | None:
    """Run a program to its end, without a shell and without input. None when it is not on the PATH."""
    if shutil.which(argv[0]) is None:
        return None
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(seconds):
            said, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return Answer(code=None)
    return Answer(code=process.returncode, text=said.decode("utf-8", "replace").strip())
