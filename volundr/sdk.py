"""All that a plugin imports."""

from volundr.broker.channels.channel import Channel, Seat, Sessions
from volundr.broker.events import (
    Adjust,
    AgentEvent,
    Answer,
    Asked,
    Attached,
    Break,
    Command,
    Exited,
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
    ToolOutput,
    TurnEnded,
    Untaken,
    Withdrawn,
)
from volundr.broker.frames import Choose, Decide, Interrupt, Rejected, Send, Stored
from volundr.broker.parts import Attachment, Capabilities, Choice, Rule, SlashCommand, Task, Usage
from volundr.broker.transports.stream_json import StreamJsonDialect
from volundr.broker.transports.transport import Agent, Dialect, Found, Job, Launch
from volundr.domain.credentials import Credential
from volundr.domain.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from volundr.domain.events import EventSink, SessionEvent
from volundr.domain.mcp import McpConfig, MCPServerProvider
from volundr.domain.mounts import Mount, SecretFile
from volundr.domain.paging import Page, PageRequest
from volundr.domain.secrets import SecretInjectionPort, SecretManager, SecretRepository
from volundr.domain.sessions.model import Session
from volundr.domain.sessions.ports import PodManager, PodStatus, SessionContributor
from volundr.domain.sessions.spec import McpServer, MountedFile, SessionContribution, SessionSpec
from volundr.hooks import hookimpl
from volundr.registry import Adapters

__all__ = [
    "Adapters",
    "Adjust",
    "Agent",
    "AgentEvent",
    "Answer",
    "Asked",
    "Attached",
    "Attachment",
    "Break",
    "Capabilities",
    "Channel",
    "Choice",
    "Choose",
    "Command",
    "Conflict",
    "Credential",
    "Decide",
    "Dialect",
    "EventSink",
    "Exited",
    "Forbidden",
    "Found",
    "Interrupt",
    "Invalid",
    "Job",
    "Launch",
    "MCPServerProvider",
    "McpConfig",
    "McpServer",
    "Mount",
    "MountedFile",
    "NotFound",
    "Offered",
    "Page",
    "PageRequest",
    "Planned",
    "PodManager",
    "PodStatus",
    "Ready",
    "Rejected",
    "Remarked",
    "Rule",
    "Say",
    "Seat",
    "SecretFile",
    "SecretInjectionPort",
    "SecretManager",
    "SecretRepository",
    "Send",
    "Session",
    "SessionContribution",
    "SessionContributor",
    "SessionEvent",
    "SessionSpec",
    "Sessions",
    "SlashCommand",
    "Steer",
    "Stored",
    "StreamJsonDialect",
    "Taken",
    "Task",
    "TextDelta",
    "TextDone",
    "ToolCalled",
    "ToolEnded",
    "ToolOutput",
    "TurnEnded",
    "Unavailable",
    "Untaken",
    "Usage",
    "Withdrawn",
    "hookimpl",
]
