"""The secret files of a session: in a folder of its own that only its agent is told of, gone when the session stops.

They stand outside the workspace, so that no diff, commit or file view ever shows them.
"""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from volundr.domain.errors import Invalid, Unavailable
from volundr.domain.sessions.spec import McpServer, MountedFile, SessionSpec

PLACE = "${mounts}"
"""In a variable: the folder's own path."""
FOLDER = "mounts"
SERVERS = "mcp.json"
"""The tool servers, in the form that agents read."""


def write(folder: Path, spec: SessionSpec) -> None:
    """Put the session's files, and no others, below this folder of the session. Raises Invalid for a path that leads out."""
    place = folder / FOLDER
    remove(folder)
    files = [*spec.files]
    if spec.mcp_servers:
        files.append(MountedFile(path=SERVERS, content=json.dumps({"mcpServers": _as_json(folder, spec.mcp_servers)})))
    if files:
        place.mkdir(mode=0o700, parents=True)
    for file in files:
        parts = PurePosixPath(file.path).parts
        if not parts or any(part in {"..", "/"} for part in parts) or file.path.startswith("/"):
            raise Invalid(f"The secret file {file.path!r} leads out of the session's folder.")
        target = place.joinpath(*parts)
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as opened:
                opened.write(file.content)
        except OSError as error:
            raise Unavailable(f"A secret file of the session cannot be written: {error.strerror}.") from error


def servers(folder: Path, given: Sequence[McpServer]) -> Sequence[McpServer]:
    """The tool servers with the folder's path in the place of its name."""
    return [
        replace(
            one,
            args=tuple(word.replace(PLACE, str(folder / FOLDER)) for word in one.args),
            env=placed(folder, one.env),
            headers=placed(folder, one.headers),
        )
        for one in given
    ]


def _as_json(folder: Path, given: Sequence[McpServer]) -> Mapping[str, object]:
    return {
        one.name: {"type": "http", "url": one.url, "headers": dict(one.headers)}
        if one.url
        else {"type": "stdio", "command": one.command, "args": list(one.args), "env": dict(one.env)}
        for one in servers(folder, given)
    }


def remove(folder: Path) -> None:
    """Take them away, whether or not there are any."""
    shutil.rmtree(folder / FOLDER, ignore_errors=True)


def placed(folder: Path, env: Mapping[str, str]) -> dict[str, str]:
    """The variables with the folder's path in the place of its name."""
    return {name: value.replace(PLACE, str(folder / FOLDER)) for name, value in env.items()}
