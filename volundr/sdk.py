"""All that a plugin imports."""

from volundr.broker.events import AgentEvent, Command
from volundr.broker.frames import Capabilities
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
    "Capabilities",
    "Command",
    "Conflict",
    "Dialect",
    "Forbidden",
    "Found",
    "Invalid",
    "Job",
    "Launch",
    "NotFound",
    "PodManager",
    "PodStatus",
    "Session",
    "SessionContribution",
    "SessionContributor",
    "SessionSpec",
    "StreamJsonDialect",
    "Unavailable",
    "hookimpl",
]
