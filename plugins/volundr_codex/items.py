"""What Codex's items are for people. `codex app-server` writes names in camelCase, `codex exec` in snake_case: both end here."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, Literal

from volundr.sdk import AgentEvent, TextDone, ToolCalled, ToolEnded

type Json = Mapping[str, Any]
type Kind = Literal["read", "edit", "delete", "search", "execute", "fetch", "think", "agent", "other"]

LONGEST_TITLE = 160
RAW = 1000
"""Blocks of a thought's own words are numbered from here; those of its summary from 0."""
_SHELLS = frozenset({"bash", "sh", "zsh", "dash"})
_ACTIONS: Mapping[str, Kind] = {"read": "read", "listFiles": "search", "search": "search"}
_BAD = frozenset({"failed", "declined"})


def command(given: str) -> str:
    """The command without the shell that Codex wraps it into."""
    try:
        words = shlex.split(given)
    except ValueError:
        return given
    if len(words) == 3 and PurePath(words[0]).name in _SHELLS and words[1] in ("-lc", "-c"):
        return words[2]
    return given


def short(line: str) -> str:
    first, *more = line.strip().splitlines() or [""]
    return first if not more and len(first) <= LONGEST_TITLE else first[: LONGEST_TITLE - 1] + "…"


def within(path: str, cwd: str) -> str:
    return str(PurePath(path).relative_to(cwd)) if cwd and path != cwd and PurePath(path).is_relative_to(cwd) else path


def changed(changes: Sequence[Json], cwd: str) -> tuple[str, Json]:
    """A title for a change of files, and the change as input of a tool: its files, and one unified diff of them all."""
    patches = [patch(one, cwd) for one in changes]
    paths = [within(str(one["path"]), cwd) for one in changes]
    if not changes:
        return "Edit files", {"files": [], "patch": ""}
    word = {"add": "Write", "delete": "Delete"}.get(_change(changes[0]), "Edit")
    word = word if len({_change(one) for one in changes}) == 1 else "Change"
    title = f"{word} {paths[0]}" + (f" and {len(paths) - 1} more" if len(paths) > 1 else "")
    one = {"path": paths[0]} if len(paths) == 1 else {}
    return short(title), {**one, "files": paths, "patch": "".join(patches)}


def difference(changes: Sequence[Json], cwd: str) -> Json | None:
    """The diffs as a tool's detail, a file each."""
    diffs = [
        {"path": within(str(one["path"]), cwd), "kind": _change(one), "patch": text}
        for one in changes
        if (text := patch(one, cwd))
    ]
    return {"diff": diffs} if diffs else None


def patch(change: Json, cwd: str) -> str:
    """A unified diff with its header: Codex gives whole files for what comes and goes, hunks alone for the rest."""
    given = change.get("diff")
    if not isinstance(given, str):
        return ""
    path, kind = within(str(change["path"]), cwd), _change(change)
    move = change["kind"].get("move_path") if isinstance(change["kind"], dict) else None
    after = within(str(move), cwd) if move else path
    if kind in ("add", "delete") and not given.startswith("@@"):
        lines = given.removesuffix("\n").split("\n") if given else []
        sign, place = ("+", f"-0,0 +1,{len(lines)}") if kind == "add" else ("-", f"-1,{len(lines)} +0,0")
        given = "\n".join([f"@@ {place} @@", *(sign + line for line in lines)]) if lines else ""
    old = "/dev/null" if kind == "add" else f"a/{path}"
    new = "/dev/null" if kind == "delete" else f"b/{after}"
    return f"diff --git a/{path} b/{after}\n--- {old}\n+++ {new}\n{given.removesuffix(chr(10))}\n"


def _change(change: Json) -> str:
    kind = change.get("kind")
    return str(kind["type"] if isinstance(kind, dict) else kind)


