"""What records, frames, events and commands are made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

type Json = Mapping[str, Any]


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
    """What the agent behind a session can do; a client offers nothing else.

    `steer`: takes words in the middle of a turn. `model`, `mode`, `thinking`: can be changed while the session lives.
    `images`: sees them in a prompt (other files are named to it by their path). `per_message`: a process for each turn.
    """

    deltas: bool = True
    permissions: bool = True
    interrupt: bool = True
    resume: bool = True
    edited_input: bool = False
    steer: bool = False
    model: bool = False
    mode: bool = False
    thinking: bool = False
    images: bool = False
    fork: bool = False
    per_message: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What a session does, in the words of the design: `what` is the tool, the question or the cause."""

    state: Literal["starting", "idle", "working", "waiting", "stopping", "stopped", "failed"]
    what: str = ""
    since: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One thing to choose, as the agent names it (`id`) and as people read it. `resolved`: what it calls it once in use."""

    id: str
    label: str
    description: str = ""
    resolved: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlashCommand:
    """A command or skill that the agent understands when a message begins with `/<name>`. `takes` describes what may follow."""

    name: str
    description: str = ""
    takes: str = ""
    kind: Literal["command", "skill"] = "command"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that goes with a message: uploaded before with `POST /s/{id}/attachments`, which gives its `id`."""

    id: str
    name: str
    media_type: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One line of the agent's own plan."""

    text: str
    state: Literal["pending", "working", "done"] = "pending"


type Scope = Literal["once", "session", "always"]
type BlockKind = Literal["text", "thinking"]
