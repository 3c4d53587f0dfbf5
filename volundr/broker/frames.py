"""The words that clients and Skuld exchange over `/s/{id}/ws/chat`, and that a session's log holds.

Every WebSocket message is text: one or more JSON objects, one a line. A *record* is durable: it has a `seq` (1, 2, 3 …,
no gaps) and a time `at`, is in the log before anybody sees it, and is replayed to whoever attaches later. A *live* frame
has no `seq`: it shows the moment (a token delta, what the agent does now) and may be lost without harm.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

type Json = Mapping[str, Any]

PROTOCOL = 1
KEEP_ALIVE_SECONDS = 10.0
_EXACT: Mapping[str, Any] = {"extra": "forbid", "strict": True}
"""How pydantic checks what a client sends: an unknown field is an error."""


# --- parts ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one turn and one model. `cost_usd` is None when the price is not known."""

    model: str
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a wider "allow" would keep: this tool with exactly this subject ("" = any use of the tool)."""

    tool: str
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the agent behind a session can do; a client offers nothing else."""

    deltas: bool = True
    permissions: bool = True
    interrupt: bool = True
    resume: bool = True
    edited_input: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What a session does, in the words of the design: `what` is the tool, the question or the cause."""

    state: Literal["starting", "idle", "working", "waiting", "stopping", "stopped", "failed"]
    what: str = ""
    since: str = ""


type Scope = Literal["once", "session", "always"]
type BlockKind = Literal["text", "thinking"]


# --- records: Skuld -> clients, durable -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class UserMessage:
    """A person's words, stored. `id` was made by the client, so sending twice stores once."""

    id: str
    text: str
    by: str = ""
    type: Literal["user_message"] = "user_message"


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
    native: str = ""
    error: str = ""
    hint: str = ""
    type: Literal["agent_state"] = "agent_state"


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
)


# --- live frames: Skuld -> clients, never stored ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """The first frame on a socket. A cursor belongs to an epoch: keep both, send both when attaching again."""

    session: str
    epoch: str
    first_seq: int
    last_seq: int
    agent: str
    capabilities: Capabilities
    activity: Activity
    protocol: int = PROTOCOL
    type: Literal["hello"] = "hello"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resync:
    """The cursor means nothing here (another epoch): forget everything; what is valid follows."""

    reason: str
    type: Literal["resync"] = "resync"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaughtUp:
    """All records up to `seq` have been sent; from here on the frames are live."""

    seq: int
    type: Literal["caught_up"] = "caught_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """A piece of an unfinished block. `offset` counts the characters before it: what you have already, skip.

    A delta with offset 0 starts the block again (sent to whoever attaches in the middle of one).
    """

    id: str
    block: int
    kind: BlockKind
    offset: int
    text: str
    parent: str | None = None
    type: Literal["delta"] = "delta"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityChanged:
    """What the session does now."""

    activity: Activity
    type: Literal["activity"] = "activity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """To the sender: the message with this id is on disk (as record `seq`), now or from an earlier attempt."""

    id: str
    seq: int
    type: Literal["stored"] = "stored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """To the sender: this frame was not taken. `id` is the message or permission it was about, "" if unreadable."""

    id: str
    error: str
    type: Literal["rejected"] = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepAlive:
    """Every KEEP_ALIVE_SECONDS; a client that hears nothing for three of them connects anew."""

    type: Literal["keep_alive"] = "keep_alive"


type Live = Hello | Resync | CaughtUp | Delta | ActivityChanged | Stored | Rejected | KeepAlive


# --- clients -> Skuld -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Attach:
    """The first frame of a client. With `epoch` and `after`: the records after that one. Else the last `tail` records."""

    epoch: str = ""
    after: int = 0
    tail: int = 500
    type: Literal["attach"] = "attach"
    __pydantic_config__: ClassVar = _EXACT


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Say something. Send the same `id` again after a reconnect until `stored` or the record comes."""

    id: str
    text: str
    type: Literal["send"] = "send"
    __pydantic_config__: ClassVar = _EXACT


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """Answer a permission. `input`, if given, replaces the tool's input (only with capability `edited_input`)."""

    id: str
    decision: Literal["allow", "deny"]
    scope: Scope = "once"
    message: str = ""
    input: Json | None = None
    type: Literal["decide"] = "decide"
    __pydantic_config__: ClassVar = _EXACT


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupt:
    """End the running turn."""

    type: Literal["interrupt"] = "interrupt"
    __pydantic_config__: ClassVar = _EXACT


type FromClient = Attach | Send | Decide | Interrupt
