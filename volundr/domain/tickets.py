"""Short-lived tickets for one session, and the keys they are signed with."""

import base64
import hmac
import json
import secrets
from dataclasses import dataclass
from hashlib import sha256

from volundr.domain.errors import Forbidden

LIFETIME_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """Who may open a socket of which session until when (Unix time). The nonce makes it good for one use."""

    session: str
    subject: str
    expires: float
    nonce: str


def derive(key: str, purpose: str) -> str:
    """A key for one purpose that tells nothing about `key`."""
    return hmac.new(key.encode(), purpose.encode(), sha256).hexdigest()


def issue(secret: str, session: str, subject: str, now: float) -> str:
    """A signed ticket as text that fits a WebSocket subprotocol name."""
    body = {"session": session, "subject": subject, "expires": now + LIFETIME_SECONDS, "nonce": secrets.token_urlsafe(12)}
    payload = _encode(json.dumps(body, separators=(",", ":")).encode())
    return f"{payload}.{_sign(secret, payload)}"


def verify(secret: str, session: str, text: str, now: float) -> Ticket:
    """The ticket in `text`. Raises Forbidden unless it was signed with this secret for this session and is not over."""
    payload, _, signature = text.partition(".")
    if not hmac.compare_digest(_sign(secret, payload).encode(), signature.encode()):
        raise Forbidden("This ticket was not issued for this session.")
    try:
        ticket = Ticket(**json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))
    except (ValueError, TypeError) as error:
        raise Forbidden("This ticket cannot be read.") from error
    if ticket.session != session or ticket.expires < now:
        raise Forbidden("This ticket is over; ask for a new one.")
    return ticket


def _sign(secret: str, payload: str) -> str:
    return _encode(hmac.new(secret.encode(), payload.encode(), sha256).digest())


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
