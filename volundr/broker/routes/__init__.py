"""What people can ask of one session, below `/s/{id}/`; each route asks for a ticket of that session (`entry.py`)."""

from collections.abc import Sequence

from fastapi import APIRouter

from volundr.broker.routes import attachments, code, session

SESSION_ROUTERS: Sequence[APIRouter] = (session.router, attachments.router, code.router)
