"""The dialect of ACP, the Agent Client Protocol (version 1): JSON-RPC over lines, which opencode, Gemini CLI and others speak.

Updates of a kind that is not known mean nothing; only what cannot be read is remarked upon.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from volundr.sdk import (
    Adjust,
    AgentEvent,
    Answer,
    Asked,
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
    TextDelta,
    ToolOutput,
    TurnEnded,
    Unavailable,
)
from volundr_acp import asking, menu, prompts, rpc, tools
from volundr_acp.blocks import Blocks
from volundr_acp.opening import Opening
from volundr_acp.rpc import NOTHING, Json
from volundr_acp.spending import Spending
from volundr_acp.tools import Call

LONGEST_DETAIL = 2048
ENDS: Mapping[str, tuple[Literal["ok", "interrupted", "failed"], str]] = {
    "end_turn": ("ok", ""),
    "cancelled": ("interrupted", ""),
    "max_tokens": ("failed", "The model's answer reached its length limit."),
    "max_turn_requests": ("failed", "The turn reached the agent's limit of model requests."),
    "refusal": ("failed", "The model refused to answer."),
}
_LIVE = (TextDelta, ToolOutput)
_PATIENT = (Taken, Ready, Offered, Remarked)
_DENIED = "When the user denied {title}, they said: {words}"


class AcpDialect(Dialect):
    """`hint` says what a person can do about an error text of this agent; `auth` is the login method to ask for, "" for none.

    Requests are called `say <message ids>` and `adjust <number> <what> <way> <value>`, so their answers are understood without
    having sent them.
    """

    def __init__(self, job: Job, hint: Callable[[str], str], auth: str = "") -> None:
        self._job = job
        self._cwd = str(job.cwd)
        self._hint = hint
        self._started = False
        self._opening = Opening(job, auth)
        self._blocks = Blocks(fresh=not job.native)
        self._spending = Spending(None if job.native or job.resume else 0.0)
        self._calls: dict[str, Call] = {}
        self._asking: dict[str, object] = {}
        self._titles: dict[str, str] = {}
        self._saying: Sequence[str] = ()
        self._held: Say | None = None
        self._postscript: list[str] = []
        self._replies: list[str] = []
        self._later: list[AgentEvent] = []
        self._updates: Mapping[str, Callable[[Json], Sequence[AgentEvent]]] = {
            "agent_message_chunk": lambda said: self._chunk(said, "text"),
            "agent_thought_chunk": lambda said: self._chunk(said, "thinking"),
            "tool_call": self._call,
            "tool_call_update": self._call,
            "plan": lambda said: [*self._taken(), Planned(tasks=menu.tasks(said))],
            "available_commands_update": self._commands,
            "current_mode_update": lambda said: self._uses("mode", str(said.get("currentModeId") or said.get("modeId") or "")),
            "config_option_update": self._offers,
            "usage_update": self._spent,
        }

    # --- to the agent -------------------------------------------------------------------------------------------------

    def opening(self) -> Sequence[str]:
        self._started = True
        return self._opening.lines()

    def replies(self) -> Sequence[str]:
        replies, self._replies = self._replies, []
        return replies

    def encode(self, command: Command) -> Sequence[str]:
        """Raises Unavailable while the agent has no session yet: try again soon."""
        opening = self._opening
        if isinstance(command, Say) and not opening.up and (opening.failed or not self._started):
            self._held = command
            return [opening.again()]
        if not opening.up and not opening.failed:
            raise Unavailable("The agent is still starting.")
        match command:
            case Say():
                return [self._say(command)] if command.messages else []
            case Break():
                return self._break()
            case Answer():
                return [self._answer(command)]
            case Adjust():
                return self._adjust(command)
            case _:
                return ()

    def _say(self, say: Say) -> str:
        self._saying = [name for name, _ in say.messages]
        if self._opening.new and self._job.system_prompt:
            self._postscript.insert(0, self._job.system_prompt)
            self._opening.new = False
        blocks = prompts.blocks(say.messages, say.attached, images=self._opening.images)
        blocks += [{"type": "text", "text": words} for words in self._postscript]
        self._postscript = []
        name = " ".join(["say", *self._saying])
        return rpc.request(name, "session/prompt", {"sessionId": self._opening.session, "prompt": blocks})

    def _break(self) -> Sequence[str]:
        """Whatever the agent still asks is answered, as the protocol wants it."""
        open_questions, self._asking = self._asking, {}
        answers = [rpc.answer(name, asking.cancelled()) for name in open_questions.values()]
        return [rpc.notification("session/cancel", {"sessionId": self._opening.session}), *answers]

    def _answer(self, answer: Answer) -> str:
        """The protocol has no words for a denial: they follow with the next prompt."""
        self._asking.pop(answer.id, None)
        title = self._titles.pop(answer.id, "a tool")
        if answer.decision == "deny" and answer.message:
            self._postscript.append(_DENIED.format(title=title, words=answer.message))
        return rpc.answer(answer.native.get("rpc"), asking.outcome(answer))

    def _adjust(self, wanted: Adjust) -> Sequence[str]:
        """By the config option that the agent announced, or the method of its own; unknown after a restart: see `_adjusted`."""
        lines = []
        for what, value in (("model", wanted.model), ("mode", wanted.mode), ("thinking", wanted.thinking)):
            if value is None:
                continue
            option = self._opening.menu.options.get(what, "thought_level" if what == "thinking" else what)
            name = f"adjust {wanted.number} {what} {'option' if option else 'own'} {value}"
            lines.append(menu.change(name, self._opening.session, what, value, option))
        return lines

    # --- from the agent -----------------------------------------------------------------------------------------------

    def decode(self, line: str) -> Sequence[AgentEvent]:
        return self._in_order(self._read(line))

    def _in_order(self, events: Sequence[AgentEvent]) -> Sequence[AgentEvent]:
        """Nothing gets into the log while text is open: what can wait does, and before anything else the text ends.

        So the lines of open text always come again after a restart of Skuld, all of them.
        """
        live = [event for event in events if isinstance(event, _LIVE)]
        patient = [event for event in events if isinstance(event, _PATIENT)]
        if len(live) == len(events):
            return events
        if self._blocks.open and len(live) + len(patient) == len(events):
            self._later += patient
            return live
        later, self._later = self._later, []
        return [*later, *self._blocks.close(), *events]

    def _read(self, line: str) -> Sequence[AgentEvent]:
        if not line or line.isspace():
            return ()
        try:
            said = rpc.read(line)
            if "method" not in said:
                return self._answered(str(said.get("id")), said)
            if "id" in said:
                return self._requested(said)
            return self._updated(said["params"]) if said["method"] == "session/update" else ()
        except (ValueError, RecursionError):
            text = "The agent printed a line that cannot be read."
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            text = f"The agent printed something unexpected ({type(error).__name__}: {error})."
        return [Remarked(level="warning", text=text[:LONGEST_DETAIL], detail=line[:LONGEST_DETAIL])]

    def _answered(self, name: str, said: Json) -> Sequence[AgentEvent]:
        if name.startswith("say "):
            return self._ended(name, said)
        if name.startswith("adjust "):
            return self._adjusted(name, said)
        return self._open(name, said) if self._opening.owns(name) else ()

    def _open(self, name: str, said: Json) -> Sequence[AgentEvent]:
        opening = self._opening
        self._replies += opening.answered(name, said)
        notes, held = opening.notes, self._held
        if opening.failed:
            self._held = None
            hint = self._hint(opening.failed)
            if held is not None:
                return [TurnEnded(status="failed", error=opening.failed, hint=hint)]
            return [Remarked(level="error", text=opening.failed, detail=hint), Ready()]
        if not opening.up:
            return ()
        opening.notes, self._held = [], None
        if held is not None:
            self._replies.append(self._say(held))
        return [*notes, opening.menu.ready(opening.session), opening.offered()]

    def _ended(self, name: str, said: Json) -> Sequence[AgentEvent]:
        taken: list[AgentEvent] = [Taken(id=message) for message in name.split(" ")[1:]] if self._saying else []
        events = [*taken, *(event for call in self._calls.values() for event in self._announce(call))]
        self._saying, self._asking, self._titles, self._calls = (), {}, {}, {}
        error, result = said.get("error"), said.get("result") or NOTHING
        usage = self._spending.of_turn(result, self._opening.menu.current.get("model") or self._job.model)
        if error is not None:
            text = rpc.words(error)
            return [*events, TurnEnded(status="failed", error=text, hint=self._hint(text), usage=usage)]
        reason = str(result.get("stopReason"))
        status, text = ENDS.get(reason, ("ok", ""))
        return [*events, TurnEnded(status=status, error=text, usage=usage)]

    def _adjusted(self, name: str, said: Json) -> Sequence[AgentEvent]:
        _, number, what, way, value = name.split(" ", 4)
        error: Json | None = said.get("error")
        if error is None:
            known = self._opening.menu
            self._opening.menu = menu.read(said.get("result") or NOTHING, known.using(what, value))
            offered = [self._opening.menu.offered()] if said.get("result", NOTHING).get("configOptions") else []
            return [*offered, self._opening.menu.ready(self._opening.session)]
        if way == "option" and what not in self._opening.menu.options:
            again = f"adjust {number} {what} own {value}"
            self._replies.append(menu.change(again, self._opening.session, what, value, ""))
            return ()
        return [Remarked(level="warning", text=f"The agent does not take {value!r} as its {what}.", detail=rpc.words(error))]

    def _requested(self, said: Json) -> Sequence[AgentEvent]:
        if said["method"] != "session/request_permission":
            self._replies.append(rpc.refusal(said["id"], str(said["method"])))
            return ()
        params = said["params"]
        update, options = params["toolCall"], params.get("options") or ()
        tool = str(update["toolCallId"])
        call = self._known(tool)
        call.take({key: value for key, value in update.items() if key != "status"})
        events = [*self._taken(), *self._announce(call)]
        called = call.called(self._cwd)
        name = f"{tool}#{said['id']}"
        self._asking[name], self._titles[name] = said["id"], called.title
        return [
            *events,
            Asked(
                id=name,
                tool=called.name,
                title=called.title,
                input=called.input,
                tool_id=tool,
                scopes=asking.scopes(options),
                native={"rpc": said["id"], "options": list(options)},
            ),
        ]

    def _updated(self, params: Json) -> Sequence[AgentEvent]:
        """What is said before the session is open is its history, except what there is to choose from."""
        update = params["update"]
        reader = self._updates.get(str(update.get("sessionUpdate")))
        if reader is None or params.get("sessionId", self._opening.session) != self._opening.session:
            return self._early(update) if not self._opening.up else ()
        return reader(update) if self._opening.up else self._early(update)

    def _early(self, update: Json) -> Sequence[AgentEvent]:
        if update.get("sessionUpdate") == "available_commands_update":
            self._opening.commands = menu.commands(update)
        return ()

    # --- updates ------------------------------------------------------------------------------------------------------

    def _taken(self) -> Sequence[AgentEvent]:
        """The agent has begun to do something about what it was told."""
        messages, self._saying = self._saying, ()
        return [Taken(id=message) for message in messages]

    def _chunk(self, said: Json, kind: Literal["text", "thinking"]) -> Sequence[AgentEvent]:
        words = tools.text([{"type": "content", "content": said["content"]}])
        return [*self._taken(), *self._blocks.add(str(said.get("messageId") or ""), kind, words)]

    def _call(self, said: Json) -> Sequence[AgentEvent]:
        """A call is announced once its input is there: some agents name a call first and say what it is about later."""
        tool, status = str(said["toolCallId"]), said.get("status")
        middle = said["sessionUpdate"] == "tool_call_update" and tool not in self._calls and bool(self._job.native)
        call = self._known(tool)
        call.take(said)
        call.told |= middle  # announced by an earlier Skuld
        over = status in ("completed", "failed")
        if call.said.get("status", "pending") == "pending":
            return ()
        events = [*self._taken(), *self._announce(call)]
        if over:
            del self._calls[tool]
            return [*events, call.ended()]
        output = call.output() if call.told else None
        return [*events, output] if output is not None else events

    def _known(self, tool: str) -> Call:
        return self._calls.setdefault(tool, Call(tool))

    def _announce(self, call: Call) -> Sequence[AgentEvent]:
        return () if call.told else [call.called(self._cwd)]

    def _commands(self, said: Json) -> Sequence[AgentEvent]:
        self._opening.commands = menu.commands(said)
        return [Offered(commands=self._opening.commands)]

    def _uses(self, what: str, value: str) -> Sequence[AgentEvent]:
        self._opening.menu = self._opening.menu.using(what, value)
        return [self._opening.menu.ready(self._opening.session)]

    def _offers(self, said: Json) -> Sequence[AgentEvent]:
        self._opening.menu = menu.read(said, self._opening.menu)
        return [self._opening.menu.offered(), self._opening.menu.ready(self._opening.session)]

    def _spent(self, said: Json) -> Sequence[AgentEvent]:
        self._spending.update(said)
        return ()
