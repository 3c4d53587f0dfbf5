"""The dialect of Claude Code: JSON objects, one a line (`--output-format stream-json`), with its control protocol.

The demo agent speaks it as well. Lines of a kind that is not known mean nothing; only what cannot be read is remarked upon.
"""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from volundr.broker.events import (
    Adjust,
    AgentEvent,
    Answer,
    Asked,
    Attached,
    Break,
    Command,
    Offered,
    Planned,
    Ready,
    Remarked,
    Say,
    Steer,
    Taken,
    TextDelta,
    TextDone,
    ToolCalled,
    ToolEnded,
    TurnEnded,
    Withdrawn,
)
from volundr.broker.parts import BlockKind, Choice, Json, SlashCommand, Usage
from volundr.broker.transports import stream_json_commands as commands
from volundr.broker.transports import stream_json_offers as offers
from volundr.broker.transports import tool_titles
from volundr.broker.transports.transport import Dialect
from volundr.broker.usage import Meter

OPENING = "volundr-open"
LONGEST_DETAIL = 2048
_NOTHING: Mapping[str, Any] = {}
_DELTAS: Mapping[str, tuple[BlockKind, str]] = {"text_delta": ("text", "text"), "thinking_delta": ("thinking", "thinking")}
_COUNTS = (
    ("input", "inputTokens"),
    ("output", "outputTokens"),
    ("cache_read", "cacheReadInputTokens"),
    ("cache_write", "cacheCreationInputTokens"),
)


