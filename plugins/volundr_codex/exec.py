"""The dialect of `codex exec --json`: one process a prompt, whole items instead of pieces, and no questions."""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from volundr.sdk import (
    AgentEvent,
    Break,
    Command,
    Dialect,
    Job,
    Offered,
    Planned,
    Ready,
    Remarked,
    Say,
    Taken,
    Task,
    TextDone,
    ToolEnded,
    TurnEnded,
)
from volundr_codex import items, modes
from volundr_codex.usage import Tokens

type Json = Mapping[str, Any]

LONGEST_DETAIL = 2048
_KINDS = {
    "command_execution": "commandExecution",
    "file_change": "fileChange",
    "mcp_tool_call": "mcpToolCall",
    "web_search": "webSearch",
    "agent_message": "agentMessage",
}


class ExecDialect(Dialect):
    """`before` is what the conversation had used when the process was started; None when nobody knows.

    Codex counts a conversation's tokens in all, so without `before` a resumed turn has no usage: none is better than
    one that holds all earlier turns again.
    """

    def __init__(self, job: Job, hint: Callable[[str], str], before: Tokens | None) -> None:
        self._job = job
        self._cwd = str(job.cwd)
        self._hint = hint
        self._before = before
        self._mark = job.run or secrets.token_hex(4)
        self._said: Sequence[str] = ()
        self._open: set[str] = set()
        self._readers: Mapping[str, Callable[[Json], Sequence[AgentEvent]]] = {
            "thread.started": self._thread,
            "turn.started": lambda _: [Taken(id=one) for one in self._said],
            "item.started": lambda said: self._item(said["item"], done=False),
            "item.updated": lambda said: self._item(said["item"], done=False),
            "item.completed": lambda said: self._item(said["item"], done=True),
            "turn.completed": self._completed,
            "turn.failed": self._failed,
            "error": self._error,
        }

    def opening(self) -> Sequence[str]:
        return ()

    def encode(self, command: Command) -> Sequence[str]:
        """The prompt is plain text on stdin, and ends with it."""
        match command:
            case Say(messages=messages, attached=attached):
                self._said = [name for name, _ in messages]
                files = [f"Attached file: {file.path}" for name in self._said for file in attached.get(name, ())]
                return "\n".join([*(text for _, text in messages), *files]).split("\n") if messages else ()
            case _:
                return ()

    def after(self, command: Command) -> Literal["", "close", "interrupt"]:
        match command:
            case Say():
                return "close"
            case Break():
                return "interrupt"
            case _:
                return ""

    def decode(self, line: str) -> Sequence[AgentEvent]:
        if not line or line.isspace():
            return ()
        try:
            said = json.loads(line)
            reader = self._readers.get(said["type"])
            return reader(said) if reader is not None else ()
        except (ValueError, RecursionError):
            text = "The agent printed a line that cannot be read."
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            text = f"The agent printed something unexpected ({type(error).__name__}: {error})."
        return [Remarked(level="warning", text=text[:LONGEST_DETAIL], detail=line[:LONGEST_DETAIL])]

    def _thread(self, said: Json) -> Sequence[AgentEvent]:
        mode = modes.checked(self._job.mode, alone=True)
        ready = Ready(native=str(said["thread_id"]), model=self._job.model, mode=mode, thinking=self._job.thinking)
        return [ready, Offered(modes=modes.choices(alone=True))]

    def _item(self, item: Json, *, done: bool) -> Sequence[AgentEvent]:
        """Item numbers begin anew in each process, so every run marks its own."""
        name = f"{item['id']}~{self._mark}"
        match item["type"]:
            case "error":
                return [Remarked(level="warning", text=str(item["message"])[:LONGEST_DETAIL])] if done else ()
            case "todo_list":
                tasks = [
                    Task(text=str(one["text"]), state="done" if one.get("completed") else "pending") for one in item["items"]
                ]
                return [Planned(tasks=tasks)]
            case "reasoning":
                text = str(item["text"])
                return [TextDone(id=name, block=0, kind="thinking", text=text)] if done and text else ()
            case kind if kind in _KINDS:
                return self._known(_renamed(item, name), done=done)
            case _:
                return ()

    def _known(self, item: Json, *, done: bool) -> Sequence[AgentEvent]:
        name = str(item["id"])
        events = list[AgentEvent]()
        if name not in self._open and item["type"] != "agentMessage":
            self._open.add(name)
            events += items.begun(item, self._cwd)
        if done:
            self._open.discard(name)
            events += items.ended(item, self._cwd)
        return events

    def _completed(self, said: Json) -> Sequence[AgentEvent]:
        return [*self._unfinished(), TurnEnded(status="ok", usage=self._usage(said.get("usage") or {}))]

    def _failed(self, said: Json) -> Sequence[AgentEvent]:
        error = str(said["error"]["message"])
        return [*self._unfinished(), TurnEnded(status="failed", error=error, hint=self._hint(error))]

    def _unfinished(self) -> Sequence[AgentEvent]:
        unfinished, self._open = sorted(self._open), set()
        return [ToolEnded(id=name, ok=False, output="Codex did not say how this ended.") for name in unfinished]

    def _error(self, said: Json) -> Sequence[AgentEvent]:
        """A retry is worth a line; the last error comes again as that of the turn."""
        text = str(said["message"])
        return [Remarked(level="warning", text=text[:LONGEST_DETAIL])] if text.startswith("Reconnecting") else ()

    def _usage(self, given: Json) -> Sequence[Any]:
        if self._before is None:
            return ()
        return Tokens.snake(given).since(self._before).usage(self._job.model)


def _renamed(item: Json, name: str) -> Json:
    """The item as `codex app-server` would write it."""
    return {
        **item,
        "id": name,
        "type": _KINDS[str(item["type"])],
        "aggregatedOutput": item.get("aggregated_output"),
        "exitCode": item.get("exit_code"),
    }
