"""Which routers the API has. A resource is one file; add a new one to LATE, under the first part of its path.

EARLY is what the web UI's first page and the brokers ask for at once: everything else costs nothing until it is asked for.
The path of a route belongs to one module alone (a rule test looks), so that early and late never share one.
"""

from collections.abc import Mapping, Sequence

from fastapi import APIRouter

from volundr.api import health, login, permissions, sessions, stream, system
from volundr.api.late import Load

EARLY: Sequence[APIRouter] = (
    sessions.router,
    permissions.router,
    stream.router,
    system.router,
    login.router,
    health.router,
)


def _of_sessions() -> Sequence[APIRouter]:
    """What stands under `/sessions/{session_id}/`."""
    from volundr.api import chronicles, reports

    return (reports.router, chronicles.router)


def _definitions() -> Sequence[APIRouter]:
    from volundr.api import definitions

    return (definitions.router,)


def _git() -> Sequence[APIRouter]:
    from volundr.api import git

    return (git.router,)


def _integrations() -> Sequence[APIRouter]:
    from volundr.api import integrations

    return (integrations.router,)


def _metrics() -> Sequence[APIRouter]:
    from volundr.api import metrics

    return (metrics.router,)


def _retention() -> Sequence[APIRouter]:
    from volundr.api import retention

    return (retention.router,)


def _tracker() -> Sequence[APIRouter]:
    from volundr.api import tracker

    return (tracker.router,)


LATE: Mapping[str, Load] = {
    "sessions": _of_sessions,
    "definitions": _definitions,
    "git": _git,
    "integrations": _integrations,
    "metrics": _metrics,
    "retention": _retention,
    "tracker": _tracker,
}
"""First part of the path (behind `/api/v1/`, or of the whole path) → its routers, imported when that is first asked for."""


def routers() -> Sequence[APIRouter]:
    """All of them, each once."""
    found = list(EARLY)
    for load in LATE.values():
        found += [router for router in load() if not any(router is known for known in found)]
    return found
