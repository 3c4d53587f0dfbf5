"""Which files a tool call changed, and by how many lines: read from what the agent said about it, in any of its shapes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from volundr.broker.parts import Json

type Action = Literal["created", "modified", "deleted"]

MOST_FILES = 100
LONGEST_PATH = 500
_WORDS: Mapping[str, Action] = {"create": "created", "add": "created", "delete": "deleted", "remove": "deleted"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """Lines are 0 where nobody said how many."""

    path: str
    action: Action
    insertions: int = 0
    deletions: int = 0


def files_of(kind: str, path: str, detail: Json | None) -> Sequence[Touched]:
    """The files of one call that went well. `kind` and `path` are what is known without `detail`."""
    found = [one for one in _told(detail or {}, "deleted" if kind == "delete" else "modified") if one.path]
    if found:
        return found[:MOST_FILES]
    action: Action = "deleted" if kind == "delete" else _action(detail or {}, "modified")
    added, removed = _lines(detail or {})
    return [_touched(path, action, added, removed)] if path else []


def _told(detail: Json, otherwise: Action) -> Iterator[Touched]:
    """Several files, or one with its path, in `detail`."""
    several = detail.get("diffs") or detail.get("diff")
    for one in several if isinstance(several, list) else ():
        if isinstance(one, dict) and isinstance(one.get("path"), str):
            yield _touched(one["path"], _action(one, otherwise), *_lines(one))
    name = next((detail[key] for key in ("path", "filePath") if isinstance(detail.get(key), str)), "")
    if name:
        yield _touched(name, _action(detail, otherwise), *_lines(detail))


def _touched(path: str, action: Action, insertions: int, deletions: int) -> Touched:
    return Touched(path=_storable(path), action=action, insertions=insertions, deletions=deletions)


def _storable(path: str) -> str:
    return path.replace("\x00", "").encode("utf-8", "replace").decode()[:LONGEST_PATH]


def _action(detail: Json, otherwise: Action) -> Action:
    for key in ("kind", "type"):
        word = detail.get(key)
        if isinstance(word, str) and word in _WORDS:
            return _WORDS[word]
    if "newText" in detail and detail.get("oldText") is None:
        return "created"
    return otherwise


def _lines(detail: Json) -> tuple[int, int]:
    """Lines that came and went: from hunks, from a unified diff, or from the two versions where that is all there is."""
    hunks: list[Any] = next((detail[key] for key in ("structuredPatch", "diff") if isinstance(detail.get(key), list)), [])
    lines = [line for hunk in hunks if isinstance(hunk, dict) for line in _texts(hunk.get("lines"))]
    if not lines and isinstance(detail.get("patch"), str):
        lines = [line for line in str(detail["patch"]).split("\n") if not line.startswith(("+++ ", "--- "))]
    if lines:
        return sum(line.startswith("+") for line in lines), sum(line.startswith("-") for line in lines)
    new = next((detail[key] for key in ("newText", "content") if isinstance(detail.get(key), str)), None)
    old = next((detail[key] for key in ("oldText", "originalFile") if isinstance(detail.get(key), str)), "")
    if new is None or old:
        return 0, 0  # two whole versions: what differs was not said
    return len(new.splitlines()), 0


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
