"""Finding files by their name: what git knows, or else what a bounded walk finds."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from volundr.broker.files.matches import Match, marked
from volundr.broker.files.roots import shown

MOST_NAMES = 200_000
PASSED_OVER = frozenset({".git", "node_modules", "__pycache__", ".venv"})
"""Folders a walk does not go into; git has `.gitignore` for that."""


def walk(root: Path, end: float) -> Iterator[tuple[str, str, int]]:
    """Path, name and folder descriptor of each file, until it is `end` by the monotonic clock. No link is followed."""
    for folder, folders, files, number in os.fwalk(root, follow_symlinks=False):
        if time.monotonic() > end:
            return
        folders[:] = sorted(set(folders) - PASSED_OVER)
        beneath = os.path.relpath(folder, root)
        for file in sorted(files):
            yield (file if beneath == "." else f"{beneath}/{file}"), file, number


def walk_names(root: Path, seconds: float) -> tuple[list[str], bool]:
    """The paths of files, and whether there are more than were found in this time."""
    end = time.monotonic() + seconds
    names: list[str] = []
    for path, _, _ in walk(root, end):
        if len(names) >= MOST_NAMES:
            return names, True
        names.append(shown(path))
    return names, time.monotonic() > end


def included(include: str) -> Callable[[str], bool]:
    """Whether a path is asked for: by any of these patterns, of its name or, with a slash, of its path or a folder above."""
    patterns = [pattern.strip().removeprefix("./").strip("/") for pattern in include.split(",") if pattern.strip()]

    def wanted(path: str) -> bool:
        if not patterns:
            return True
        names = path.split("/")
        above = ["/".join(names[:depth]) for depth in range(1, len(names) + 1)]
        return any(
            any(fnmatchcase(one, pattern) for one in (above if "/" in pattern else names))
            or fnmatchcase(f"/{path}", f"*/{pattern.removeprefix('**/')}")
            for pattern in patterns
        )

    return wanted


def best(paths: Sequence[str], query: str, *, case: bool, most: int) -> tuple[list[Match], bool]:
    """The paths that hold all words of the query (or fit it as a pattern), those first that people mean most likely."""
    words = (query if case else query.lower()).split()
    found: list[tuple[tuple[int, int, str], list[tuple[int, int]]]] = []
    for path in paths:
        text = path if case else path.lower()
        ranges = _ranges(text, words)
        if ranges is not None:
            found.append(((_rank(text, words), len(path), path), ranges))
    found.sort()
    return [marked(path, None, path, ranges) for (_, _, path), ranges in found[:most]], len(found) > most


def _ranges(text: str, words: Sequence[str]) -> list[tuple[int, int]] | None:
    ranges: list[tuple[int, int]] = []
    for word in words:
        if "*" in word or "?" in word:
            if not (fnmatchcase(text, word) or fnmatchcase(text.rpartition("/")[2], word)):
                return None
            continue
        at = text.rfind(word)
        if at < 0:
            return None
        ranges.append((at, at + len(word)))
    return _merged(ranges)


def _merged(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for begin, end in sorted(ranges):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def _rank(text: str, words: Sequence[str]) -> int:
    """0: it is this name; 1: its name begins so; 2: the name has it; 3: only the folders above have it."""
    name, first = text.rpartition("/")[2], words[0] if words else ""
    if first in {name, name.rpartition(".")[0]}:
        return 0
    if name.startswith(first):
        return 1
    return 2 if first in name else 3
