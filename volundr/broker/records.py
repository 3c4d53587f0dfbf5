"""What a session's log holds, and every client gets.

A *record* is durable: it has a `seq` (1, 2, 3 …, no gaps) and a time `at`, is in the log before anybody sees it, and is
replayed to whoever attaches later.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from volundr.broker.parts import Attachment, BlockKind, Choice, Json, Rule, Scope, SlashCommand, Task, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class UserMessage:
    """A person's words, stored. `id` was made by the client, so sending twice stores once."""

    id: str
    text: str
    by: str = ""
    attachments: Sequence[Attachment] = ()
    type: Literal["user_message"] = "user_message"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageEdited:
    """A message that was still waiting reads so now."""

    id: str
    text: str
    by: str = ""
    type: Literal["message_edited"] = "message_edited"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRemoved:
    """A message that was still waiting was taken back: the agent never gets it."""

    id: str
    by: str = ""
    type: Literal["message_removed"] = "message_removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSteered:
    """This message is handed to the agent in the middle of the running turn."""

    id: str
    turn: int
    type: Literal["message_steered"] = "message_steered"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReturned:
    """The agent could not take this message in the middle of a turn: it waits for the next one again."""

    id: str
    type: Literal["message_returned"] = "message_returned"


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnStarted:
    """These stored messages were handed to the agent and it works on them now."""

    turn: int
    messages: Sequence[str]
    type: Literal["turn_started"] = "turn_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSeen:
    """The agent says that it has taken up this message."""

    id: str
    type: Literal["message_seen"] = "message_seen"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentMessage:
    """One whole block of what the agent said or thought. It replaces the deltas with the same `id` and `block`."""

    id: str
    block: int
    kind: BlockKind
    text: str
    parent: str | None = None
    type: Literal["agent_message"] = "agent_message"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStarted:
    """The agent calls a tool. `title` is one line for people; `parent` is the tool call of the sub-agent that did it."""

    id: str
    name: str
    title: str
    kind: Literal["read", "edit", "delete", "search", "execute", "fetch", "think", "agent", "other"] = "other"
    input: Json = field(default_factory=dict)
    parent: str | None = None
    type: Literal["tool_started"] = "tool_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFinished:
    """How the call ended. `detail` is the structured twin of `output`, e.g. `{"diff": [...]}`, when the agent gave one."""

    id: str
    ok: bool
    output: str = ""
    detail: Json | None = None
    type: Literal["tool_finished"] = "tool_finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionRaised:
    """The agent asks before it does something. Open until a `permission_decided` or `permission_closed` names its id."""

    id: str
    tool: str
    title: str
    input: Json
    tool_id: str | None = None
    reason: str = ""
    rules: Sequence[Rule] = ()
    scopes: Sequence[Scope] = ("once",)
    native: Json = field(default_factory=dict)
    parent: str | None = None
    type: Literal["permission_raised"] = "permission_raised"


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionDecided:
    """The first answer, which wins. `by` is empty when a kept rule answered."""

    id: str
    decision: Literal["allow", "deny"]
    scope: Scope = "once"
    message: str = ""
    input: Json | None = None
    by: str = ""
    type: Literal["permission_decided"] = "permission_decided"


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionDelivered:
    """The agent's process has the answer."""

    id: str
    type: Literal["permission_delivered"] = "permission_delivered"


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionClosed:
    """Nobody needs to answer any more: the agent took the question back, was interrupted or is gone."""

    id: str
    reason: str
    type: Literal["permission_closed"] = "permission_closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class InterruptRequested:
    """Somebody wants the running turn to end."""

    turn: int
    by: str = ""
    type: Literal["interrupt_requested"] = "interrupt_requested"


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnFinished:
    """The turn is over. `error` is the cause in the agent's own words, `hint` what a person can do about it."""

    turn: int
    status: Literal["ok", "interrupted", "failed"]
    error: str = ""
    hint: str = ""
    usage: Sequence[Usage] = ()
    duration_ms: int = 0
    type: Literal["turn_finished"] = "turn_finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentState:
    """The agent's process: `run` names one life of it. `native` is the agent's own session id, used to resume."""

    state: Literal["starting", "ready", "exited", "failed"]
    run: str
    agent: str = ""
    model: str = ""
    mode: str = ""
    thinking: str = ""
    native: str = ""
    error: str = ""
    hint: str = ""
    type: Literal["agent_state"] = "agent_state"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentOffers:
    """What there is to choose from, in the agent's own words; the newest such record holds. Empty lists: nothing known."""

    models: Sequence[Choice] = ()
    modes: Sequence[Choice] = ()
    thinking: Sequence[Choice] = ()
    commands: Sequence[SlashCommand] = ()
    type: Literal["agent_offers"] = "agent_offers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Somebody chose these; None leaves as it is. An `agent_state` shows when the agent has taken it up."""

    model: str | None = None
    mode: str | None = None
    thinking: str | None = None
    by: str = ""
    type: Literal["chosen"] = "chosen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forked:
    """What stands before this was copied from another session; from here on the two go different ways."""

    session: str
    name: str
    native: str = ""
    type: Literal["forked"] = "forked"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChanged:
    """The agent's list of what it does; the newest such record replaces those before it."""

    tasks: Sequence[Task]
    type: Literal["plan_changed"] = "plan_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something worth a line in the transcript that nobody said."""

    level: Literal["info", "warning", "error"]
    text: str
    detail: str = ""
    type: Literal["notice"] = "notice"


type Record = (
    UserMessage
    | TurnStarted
    | MessageSeen
    | AgentMessage
    | ToolStarted
    | ToolFinished
    | PermissionRaised
    | PermissionDecided
    | PermissionDelivered
    | PermissionClosed
    | InterruptRequested
    | TurnFinished
    | AgentState
    | Notice
    | MessageEdited
    | MessageRemoved
    | MessageSteered
    | MessageReturned
    | AgentOffers
    | Chosen
    | PlanChanged
    | Forked
)
