"""What the demo agent can really do in the workspace."""

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any

COMMAND_SECONDS = 120.0
LONGEST_OUTPUT = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The text for the agent, and the same as data, shaped as Claude Code's tools give it."""

    ok: bool
    text: str
    twin: Mapping[str, Any] | str


def failed(text: str) -> Result:
    return Result(ok=False, text=text, twin=f"Error: {text}")


def write(name: str, content: str) -> Result:
    path = Path(name)
    try:
        before = path.read_text("utf-8") if path.exists() else None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return failed(str(error))
    kind = "create" if before is None else "update"
    patch = [] if before is None else _patch(before, content)
    twin = {"type": kind, "filePath": str(path), "content": content, "structuredPatch": patch, "originalFile": before}
    return Result(ok=True, text=f"File {kind}d: {path}", twin=twin)


def read(name: str) -> Result:
    path = Path(name)
    try:
        if path.is_dir():
            names = sorted(f"{one.name}/" if one.is_dir() else one.name for one in path.iterdir())
            text = "\n".join(names) or "(no files yet)"
        else:
            text = path.read_text("utf-8", "replace")[:LONGEST_OUTPUT]
    except OSError as error:
        return failed(str(error))
    return Result(ok=True, text=text, twin={"type": "text", "file": {"filePath": str(path), "content": text}})


async def run(command: str) -> Result:
    """Run it in a shell. When this is cancelled, the command is ended with everything in its process group."""
    process = await asyncio.create_subprocess_shell(
        command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(COMMAND_SECONDS):
            out, err = await process.communicate()
    except TimeoutError:
        return failed(f"The command did not end within {COMMAND_SECONDS:.0f} s.")
    finally:
        with suppress(ProcessLookupError):
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
    stdout, stderr = (part.decode("utf-8", "replace")[:LONGEST_OUTPUT] for part in (out, err))
    text = "\n".join(part.rstrip() for part in (stdout, stderr) if part.strip())
    ok = process.returncode == 0
    return Result(
        ok=ok,
        text=text if ok else f"Exit code {process.returncode}\n{text}",
        twin={"stdout": stdout, "stderr": stderr, "interrupted": False},
    )


def _patch(before: str, after: str) -> list[Mapping[str, Any]]:
    """Hunks as Claude Code gives them."""
    hunks: list[dict[str, Any]] = []
    for line in list(unified_diff(before.splitlines(), after.splitlines(), lineterm=""))[2:]:
        if line.startswith("@@"):
            old, new = line.split(" ")[1:3]
            (old_start, old_lines), (new_start, new_lines) = _span(old), _span(new)
            hunks.append(
                {"oldStart": old_start, "oldLines": old_lines, "newStart": new_start, "newLines": new_lines, "lines": []}
            )
        else:
            hunks[-1]["lines"].append(line)
    return [*hunks]


def _span(text: str) -> tuple[int, int]:
    start, _, count = text[1:].partition(",")
    return int(start), int(count or 1)
