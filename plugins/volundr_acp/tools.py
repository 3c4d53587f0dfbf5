"""Tool calls of an ACP agent: what they are called, what they print, what they change."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Literal

from volundr.sdk import ToolCalled, ToolEnded, ToolOutput
from volundr_acp.rpc import NOTHING, Json

type Kind = Literal["read", "edit", "delete", "search", "execute", "fetch", "think", "agent", "other"]

LONGEST_TITLE = 160
MOST_LINES = 4000
"""Lines of a file that are compared; beyond that both versions are handed on as they are."""
CONTEXT = 3
_PLAIN = re.compile(r"[\w.:-]+")
_PATHS = ("filePath", "file_path", "filepath", "path", "abs_path")
_NAMES = {"execute": "Bash", "move": "Move", "switch_mode": "Mode"}


@dataclass(slots=True)
class Call:
    """One call, as far as it is known. `told`: it was announced; `printed` is what of its output was."""

    id: str
    said: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    told: bool = False
    printed: str = ""

    def take(self, update: Json) -> None:
        """Take up what is new. A bare word as the first title is the tool's name; an empty input says nothing."""
        title = str(update.get("title") or "")
        if not self.name and _PLAIN.fullmatch(title) and "/" not in title:
            self.name = title
        self.said |= {key: value for key, value in update.items() if value not in (None, "", {}, [])}

    def called(self, cwd: str) -> ToolCalled:
        self.told = True
        name = self.name or tool_name(self.said)
        return ToolCalled(id=self.id, name=name, title=title(name, self.said, cwd), kind=kind(self.said), input=given(self.said))

    def output(self) -> ToolOutput | None:
        """What it has printed since; agents repeat all of it each time."""
        now = text(self.said.get("content") or ())
        if len(now) <= len(self.printed) or not now.startswith(self.printed):
            return None
        piece, self.printed = now[len(self.printed) :], now
        return ToolOutput(id=self.id, text=piece)

    def ended(self) -> ToolEnded:
        content, raw = self.said.get("content") or (), self.said.get("rawOutput")
        output = text(content) or _raw(raw)
        return ToolEnded(id=self.id, ok=self.said.get("status") == "completed", output=output, detail=detail(content))


def tool_name(said: Json) -> str:
    what = str(said.get("kind") or "tool")
    return _NAMES.get(what, what.capitalize())


def kind(said: Json) -> Kind:
    match said.get("kind"):
        case "read" | "edit" | "delete" | "search" | "execute" | "fetch" | "think" as known:
            return _known(known)
        case "move":
            return "edit"
        case _:
            return "other"


def title(name: str, said: Json, cwd: str) -> str:
    """One line: `bash: npm test`, `write src/x.py`, or the agent's own words."""
    own = str(said.get("title") or "")
    raw = given(said)
    path = next((str(raw[key]) for key in _PATHS if raw.get(key)), "")
    if said.get("kind") == "execute":
        subject = str(raw.get("command") or ("" if own == name else own))
        return _short(f"{name}: {subject}" if subject else name)
    if path and (own in ("", name) or _same(own, path)):
        return _short(f"{name} {_within(path, cwd)}")
    return _short(own or name)


def given(said: Json) -> Json:
    """What it was asked to do; an agent that shows the change apart from its input has it beside it."""
    raw = said.get("rawInput")
    found: Json = raw if isinstance(raw, dict) else NOTHING
    if any(found.get(key) for key in ("diff", "patch", "content", "newString", "new_string", "old_string", "edits")):
        return found
    return {**found, **next(iter(_diffs(said.get("content") or ())), NOTHING)}


def text(content: Sequence[Json]) -> str:
    return "".join(_words(one["content"]) for one in content if one.get("type") == "content")


def detail(content: Sequence[Json]) -> Json | None:
    """What it changed: one file as hunks, several as their two versions."""
    found = _diffs(content)
    if len(found) > 1:
        return {"diffs": found}
    for one in found:
        hunks = _hunks(one.get("oldText") or "", one["newText"])
        return {"path": one["path"], "diff": hunks} if hunks else one
    return None


def _diffs(content: Sequence[Json]) -> list[Json]:
    return [
        {"path": str(one["path"]), "oldText": one.get("oldText"), "newText": str(one.get("newText") or "")}
        for one in content
        if one.get("type") == "diff"
    ]


def _hunks(before: str, after: str) -> list[Json]:
    old, new = before.splitlines(), after.splitlines()
    if len(old) + len(new) > MOST_LINES:
        return []
    found: list[Json] = []
    for group in difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(CONTEXT):
        lines: list[str] = []
        for tag, a, b, c, d in group:
            if tag == "equal":
                lines += [f" {line}" for line in old[a:b]]
            else:
                lines += [f"-{line}" for line in old[a:b]] + [f"+{line}" for line in new[c:d]]
        start, end = group[0], group[-1]
        sizes = {"oldStart": start[1] + 1 if old else 0, "oldLines": end[2] - start[1]}
        found.append({**sizes, "newStart": start[3] + 1 if new else 0, "newLines": end[4] - start[3], "lines": lines})
    return found


def _words(block: Json) -> str:
    match block:
        case {"type": "text", "text": str(words)}:
            return words
        case {"type": "resource", "resource": {"text": str(words)}}:
            return words
        case {"type": "resource_link", "uri": str(uri)}:
            return uri
        case _:
            return f"[{block.get('type', 'data')}]"


def _raw(output: object) -> str:
    match output:
        case str(words) | {"output": str(words)} | {"error": str(words)}:
            return words
        case _:
            return ""


def _known(word: Kind) -> Kind:
    return word


def _same(own: str, path: str) -> bool:
    return own.lstrip("/") in path or path in own


def _within(path: str, cwd: str) -> str:
    return str(PurePath(path).relative_to(cwd)) if cwd and PurePath(path).is_relative_to(cwd) and path != cwd else path


def _short(line: str) -> str:
    first, *more = line.strip().splitlines() or [""]
    return first if not more and len(first) <= LONGEST_TITLE else first[: LONGEST_TITLE - 1] + "…"