class StreamJsonDialect(Dialect):
    """`cwd` shortens paths in titles; `hint` says what a person can do about an error text of this agent.

    `modes` and `thinking` are what the agent can be switched to, which it does not say itself; `thinks` is what it begins with.
    `spent`: what is known of the tokens of a process that runs already.
    """

    def __init__(
        self,
        cwd: str = "",
        hint: Callable[[str], str] = lambda _: "",
        *,
        modes: Sequence[Choice] = (),
        thinking: Sequence[Choice] = (),
        thinks: str = "",
        spent: Sequence[Usage] = (),
    ) -> None:
        self._cwd = cwd
        self._hint = hint
        self._modes, self._thinking_levels, self._thinking = modes, thinking, thinks
        self._commands: Sequence[SlashCommand] = ()
        self._mark = secrets.token_hex(4)
        self._said: dict[str, Sequence[str]] = {}
        self._message = ""
        self._block = -1
        self._counted: dict[str, tuple[str, int]] = {}  # by parent: message id, whole blocks of it so far
        self._ready = Ready()
        self._meter = Meter(spent)
        self._readers: Mapping[str, Callable[[Json], Sequence[AgentEvent]]] = {
            "stream_event": self._stream,
            "assistant": self._assistant,
            "user": self._user,
            "result": self._result,
            "system": self._system,
            "control_request": self._request,
            "control_cancel_request": lambda said: [Withdrawn(id=str(said["request_id"]))],
            "control_response": self._response,
        }

    # --- to the agent -------------------------------------------------------------------------------------------------

    def opening(self) -> Sequence[str]:
        self._meter = Meter()
        lines = [commands.request(OPENING, subtype="initialize")]
        return [*lines, *commands.adjust(Adjust(number=0, thinking=self._thinking))] if self._thinking else lines

    def encode(self, command: Command) -> Sequence[str]:
        match command:
            case Say(messages=messages):
                return [self._say(messages, command.attached)] if messages else []
            case Steer(message=message, attached=attached):
                return [self._say([message], {message[0]: attached})]
            case Break(number=number):
                return [commands.request(f"break-{number}", subtype="interrupt")]
            case Adjust():
                return commands.adjust(command)
            case Answer():
                return [commands.answer(command)]

    def _say(self, messages: Sequence[tuple[str, str]], attached: Mapping[str, Sequence[Attached]]) -> str:
        """One user message; the agent repeats its `uuid`, which need not be a UUID, when it takes it up.

        Claude Code drops a message without a word when the conversation it resumed has one with this `uuid`. A message that
        a dead run may have got must reach the next one, so every run marks its own.
        """
        ids = [message for message, _ in messages]
        uuid = f"{ids[-1]}~{self._mark}"
        self._said[uuid] = ids
        content = [block for name, text in messages for block in commands.content(text, attached.get(name, ()))]
        message = {"role": "user", "content": content}
        return commands.line(type="user", message=message, uuid=uuid, session_id="", parent_tool_use_id=None)

    # --- from the agent -----------------------------------------------------------------------------------------------

    def decode(self, line: str) -> Sequence[AgentEvent]:
        if not line or line.isspace():
            return ()
        try:
            said = json.loads(line)
            if "\\ud" in line or "\\uD" in line:
                said = _without_halves(said)
            reader = self._readers.get(said["type"])
            return reader(said) if reader is not None else ()
        except (ValueError, RecursionError):
            text = "The agent printed a line that cannot be read."
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            text = f"The agent printed something unexpected ({type(error).__name__}: {error})."
        return [Remarked(level="warning", text=text[:LONGEST_DETAIL], detail=line[:LONGEST_DETAIL])]

    def _stream(self, said: Json) -> Sequence[AgentEvent]:
        event = said["event"]
        what = event["type"]
        if what == "content_block_delta":
            delta = event["delta"]
            self._block = event["index"]
            if self._message and (known := _DELTAS.get(delta["type"])) is not None:
                parent = said.get("parent_tool_use_id")
                kind, key = known
                return [TextDelta(id=self._message, block=self._block, kind=kind, text=delta[key], parent=parent)]
        elif what == "content_block_start":
            self._block = event["index"]
        elif what == "message_start":
            self._message, self._block = event["message"]["id"], -1
        elif what == "message_stop":
            self._message, self._block = "", -1
        return ()

    def _assistant(self, said: Json) -> Sequence[AgentEvent]:
        """Whole blocks. The index is that of the open block of the stream, or else counted (sub-agents do not stream)."""
        if said.get("error") is not None:  # the same text comes as the turn's error
            return ()
        message, parent = said["message"], said.get("parent_tool_use_id")
        name = str(message["id"])
        if parent is None and self._block >= 0 and self._message in ("", name):
            self._message = name
            first = self._block
        else:
            counted, blocks = self._counted.get(parent or "", ("", 0))
            first = blocks if counted == name else 0
        events: list[AgentEvent] = []
        for index, block in enumerate(message["content"], first):
            events += self._whole(block, name, index, parent)
        self._counted[parent or ""] = (name, first + len(message["content"]))
        return events

    def _whole(self, block: Json, message: str, index: int, parent: str | None) -> Sequence[AgentEvent]:
        match block["type"]:
            case "text" | "thinking" as kind:
                text = str(block[kind])
                return [TextDone(id=message, block=index, kind=_kind(kind), text=text, parent=parent)] if text else ()
            case "tool_use" | "server_tool_use" | "mcp_tool_use":
                tool, given = str(block["name"]), block["input"]
                title = tool_titles.title(tool, given, self._cwd)
                kind = tool_titles.kind(tool)
                called = ToolCalled(id=str(block["id"]), name=tool, title=title, kind=kind, input=given, parent=parent)
                tasks = offers.tasks(given) if tool == "TodoWrite" and parent is None else None
                return [called] if tasks is None else [called, Planned(tasks=tasks)]
            case _:
                return ()

    def _user(self, said: Json) -> Sequence[AgentEvent]:
        if said.get("isReplay"):
            uuid = str(said.get("uuid", ""))
            return [Taken(id=message) for message in self._said.pop(uuid, [uuid.rpartition("~")[0] or uuid])]
        content = said["message"]["content"]
        if isinstance(content, str):
            return ()
        results = [block for block in content if block["type"] == "tool_result"]
        detail = tool_titles.detail(said.get("tool_use_result")) if len(results) == 1 else None
        return [
            ToolEnded(
                id=str(block["tool_use_id"]),
                ok=not block.get("is_error"),
                output=tool_titles.text(block.get("content")),
                detail=detail,
            )
            for block in results
        ]

    def _request(self, said: Json) -> Sequence[AgentEvent]:
        request = said["request"]
        if request["subtype"] != "can_use_tool":
            return [Remarked(level="warning", text=f"The agent asked for {request['subtype']}, which Volundr does not offer.")]
        tool, given = str(request["tool_name"]), request["input"]
        suggestions = request.get("permission_suggestions") or commands.suggestions(tool)
        return [
            Asked(
                id=str(said["request_id"]),
                tool=tool,
                title=tool_titles.title(tool, given, self._cwd),
                input=given,
                tool_id=request.get("tool_use_id"),
                reason=str(request.get("decision_reason") or request.get("description") or ""),
                rules=commands.rules(suggestions),
                scopes=commands.scopes(suggestions),
                native={"suggestions": suggestions},
                parent=request.get("parent_tool_use_id"),
            )
        ]

    def _response(self, said: Json) -> Sequence[AgentEvent]:
        answer = said["response"]
        if answer["subtype"] == "error":
            return [_problem(answer)]
        if answer.get("request_id") == OPENING:
            return [self._ready, self._offered(answer.get("response") or _NOTHING)]
        return self._is(commands.adjusted(str(answer.get("request_id")), self._ready))

    def _offered(self, said: Json) -> Offered:
        self._commands = offers.commands(said.get("commands") or ())
        models = offers.models(said.get("models") or ())
        return Offered(models=models, modes=self._modes, thinking=self._thinking_levels, commands=self._commands)

    def _system(self, said: Json) -> Sequence[AgentEvent]:
        match said.get("subtype"):
            case "init":
                ready = replace(self._ready, native=said["session_id"], model=said["model"], mode=said["permissionMode"])
                return [*self._is(ready), *self._skilled(said)]
            case "status" if said.get("permissionMode"):
                return self._is(replace(self._ready, mode=said["permissionMode"]))
            case "api_retry":
                cause = " ".join(str(said[key]) for key in ("error_status", "error") if said.get(key))
                seconds = float(said.get("retry_delay_ms") or 0) / 1000
                text = f"The model did not answer ({cause or 'no cause given'}). Trying again in {seconds:.0f} s"
                text += f", attempt {said.get('attempt')} of {said.get('max_retries')}."
                return [Remarked(level="warning", text=text, detail=self._hint(cause))]
            case "compact_boundary":
                return [Remarked(level="info", text="The agent summed up the conversation to make room.")]
            case _:
                return ()

    def _skilled(self, said: Json) -> Sequence[AgentEvent]:
        """Said once a turn: the commands' names now, and which of them are skills. The descriptions were said at the start."""
        if not self._commands:  # started in the middle
            return ()
        now = offers.named(said.get("slash_commands") or (), said.get("skills") or (), self._commands)
        if not now or now == self._commands:
            return ()
        self._commands = now
        return [Offered(commands=now)]

    def _is(self, ready: Ready) -> Sequence[AgentEvent]:
        """Said once a turn; worth an event when something changed."""
        known, self._ready = self._ready, ready
        return [ready] if ready != known else ()

    def _result(self, said: Json) -> Sequence[AgentEvent]:
        usage, self._block, self._message = self._usage(said), -1, ""
        duration = int(said.get("duration_ms") or 0)
        if str(said.get("terminal_reason") or "").startswith("aborted"):
            return [TurnEnded(status="interrupted", usage=usage, duration_ms=duration)]
        if not said.get("is_error"):
            return [TurnEnded(status="ok", usage=usage, duration_ms=duration)]
        errors = said.get("errors") or [said.get("result") or f"The agent failed ({said.get('subtype')})."]
        error = "\n".join(str(one) for one in errors)
        return [TurnEnded(status="failed", error=error, hint=self._hint(error), usage=usage, duration_ms=duration)]

    def _usage(self, said: Json) -> Sequence[Usage]:
        """Of this turn. The sums by model are of the process; a result without them says nothing about them."""
        sums = said.get("modelUsage")
        return () if sums is None else self._meter.take([_sum(model, now) for model, now in sums.items()])


def _kind(word: Literal["text", "thinking"]) -> BlockKind:
    return word


def _problem(answer: Json) -> Remarked:
    return Remarked(
        level="warning", text="The agent refused a request of Volundr.", detail=str(answer.get("error"))[:LONGEST_DETAIL]
    )


def _sum(model: str, now: Json) -> Usage:
    counts = {name: int(now.get(key) or 0) for name, key in _COUNTS}
    return Usage(model=model, cost_usd=round(float(now["costUSD"] or 0), 9) if "costUSD" in now else None, **counts)


def _without_halves(said: Json) -> Json:
    """JSON can spell half a character (a lone surrogate), which no file and no socket takes; it becomes a question mark box."""
    whole = json.dumps(said, ensure_ascii=False).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    clean: Json = json.loads(whole)
    return clean
