"""Lines that the real Codex printed, and what its dialects make of them."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from volundr_codex import CodexAgent, CodexSettings
from volundr_codex.app_server import AppServerDialect

from volundr.broker.events import (
    AgentEvent,
)
from volundr.broker.transports.transport import Dialect, Job

RECORDINGS = Path(__file__).parent / "recordings"
AGENT = CodexAgent(CodexSettings())
JOB = Job(session="s", cwd=Path("/project/work"))
THREAD = "01a206ce-633c-71b0-9d66-0b8b5482e4b0"


def recorded(name: str) -> list[str]:
    lines = (RECORDINGS / f"{name}.ndjson").read_text("utf-8").splitlines()
    return [line[2:] for line in lines if line.startswith("<")]


def opened(job: Job = JOB) -> AppServerDialect:
    dialect = AppServerDialect(job, job.model, AGENT.hint, AGENT.lost)
    dialect.opening()
    return dialect


def decoded(lines: Sequence[str], dialect: Dialect) -> list[AgentEvent]:
    return [event for line in lines for event in dialect.decode(line)]


def only[E](events: Sequence[AgentEvent], kind: type[E]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def said(line: str) -> Any:
    return json.loads(line)


def running(turn: str | None = "t1", native: str = THREAD) -> AppServerDialect:
    """In the middle, as after a restart of Skuld; a turn of this id is known to run."""
    dialect = AppServerDialect(replace(JOB, native=native), "", AGENT.hint, AGENT.lost)
    if turn is not None:
        notified(dialect, "turn/started", turn={"id": turn})
        dialect.replies()  # it asks for what an earlier instance knew
    return dialect


def notified(dialect: Dialect, method: str, **params: Any) -> list[AgentEvent]:
    return list(dialect.decode(json.dumps({"method": method, "params": {"threadId": THREAD, **params}})))
