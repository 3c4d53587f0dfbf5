"""The project's own files, as the rules look at them."""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def tracked(*patterns: str) -> tuple[Path, ...]:
    """Files that git knows or would take up, without those that were deleted."""
    asked = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    names = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return tuple(sorted({path for name in names if (path := ROOT / name).is_file()}))


@cache
def sources() -> tuple[Path, ...]:
    """Our Python without tests."""
    return tracked("volundr/*.py", "plugins/*.py")


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))
