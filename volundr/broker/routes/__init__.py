"""What people can ask of one session, below `/s/{id}/`; each route asks for a ticket of that session (`entry.py`)."""

from collections.abc import Sequence

from fastapi import APIRouter

from volundr.broker.routes import (
    attachments,
    changes,
    code,
    files,
    git,
    logs,
    permissions,
    search,
    session,
    terminals,
)

SESSION_ROUTERS: Sequence[APIRouter] = (
    session.router,
    permissions.router,
    attachments.router,
    files.router,
    search.router,
    changes.router,
    git.router,
    logs.router,
    terminals.router,
    code.router,
)
