"""Where the `codex` program is. npm installs a launcher for Node that only starts the real program: that one is preferred,
since the launcher stays in memory (about 40 MB a session)."""

import platform
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

_MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
_SYSTEMS = {"linux": "unknown-linux-musl", "darwin": "apple-darwin"}


def found(command: str, env: Mapping[str, str]) -> str:
    """The path of the program that this command means, "" when there is none (blocking)."""
    path = shutil.which(command, path=env.get("PATH"))
    if path is None:
        return ""
    return _native(Path(path)) or path


def _native(path: Path) -> str:
    """What the launcher would start: it lies in a package beside that of the launcher, or within it."""
    launcher = path.resolve()
    if launcher.name != "codex.js":
        return ""
    package = launcher.parent.parent
    name, triple = names()
    homes = (package.parent / name, package / "node_modules" / "@openai" / name, package)
    for home in homes:
        program = home / "vendor" / triple / "bin" / "codex"
        if program.is_file():
            return str(program)
    return ""


def names() -> tuple[str, str]:
    """The package of this machine's program, and the folder in it."""
    machine = _MACHINES.get(platform.machine().lower(), "")
    cpu = {"x64": "x86_64", "arm64": "aarch64"}.get(machine, "")
    return f"codex-{sys.platform}-{machine}", f"{cpu}-{_SYSTEMS.get(sys.platform, '')}"
