"""What a session's pod needs, put together by contributors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from volundr.domain.errors import Conflict


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSpec:
    """All that a pod manager and Skuld must know to run a session.

    `definition` names settings of the machine that fill what is empty here. `fork_of`: the id of a session whose
    conversation this one goes on from, if it has none of its own yet.
    """

    session_id: str
    name: str
    agent: str
    transport: str = "shim"
    model: str = ""
    mode: str = ""
    thinking: str = ""
    definition: str = ""
    fork_of: str = ""
    system_prompt: str = ""
    workspace: str = ""
    project: str = ""
    branch: str = ""
    secret: str = field(default="", repr=False)
    report_url: str = ""
    env: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionContribution:
    """What one contributor adds: named fields of the spec, and environment variables."""

    by: str
    values: Mapping[str, Any] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)


def merge(contributions: Sequence[SessionContribution]) -> SessionSpec:
    """One spec from all contributions. Two that say different things about one field or variable are a Conflict."""
    values: dict[str, tuple[str, Any]] = {}
    env: dict[str, tuple[str, Any]] = {}
    known = {f.name for f in fields(SessionSpec)} - {"env"}
    for contribution in contributions:
        for name in contribution.values.keys() - known:
            raise Conflict(f"The contributor {contribution.by!r} sets {name!r}, which a session does not have.")
        _add(values, contribution.by, contribution.values)
        _add(env, contribution.by, contribution.env)
    return SessionSpec(**{k: v for k, (_, v) in values.items()}, env={k: v for k, (_, v) in env.items()})


def _add(into: dict[str, tuple[str, Any]], by: str, new: Mapping[str, Any]) -> None:
    for name, value in new.items():
        other, old = into.setdefault(name, (by, value))
        if old != value:
            raise Conflict(f"The contributors {other!r} and {by!r} disagree about {name!r}.")