def begun(item: Json, cwd: str, parent: str | None = None) -> Sequence[AgentEvent]:
    """An item of `codex app-server` that starts: the call of a tool, if it is one."""
    name = str(item["id"])
    match item["type"]:
        case "commandExecution":
            given, words = _commanded(item)
            tool, title, kind = "Shell", f"Shell: {words}", _kind(item.get("commandActions") or [])
        case "fileChange":
            tool, kind = "Edit", "edit"
            title, given = changed(item["changes"], cwd)
        case "mcpToolCall":
            tool, kind = f"mcp__{item['server']}__{item['tool']}", "other"
            title, given = f"{item['server']}: {item['tool']}", _object(item.get("arguments"))
        case "dynamicToolCall":
            tool, title, kind, given = str(item["tool"]), str(item["tool"]), "other", _object(item.get("arguments"))
        case "webSearch":
            tool, title, kind, given = "WebSearch", f"Search the web: {item.get('query')}", "fetch", {"query": item.get("query")}
        case "collabAgentToolCall":
            given = {"prompt": item.get("prompt") or "", "agents": item.get("receiverThreadIds") or []}
            tool, title, kind = "Agent", f"Agent: {item['tool']} {item.get('prompt') or ''}", "agent"
        case "imageView":
            given = {"path": item["path"]}
            tool, title, kind = "ViewImage", f"View {within(str(item['path']), cwd)}", "read"
        case _:
            return ()
    return [ToolCalled(id=name, name=tool, title=short(title), kind=kind, input=given, parent=parent)]


def ended(item: Json, cwd: str, parent: str | None = None) -> Sequence[AgentEvent]:
    """An item of `codex app-server` that is complete."""
    name = str(item["id"])
    match item["type"]:
        case "agentMessage" | "plan":
            text = str(item["text"])
            return [TextDone(id=name, block=0, kind="text", text=text, parent=parent)] if text else ()
        case "reasoning":
            parts = [*enumerate(item.get("summary") or []), *enumerate(item.get("content") or [], RAW)]
            return [TextDone(id=name, block=at, kind="thinking", text=str(text), parent=parent) for at, text in parts if text]
        case _:
            done = _result(item, cwd)
            return [done] if done else ()


def _result(item: Json, cwd: str) -> ToolEnded | None:
    """How a tool's call ended."""
    name, ok, output, detail = str(item["id"]), item.get("status") not in _BAD, "", None
    match item["type"]:
        case "commandExecution":
            output, detail = str(item.get("aggregatedOutput") or "") or _refused(item), _exit(item.get("exitCode"))
        case "fileChange":
            output, detail = _refused(item), difference(item["changes"], cwd) if ok else None
        case "mcpToolCall":
            error = str((item.get("error") or {}).get("message") or "")
            ok, output = ok and not error, error or text_of(item.get("result"))
        case "dynamicToolCall":
            ok, output = item.get("success") is not False, text_of({"content": item.get("contentItems")})
        case "webSearch" | "imageView":
            pass
        case "collabAgentToolCall":
            states = (item.get("agentsStates") or {}).values()
            output = "\n".join(str(one.get("message") or "") for one in states).strip()
        case _:
            return None
    return ToolEnded(id=name, ok=ok, output=output, detail=detail)


def text_of(result: object) -> str:
    """The text of an MCP result."""
    content = result.get("content") if isinstance(result, dict) else None
    blocks = [block for block in content or [] if isinstance(block, dict)]
    return "\n".join(str(block["text"]) if "text" in block else f"[{block.get('type', 'data')}]" for block in blocks)


def _commanded(item: Json) -> tuple[Json, str]:
    words = command(str(item.get("command") or ""))
    return {"command": words, "cwd": item.get("cwd") or ""}, words


def _kind(actions: Sequence[Json]) -> Kind:
    kinds = {_ACTIONS.get(str(one.get("type")), "execute") for one in actions}
    return kinds.pop() if len(kinds) == 1 else "execute"


def _object(given: object) -> Json:
    return given if isinstance(given, dict) else {} if given is None else {"arguments": given}


def _refused(item: Json) -> str:
    return "This was not allowed." if item.get("status") == "declined" else ""


def _exit(code: object) -> Json | None:
    return {"exit_code": code} if isinstance(code, int) and code != 0 else None
