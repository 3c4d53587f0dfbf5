"""All that a plugin imports."""

from volundr.broker.events import (
    AgentEvent,
    Answer,
    Asked,
    Break,
    Command,
    Exited,
    Ready,
    Remarked,
    Say,
    Taken,
    TextDelta,
    TextDone,
    ToolCalled,
    ToolEnded,
    TurnEnded,
    Withdrawn,
)
from volundr.broker.frames import Capabilities, Rule, Usage
from volundr.broker.transports.stream_json import StreamJsonDialect
from volundr.broker.transports.transport import Agent, Dialect, Found, Job, Launch
from volundr.domain.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from volundr.domain.sessions.model import Session
from volundr.domain.sessions.ports import PodManager, PodStatus, SessionContributor
from volundr.domain.sessions.spec import SessionContribution, SessionSpec
from volundr.hooks import hookimpl
from volundr.registry import Adapters

__all__ = [
    "Adapters",
    "Agent",
    "AgentEvent",
    "Answer",
    "Asked",
    "Break",
    "Capabilities",
    "Command",
    "Conflict",
    "Dialect",
    "Exited",
    "Forbidden",
    "Found",
    "Invalid",
    "Job",
    "Launch",
    "NotFound",
    "PodManager",
    "PodStatus",
    "Ready",
    "Remarked",
    "Rule",
    "Say",
    "Session",
    "SessionContribution",
    "SessionContributor",
    "SessionSpec",
    "StreamJsonDialect",
    "Taken",
    "TextDelta",
    "TextDone",
    "ToolCalled",
    "ToolEnded",
    "TurnEnded",
    "Unavailable",
    "Usage",
    "Withdrawn",
    "hookimpl",
]
