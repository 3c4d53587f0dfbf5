"""The ports behind which agents live: what a plugin offers (`Agent`, `Dialect`) and how Skuld talks to one (`CLITransport`)."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from volundr.broker.events import AgentEvent, Command
from volundr.broker.parts import Capabilities, Usage
from volundr.domain.sessions.spec import McpServer

PER_MESSAGE = "per_message"
"""The transport that starts the agent's program anew for each prompt (and carries it as `shim` does)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Whether an agent's program is on this machine. `problem` says why not, `hint` what to do."""

    available: bool
    version: str = ""
    path: str = ""
    problem: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What an agent is started for. `resume` is its own session id from an earlier run, "" for a new conversation.

    `run` names this life of the process, also after Skuld restarted. `fork`: go on from `resume` in a conversation of its
    own. `per_message`: this process gets one prompt, then the end of its input, and ends by itself when its turn is over.
    `native`: its own session id, when Skuld goes on with a process that already runs (the dialect starts in the middle then:
    no opening, and the lines of a handshake do not come again); `spent` are the tokens of that run so far. `mcp_servers` are
    the tool servers it may use; `mcp_config` is a file of the session's own (0600) that has them as `{"mcpServers": …}`, ""
    when there are none. What is in them is secret: it never becomes an argument of a program.
    """

    session: str
    cwd: Path
    run: str = ""
    model: str = ""
    mode: str = ""
    thinking: str = ""
    fork: bool = False
    per_message: bool = False
    system_prompt: str = ""
    resume: str = ""
    native: str = ""
    spent: Sequence[Usage] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    mcp_servers: Sequence[McpServer] = ()
    mcp_config: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A process to start: no shell, `env` is complete."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path


class Dialect(ABC):
    """One agent's wire, as pure translation: no I/O, no clock. One instance serves one run of the agent's process.

    After Skuld restarted, a fresh instance gets the lines again from the last one whose outcome is in the log; it must
    cope with starting in the middle.
    """

    @abstractmethod
    def opening(self) -> Sequence[str]:
        """Lines to write once, right after the process started."""

    @abstractmethod
    def encode(self, command: Command) -> Sequence[str]:
        """The lines that tell the agent this. Each is one line without its newline.

        Raises Unavailable while it cannot be told yet: it is tried again.
        """

    @abstractmethod
    def decode(self, line: str) -> Sequence[AgentEvent]:
        """What a line of the agent's output means. Never raises: what cannot be read becomes a `Remarked`."""

    def replies(self) -> Sequence[str]:
        """Lines that the agent must get because of what `decode` has just read (requests of its own, a next step of a
        handshake); asked for after each line that was decoded, and given once. Most wires have none.
        """
        return ()

    def after(self, command: Command) -> Literal["", "close", "interrupt"]:  # noqa: ARG002 - most need nothing
        """What follows the lines of this command: the end of the agent's input, or SIGINT to its process."""
        return ""


class Agent(ABC):
    """An agent that sessions can use. Adding one is one plugin file that offers this port."""

    label: str
    capabilities: Capabilities
    transports: Sequence[str] = ("shim", "stdio", "remote")
    """Which of `factory.KINDS` it can be carried by, the usual one first."""

    def can(self, transport: str) -> Capabilities:  # noqa: ARG002 - most can the same by any
        """What it can do when it is carried by this transport."""
        return self.capabilities

    @abstractmethod
    def find(self, env: Mapping[str, str]) -> Found:
        """Look for the program (blocking, under 5 s; called in a thread)."""

    @abstractmethod
    def launch(self, job: Job) -> Launch:
        """How to start it. Raises Unavailable with cause and remedy when it is not there."""

    @abstractmethod
    def dialect(self, job: Job) -> Dialect: ...

    @abstractmethod
    def hint(self, error: str) -> str:
        """What a person can do about this error text of the agent; "" if unknown."""

    @abstractmethod
    def lost(self, error: str) -> bool:
        """Whether this failure of a resumed start means that the agent has forgotten the conversation."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One event and the number of the agent's output line it came from. Numbers grow by one a line within a run."""

    line: int
    event: AgentEvent


class CLITransport(ABC):
    """Carries events and commands between Skuld and one agent process, run after run.

    Guarantees: lines arrive in order, none twice and none missing within a run, also over a reconnect; a command given
    twice under the same number reaches the agent once. Implementations: through the shim over `/ws/cli/{session_id}`
    (survives Skuld), and over stdio (dies with Skuld).
    """

    @abstractmethod
    async def start(self, run: str, launch: Launch, dialect: Dialect) -> None:
        """Start a new run. Raises Unavailable with the cause when the process cannot be started."""

    @abstractmethod
    async def adopt(self, run: str, dialect: Dialect, after: int) -> int | None:
        """Go on with a run that outlived Skuld; output lines after number `after` come again.

        Returns the highest command number the agent has got, or None when that run is gone.
        """

    @abstractmethod
    async def tell(self, number: int, command: Command) -> None:
        """Hand over a command. Returns once the agent's process has it. Raises Unavailable when there is no run."""

    @abstractmethod
    def hear(self) -> AsyncIterator[Sequence[Heard]]:
        """Batches of events, over all runs; ends after `stop`. An `Exited` is the last event of a run."""

    @abstractmethod
    def settled(self, line: int) -> None:
        """Everything up to this line is in the log: it need not be kept for a resend."""

    def raw(self, count: int) -> Sequence[tuple[int, str]]:  # noqa: ARG002 - a transport may keep none
        """The newest lines of the agent's output as they came, with their numbers: for debugging."""
        return ()

    async def pid(self) -> int | None:
        """The agent's process on this machine; None when that is not known. Raises Unavailable."""
        return None

    @abstractmethod
    async def stop(self, grace: float) -> None:
        """End the run and every process that descends from it: asked, then after `grace` seconds forced."""
