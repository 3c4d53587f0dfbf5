"""What seems to be the matter with a session that works: decided from signs, with the signs named. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from volundr.broker.frames import Diagnosis

type Finding = Literal["fine", "waiting", "quiet", "tool", "stuck", "dead"]
type Action = Literal["", "answer", "wait", "interrupt", "restart"]

QUIET_SECONDS = 30.0
LONG_TOOL_SECONDS = 60.0
STUCK_SECONDS = 180.0
HOPELESS_SECONDS = 600.0
IDLE_CPU = 0.05
"""Share of one core below which a program does nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What is known of a session at one moment. Times are in seconds, up to now; None means not known.

    `cpu` is the share of one core that the agent and all it started used since the last look; `programs` are the
    command lines of what it started.
    """

    question: str = ""
    question_for: float = 0.0
    working: bool = False
    tool: str = ""
    tool_for: float = 0.0
    silent_for: float = 0.0
    turn_for: float = 0.0
    pid: int | None = None
    gone: bool = False
    cpu: float | None = None
    programs: Sequence[str] = ()


FINE = Diagnosis(finding="fine")


def diagnose(signs: Signs, now: datetime) -> Diagnosis:
    """The finding, since when it is so, its evidence, and what a person should do."""
    if signs.question:
        return _found(signs, now, "waiting", signs.question, "answer", signs.question_for)
    if not signs.working:
        return FINE
    if signs.gone:
        return _found(signs, now, "dead", "The agent's process is gone.", "restart", signs.silent_for)
    return _of_tool(signs, now) if signs.tool else _of_silence(signs, now)


def _of_tool(signs: Signs, now: datetime) -> Diagnosis:
    if signs.tool_for < LONG_TOOL_SECONDS:
        return FINE
    idle = _idle(signs) and min(signs.silent_for, signs.tool_for) > STUCK_SECONDS
    return _found(signs, now, "tool", signs.tool, "interrupt" if idle else "wait", signs.tool_for)


def _of_silence(signs: Signs, now: datetime) -> Diagnosis:
    quiet = min(signs.silent_for, signs.turn_for)
    if quiet < QUIET_SECONDS:
        return FINE
    if quiet < STUCK_SECONDS:
        return _found(signs, now, "quiet", "The model is silent.", "wait", quiet)
    if not _idle(signs):
        return _found(signs, now, "quiet", "The model is silent.", "interrupt", quiet)
    text = "The agent is silent and does nothing."
    return _found(signs, now, "stuck", text, "restart" if quiet > HOPELESS_SECONDS else "interrupt", quiet)


def _idle(signs: Signs) -> bool:
    return signs.cpu is not None and signs.cpu < IDLE_CPU


def _found(signs: Signs, now: datetime, finding: Finding, text: str, action: Action, lasts: float) -> Diagnosis:
    since = (now - timedelta(seconds=lasts)).isoformat(timespec="seconds").replace("+00:00", "Z")
    evidence = (f"asked {_span(lasts)} ago",) if finding == "waiting" else _evidence(signs)
    return Diagnosis(finding=finding, text=text, since=since, evidence=evidence, action=action)


def _evidence(signs: Signs) -> Sequence[str]:
    found = [f"no output for {_span(signs.silent_for)}", f"turn began {_span(signs.turn_for)} ago"]
    if signs.tool:
        found.append(f"tool began {_span(signs.tool_for)} ago")
    if signs.pid is not None:
        found.append(f"process {signs.pid} {'is gone' if signs.gone else 'lives'}")
    if signs.cpu is not None:
        found.append(f"uses {signs.cpu * 100:.0f} % of a core")
    if signs.programs:
        found.append(f"runs {', '.join(signs.programs[:3])}")
    return tuple(found)


def _span(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole} s" if whole < 120 else f"{whole // 60} min"
