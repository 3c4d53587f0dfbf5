"""What a tool call of a stream-json agent is called for people, which kind it is, and what its result shows."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Literal

type Kind = Literal["read", "edit", "delete", "search", "execute", "fetch", "think", "agent", "other"]
type Json = Mapping[str, Any]

LONGEST_TITLE = 160
LONGEST_DIFF = 2000
"""Lines of a new file that a diff shows."""

_KINDS: Mapping[str, Kind] = {
    "Read": "read",
    "NotebookRead": "read",
    "Write": "edit",
    "Edit": "edit",
    "MultiEdit": "edit",
    "NotebookEdit": "edit",
    "Glob": "search",
    "Grep": "search",
    "LS": "search",
    "ToolSearch": "search",
    "WebSearch": "search",
    "WebFetch": "fetch",
    "Bash": "execute",
    "BashOutput": "execute",
    "KillShell": "execute",
    "TodoWrite": "think",
    "ExitPlanMode": "think",
    "EnterPlanMode": "think",
    "Task": "agent",
    "Agent": "agent",
}
_FIXED = {"TodoWrite": "Update the to-do list", "ExitPlanMode": "Show the plan", "EnterPlanMode": "Make a plan first"}
_PATHS = ("file_path", "notebook_path", "path")
_SUBJECTS = ("command", "pattern", "query", "url", "description", "prompt", "skill", "subject")


def kind(tool: str) -> Kind:
    return _KINDS.get(tool, "other")


def title(tool: str, given: Json, cwd: str) -> str:
    """One line: `Bash: npm test`, `Write src/x.py`, `github: create_issue`."""
    if tool in _FIXED:
        return _FIXED[tool]
    if tool == "AskUserQuestion":
        return _short(_question(given))
    if tool.startswith("mcp__"):
        server, _, name = tool.removeprefix("mcp__").partition("__")
        return _short(f"{server}: {name}")
    path = next((str(given[key]) for key in _PATHS if given.get(key)), "")
    subject = next((str(given[key]) for key in _SUBJECTS if given.get(key)), "")
    if kind(tool) in {"read", "edit"} and path:
        return _short(f"{tool} {_within(path, cwd)}")
    if subject:
        return _short(f"{tool}: {subject}")
    return _short(f"{tool} {_within(path, cwd)}" if path else tool)


def detail(result: object) -> Json | None:
    """The part of a structured tool result that is worth showing beside its text: a diff, or what a command said apart."""
    if not isinstance(result, dict):
        return None
    match result:
        case {"structuredPatch": list(patch), "filePath": str(path)}:
            hunks = patch or _created(result.get("content"), result.get("originalFile"))
            return {"path": path, "diff": hunks} if hunks else None
        case {"stdout": str(out), "stderr": str(err)} if err:
            return {"stdout": out, "stderr": err}
        case _:
            return None


def text(content: object) -> str:
    """The text of a tool result's content, which is a text or a list of blocks."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    blocks = [block for block in content if isinstance(block, dict)]
    return "\n".join(str(block["text"]) if "text" in block else f"[{block.get('type', 'data')}]" for block in blocks)


def _question(given: Json) -> str:
    match given.get("questions"):
        case [{"question": str(question)}, *_]:
            return question
        case _:
            return "A question"


def _created(content: object, before: object) -> list[Json]:
    """The diff of a new file, which comes without one."""
    lines = content.splitlines() if isinstance(content, str) else []
    if not lines or len(lines) > LONGEST_DIFF or before is not None:
        return []
    added = [f"+{line}" for line in lines]
    return [{"oldStart": 0, "oldLines": 0, "newStart": 1, "newLines": len(lines), "lines": added}]


def _within(path: str, cwd: str) -> str:
    return str(PurePath(path).relative_to(cwd)) if cwd and PurePath(path).is_relative_to(cwd) and path != cwd else path


def _short(line: str) -> str:
    first, *more = line.strip().splitlines() or [""]
    return first if not more and len(first) <= LONGEST_TITLE else first[: LONGEST_TITLE - 1] + "…"
