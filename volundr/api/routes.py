"""Which routers the API has. A resource is one file; add a new one here, under the first part of its path."""

from collections.abc import Mapping, Sequence

from fastapi import APIRouter

from volundr.api.segments import Load


def _access_tokens() -> Sequence[APIRouter]:
    from volundr.api import access_tokens

    return (access_tokens.router,)


def _admin_settings() -> Sequence[APIRouter]:
    from volundr.api import admin_settings

    return (admin_settings.router,)


def _audit() -> Sequence[APIRouter]:
    from volundr.api import audit

    return (audit.router,)


def _budgets() -> Sequence[APIRouter]:
    from volundr.api import budgets

    return (budgets.router, budgets.of_sessions)


def _chronicles() -> Sequence[APIRouter]:
    from volundr.api import chronicles

    return (chronicles.of_sessions, chronicles.router)


def _credentials() -> Sequence[APIRouter]:
    from volundr.api import credentials

    return (credentials.router,)


def _definitions() -> Sequence[APIRouter]:
    from volundr.api import definitions

    return (definitions.router,)


def _events() -> Sequence[APIRouter]:
    from volundr.api import events

    return (events.of_session, events.router)


def _git() -> Sequence[APIRouter]:
    from volundr.api import git

    return (git.router,)


def _health() -> Sequence[APIRouter]:
    from volundr.api import health

    return (health.router,)


def _integrations() -> Sequence[APIRouter]:
    from volundr.api import integrations

    return (integrations.router,)


def _login() -> Sequence[APIRouter]:
    from volundr.api import login

    return (login.router,)


def _mcp_servers() -> Sequence[APIRouter]:
    from volundr.api import mcp_servers

    return (mcp_servers.router,)


def _metrics() -> Sequence[APIRouter]:
    from volundr.api import metrics

    return (metrics.router,)


def _models() -> Sequence[APIRouter]:
    from volundr.api import models

    return (models.router,)


def _permissions() -> Sequence[APIRouter]:
    from volundr.api import permissions

    return (permissions.router,)


def _presets() -> Sequence[APIRouter]:
    from volundr.api import presets

    return (presets.router,)


def _profiles() -> Sequence[APIRouter]:
    from volundr.api import profiles

    return (profiles.router,)


def _prompts() -> Sequence[APIRouter]:
    from volundr.api import prompts

    return (prompts.router,)


def _reports() -> Sequence[APIRouter]:
    from volundr.api import reports

    return (reports.router,)


def _resources() -> Sequence[APIRouter]:
    from volundr.api import resources

    return (resources.router,)


def _retention() -> Sequence[APIRouter]:
    from volundr.api import retention

    return (retention.router,)


def _secrets() -> Sequence[APIRouter]:
    from volundr.api import secrets

    return (secrets.router,)


def _sessions() -> Sequence[APIRouter]:
    from volundr.api import sessions

    return (sessions.router,)


def _stats() -> Sequence[APIRouter]:
    from volundr.api import stats

    return (stats.router,)


def _stream() -> Sequence[APIRouter]:
    from volundr.api import stream

    return (stream.router,)


def _system() -> Sequence[APIRouter]:
    from volundr.api import system

    return (system.router,)


def _templates() -> Sequence[APIRouter]:
    from volundr.api import templates

    return (templates.router,)


def _tenants() -> Sequence[APIRouter]:
    from volundr.api import tenants

    return (tenants.router,)


def _tracker() -> Sequence[APIRouter]:
    from volundr.api import tracker

    return (tracker.router,)


def _usage() -> Sequence[APIRouter]:
    from volundr.api import usage

    return (usage.router,)


def _users() -> Sequence[APIRouter]:
    from volundr.api import users

    return (users.router,)


def _workspaces() -> Sequence[APIRouter]:
    from volundr.api import workspaces

    return (workspaces.router,)


TABLE: Mapping[str, Load] = {
    "access-tokens": _access_tokens,
    "admin": _admin_settings,
    "agents": _system,
    "audit": _audit,
    "budgets": _budgets,
    "chronicles": _chronicles,
    "credentials": _credentials,
    "definitions": _definitions,
    "events": _events,
    "git": _git,
    "healthz": _health,
    "integrations": _integrations,
    "login": _login,
    "mcp-servers": _mcp_servers,
    "me": _system,
    "metrics": _metrics,
    "models": _models,
    "openapi.json": _system,
    "permissions": _permissions,
    "presets": _presets,
    "profiles": _profiles,
    "prompts": _prompts,
    "readyz": _health,
    "resources": _resources,
    "retention": _retention,
    "secrets": _secrets,
    "sessions": _sessions,
    "sessions/budgets": _budgets,
    "sessions/chronicle": _chronicles,
    "sessions/events": _events,
    "sessions/report": _reports,
    "sessions/timeline": _reports,
    "sessions/usage": _usage,
    "stats": _stats,
    "stream": _stream,
    "system": _system,
    "templates": _templates,
    "tenants": _tenants,
    "tracker": _tracker,
    "users": _users,
    "workspaces": _workspaces,
}
"""First part of the path (behind `/api/v1/`, or of the whole path), or `sessions/<what>` for what stands under
`/sessions/{session_id}/`, → its routers. Real imports, made when that is first asked for. A rule test sees to it that every
route of a router can be reached by the key it is under."""

EARLY = ("sessions", "login", "me", "permissions", "stream", "healthz")
"""What the web UI's first page asks for at once."""


def routers() -> Sequence[APIRouter]:
    """All of them, each once. Sessions come first: the reference begins with them."""
    return [router for load in dict.fromkeys((_sessions, *TABLE.values())) for router in load()]
