"""One conversation of `codex app-server`: what its notifications mean, for the turn that runs and the agents below it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from volundr.sdk import (
    AgentEvent,
    Planned,
    Remarked,
    Taken,
    Task,
    TextDelta,
    ToolEnded,
    ToolOutput,
    TurnEnded,
    Untaken,
    Usage,
    Withdrawn,
)
from volundr_codex import items, questions
from volundr_codex.usage import Meter, Tokens

type Json = Mapping[str, Any]

LONGEST_DETAIL = 2048
UNSAID = "Codex did not say how this ended."
SANDBOX_NOTE = "bubblewrap"
"""Codex brings its own and says at each start that it would rather use the system's: nothing a person must know."""
_STEPS: Mapping[str, Literal["pending", "working", "done"]] = {"inProgress": "working", "completed": "done"}


class Thread:
    """`turn` is the id of the running one, "" when none runs, None when that is not known (Skuld began in the middle).

    Agents that Codex starts have conversations of their own, whose items come as well: their `parent` is the call that
    started them. Of conversations that no call names nothing is shown.
    """

    def __init__(self, *, cwd: str, hint: Callable[[str], str], native: str) -> None:
        self.native = native
        self.middle = bool(native)  # the running turn began before this instance
        self.model = ""
        self.turn: str | None = None if native else ""
        self._cwd = cwd
        self._hint = hint
        self._said: dict[str, Sequence[str]] = {}
        self._steered: dict[str, None] = {}
        self._items: dict[str, Json] = {}
        self._open: dict[str, str | None] = {}
        self._asked: dict[object, str] = {}
        self._children: dict[str, tuple[str, str]] = {}  # by conversation: the call, its model
        self._meters: dict[str, Meter] = {}
        self._readers: Mapping[str, Callable[[Json, str | None], Sequence[AgentEvent]]] = {
            "item/started": self._begun,
            "item/completed": self._ended,
            "item/agentMessage/delta": lambda given, parent: self._delta(given, 0, parent, thought=False),
            "item/plan/delta": lambda given, parent: self._delta(given, 0, parent, thought=False),
            "item/reasoning/summaryTextDelta": lambda given, parent: self._delta(given, given["summaryIndex"], parent),
            "item/reasoning/textDelta": lambda given, parent: self._delta(given, items.RAW + given["contentIndex"], parent),
            "item/commandExecution/outputDelta": lambda given, _: [ToolOutput(id=given["itemId"], text=given["delta"])],
            "item/mcpToolCall/progress": lambda given, _: [ToolOutput(id=given["itemId"], text=f"{given['message']}\n")],
            "turn/plan/updated": self._planned,
            "thread/tokenUsage/updated": self._counted,
            "turn/completed": self._completed,
            "serverRequest/resolved": self._resolved,
            "error": self._failing,
            "model/rerouted": self._rerouted,
        }

    def said(self, ids: Sequence[str]) -> str:
        """The name under which Codex will say that it has taken up these messages."""
        client = " ".join(ids)
        self._said[client] = ids
        return client

    def steered(self, name: str) -> None:
        self._steered[name] = None

    def untaken(self, name: str) -> Sequence[AgentEvent]:
        self._steered.pop(name, None)
        return [Untaken(id=name)]

    def asked(self, request: Json) -> Sequence[AgentEvent]:
        given = request["params"]
        question = questions.asked(request, self._items.get(str(given.get("itemId"))), self._cwd, self._parent(given)[1])
        self._asked[request["id"]] = question.id
        return [question]

    def notified(self, method: str, given: Json) -> Sequence[AgentEvent]:
        if method in ("warning", "configWarning", "guardianWarning"):
            return _warned(given)
        reader = self._readers.get(method)
        ours, parent = self._parent(given)
        if reader is None or not ours:
            return ()
        if parent is None and self.turn is None and given.get("turnId"):
            self.turn = str(given["turnId"])
        return reader(given, parent)

    def _parent(self, given: Json) -> tuple[bool, str | None]:
        """Whether this is of our conversation or one below it, and the call that started that."""
        thread = given.get("threadId")
        if thread == self.native:
            return True, None
        child = self._children.get(str(thread))
        return (child is not None, child[0] if child else None)

    def _begun(self, given: Json, parent: str | None) -> Sequence[AgentEvent]:
        item = given["item"]
        if item["type"] == "userMessage":
            return self._taken(item) if parent is None else ()
        self._hire(item)
        events = items.begun(item, self._cwd, parent)
        if events:
            self._items[str(item["id"])] = item
            self._open[str(item["id"])] = parent
        return events

    def _ended(self, given: Json, parent: str | None) -> Sequence[AgentEvent]:
        item = given["item"]
        self._hire(item)
        name = str(item["id"])
        self._items.pop(name, None)
        events = list(items.ended(item, self._cwd, parent))
        if item["type"] == "contextCompaction":
            return [Remarked(level="info", text="The agent summed up the conversation to make room.")]
        if any(isinstance(event, ToolEnded) for event in events) and name not in self._open and self._began_here():
            events = [*items.begun(item, self._cwd, parent), *events]  # some tools are only told of when they are done
        self._open.pop(name, None)
        return events

    def _began_here(self) -> bool:
        return bool(self._said)

    def _hire(self, item: Json) -> None:
        if item["type"] == "collabAgentToolCall":
            for thread in item.get("receiverThreadIds") or []:
                self._children.setdefault(str(thread), (str(item["id"]), str(item.get("model") or "")))

    def _taken(self, item: Json) -> Sequence[AgentEvent]:
        client = str(item.get("clientId") or "")
        if not client:
            return ()
        self._steered.pop(client, None)
        return [Taken(id=name) for name in self._said.get(client) or client.split(" ")]

    def _delta(self, given: Json, block: int, parent: str | None, *, thought: bool = True) -> Sequence[AgentEvent]:
        kind: Literal["text", "thinking"] = "thinking" if thought else "text"
        return [TextDelta(id=str(given["itemId"]), block=int(block), kind=kind, text=str(given["delta"]), parent=parent)]

    def _planned(self, given: Json, parent: str | None) -> Sequence[AgentEvent]:
        tasks = [Task(text=str(one["step"]), state=_STEPS.get(str(one["status"]), "pending")) for one in given["plan"]]
        return [Planned(tasks=tasks)] if parent is None else ()

    def _counted(self, given: Json, parent: str | None) -> Sequence[AgentEvent]:
        sums = given["tokenUsage"]
        meter = self._meters.setdefault(str(given["threadId"]), Meter())
        working = parent is not None or self.turn != ""
        meter.read(Tokens.camel(sums["total"]), Tokens.camel(sums["last"]), working=working)
        return ()

    def _usage(self) -> Sequence[Usage]:
        spent: list[Usage] = []
        for thread, meter in self._meters.items():
            model = self._children.get(thread, ("", ""))[1] or self.model
            spent += meter.take().usage(model)
        return spent

    def _completed(self, given: Json, parent: str | None) -> Sequence[AgentEvent]:
        if parent is not None:
            return ()
        turn, self.turn = given["turn"], ""
        events: list[AgentEvent] = [ToolEnded(id=name, ok=False, output=UNSAID) for name in self._open]
        # What was steered before this instance is not known here; what was taken up is no longer waited for.
        events += [Untaken(id="")] if self.middle else [Untaken(id=name) for name in self._steered]
        self.middle = False
        for forgotten in (self._open, self._items, self._steered, self._asked):
            forgotten.clear()
        usage, duration = self._usage(), int(turn.get("durationMs") or 0)
        match turn["status"]:
            case "completed":
                return [*events, TurnEnded(status="ok", usage=usage, duration_ms=duration)]
            case "interrupted":
                return [*events, TurnEnded(status="interrupted", usage=usage, duration_ms=duration)]
            case _:
                error = _cause(turn.get("error") or {}) or "Codex failed without a cause."
                return [
                    *events,
                    TurnEnded(status="failed", error=error, hint=self._hint(error), usage=usage, duration_ms=duration),
                ]

    def _resolved(self, given: Json, _: str | None) -> Sequence[AgentEvent]:
        name = self._asked.pop(given["requestId"], None)
        return [Withdrawn(id=name)] if name else ()

    def _failing(self, given: Json, _: str | None) -> Sequence[AgentEvent]:
        """One that Codex tries to overcome; the last one comes again as that of the turn."""
        if not given.get("willRetry"):
            return ()
        text = _cause(given["error"])
        return [Remarked(level="warning", text=text[:LONGEST_DETAIL], detail=self._hint(text))]

    def _rerouted(self, given: Json, parent: str | None) -> Sequence[AgentEvent]:
        if parent is None:
            self.model = str(given["toModel"])
        return [Remarked(level="warning", text=f"Codex answers with {given['toModel']} instead of {given['fromModel']}.")]


def _cause(error: Json) -> str:
    parts = (str(error.get("message") or ""), str(error.get("additionalDetails") or ""))
    return "\n".join(part for part in parts if part)


def _warned(given: Json) -> Sequence[AgentEvent]:
    text = str(given.get("message") or given.get("summary") or "")
    if not text or SANDBOX_NOTE in text:
        return ()
    return [Remarked(level="warning", text=text[:LONGEST_DETAIL], detail=str(given.get("details") or "")[:LONGEST_DETAIL])]
