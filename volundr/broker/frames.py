"""The words that clients and Skuld exchange over `/s/{id}/ws/chat`, besides the records.

Every WebSocket message is text: one or more JSON objects, one a line. Records (`records.py`) are durable. A *live* frame has
no `seq`: it shows the moment (a token delta, what the agent does now) and may be lost without harm.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from volundr.broker.parts import Activity, BlockKind, Capabilities, Json, Scope, Task
from volundr.broker.records import AgentOffers

PROTOCOL = 1
KEEP_ALIVE_SECONDS = 10.0
_EXACT: Mapping[str, Any] = {"extra": "forbid", "strict": True}
"""How pydantic checks what a client sends: an unknown field is an error."""


# --- live frames: Skuld -> clients, never stored ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What holds now, for a client that does not load the records that said so: as `agent_state`, `agent_offers` and
    `plan_changed` have it. `run` is empty before the first one."""

    run: str = ""
    state: Literal["", "starting", "ready", "exited", "failed"] = ""
    model: str = ""
    mode: str = ""
    thinking: str = ""
    offers: AgentOffers = field(default_factory=AgentOffers)
    tasks: Sequence[Task] = ()


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
    standing: Standing = field(default_factory=Standing)
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
class Output:
    """A piece of what a running tool prints. `offset` counts the characters before it; `tool_finished` replaces all of it."""

    id: str
    offset: int
    text: str
    type: Literal["output"] = "output"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Why nothing seems to happen, with what that is known from, and what would help.

    `quiet`: the model has said nothing for a while. `tool`: a tool runs for long. `stuck`: silent, and no process of it
    does anything. `dead`: its process is gone. `fine` takes back what was said before. `since` is when it began.
    """

    finding: Literal["fine", "waiting", "quiet", "tool", "stuck", "dead"]
    text: str = ""
    since: str = ""
    evidence: Sequence[str] = ()
    action: Literal["", "answer", "wait", "interrupt", "restart"] = ""
    type: Literal["diagnosis"] = "diagnosis"


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


type Live = Hello | Resync | CaughtUp | Delta | Output | Diagnosis | ActivityChanged | Stored | Rejected | KeepAlive


# --- clients -> Skuld ---


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
    """Say something. Send the same `id` again after a reconnect until `stored` or the record comes.

    `steer`: in the middle of the running turn, if one runs (capability `steer`). `attachments`: ids of uploads.
    """

    id: str
    text: str
    steer: bool = False
    attachments: Sequence[str] = ()
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Change the text of a message that is still waiting."""

    id: str
    text: str
    type: Literal["edit"] = "edit"
    __pydantic_config__: ClassVar = _EXACT


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove:
    """Take back a message that is still waiting."""

    id: str
    type: Literal["remove"] = "remove"
    __pydantic_config__: ClassVar = _EXACT


@dataclass(frozen=True, slots=True, kw_only=True)
class Choose:
    """Choose a model, a permission mode, how much to think; what is None stays. Only with the capability of that name."""

    model: str | None = None
    mode: str | None = None
    thinking: str | None = None
    type: Literal["choose"] = "choose"
    __pydantic_config__: ClassVar = _EXACT


type FromClient = Attach | Send | Decide | Interrupt | Edit | Remove | Choose
