"""What Skuld and an agent tell each other, whichever agent it is. A dialect translates these from and to its wire.

Events come from the agent; commands go to it. Both are plain data: no I/O, no clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from volundr.broker.parts import Attachment, BlockKind, Choice, Json, Rule, Scope, SlashCommand, Task, Usage

# --- events: agent -> Skuld -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The agent is up, or says anew who it is. Empty fields are unknown."""

    native: str = ""
    model: str = ""
    mode: str = ""
    thinking: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What there is to choose from now, all of it. None: as it was said before."""

    models: Sequence[Choice] | None = None
    modes: Sequence[Choice] | None = None
    thinking: Sequence[Choice] | None = None
    commands: Sequence[SlashCommand] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The agent's list of what it does, all of it."""

    tasks: Sequence[Task]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The agent has taken up this message of ours."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Untaken:
    """The agent could not take up this steered message: its turn was over, say. An empty id: it will take up none any more."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutput:
    """A piece of what a running tool prints: live only, its `ToolEnded` has all of it."""

    id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta:
    """A piece of block `block` of message `id`."""

    id: str
    block: int
    kind: BlockKind
    text: str
    parent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDone:
    """The whole block."""

    id: str
    block: int
    kind: BlockKind
    text: str
    parent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCalled:
    id: str
    name: str
    title: str
    kind: Literal["read", "edit", "delete", "search", "execute", "fetch", "think", "agent", "other"] = "other"
    input: Json = field(default_factory=dict)
    parent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolEnded:
    id: str
    ok: bool
    output: str = ""
    detail: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The agent wants permission. `native` is whatever its dialect needs to answer (kept with the question)."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """The agent no longer waits for this answer."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnEnded:
    status: Literal["ok", "interrupted", "failed"]
    error: str = ""
    hint: str = ""
    usage: Sequence[Usage] = ()
    duration_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Remarked:
    """A notice of the agent: a retry, a compaction, an unreadable line."""

    level: Literal["info", "warning", "error"]
    text: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exited:
    """The agent's process is gone. `wanted` when Skuld had asked it to go; `error` holds the end of its stderr."""

    code: int | None
    wanted: bool = False
    error: str = ""
    hint: str = ""


type AgentEvent = (
    Ready
    | Offered
    | Planned
    | Taken
    | Untaken
    | TextDelta
    | TextDone
    | ToolCalled
    | ToolOutput
    | ToolEnded
    | Asked
    | Withdrawn
    | TurnEnded
    | Remarked
    | Exited
)


# --- commands: Skuld -> agent -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A file that goes with a message. `data` is base64, given for images alone; all else is reached by `path`."""

    about: Attachment
    path: str
    data: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Give the agent these messages (id, text) as one prompt. `attached` has the files of each message, by its id."""

    messages: Sequence[tuple[str, str]]
    attached: Mapping[str, Sequence[Attached]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Steer:
    """Give the agent this message in the middle of the running turn. It answers with `Taken` or `Untaken`."""

    message: tuple[str, str]
    attached: Sequence[Attached] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjust:
    """Change what is not None. A dialect whose agent takes this with each prompt remembers it until then.

    It answers with `Ready` once it holds.
    """

    number: int
    model: str | None = None
    mode: str | None = None
    thinking: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Answer an `Asked`: `asked_input` and `native` are the question's own, `input` replaces its input if given."""

    id: str
    decision: Literal["allow", "deny"]
    scope: Scope
    asked_input: Json
    native: Json
    message: str = ""
    input: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """Interrupt the running turn."""

    number: int


type Command = Say | Steer | Adjust | Answer | Break
