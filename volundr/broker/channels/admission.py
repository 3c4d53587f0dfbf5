"""Who may look at a session: the bearer of a ticket that the forge signed for it, once."""

import time

from volundr.domain.errors import Forbidden
from volundr.domain.tickets import Ticket, verify


class Admission:
    """Remembers the tickets that were used for as long as they would be valid."""

    def __init__(self) -> None:
        self._used: dict[str, float] = {}

    def admit(self, secret: str, session: str, text: str) -> Ticket:
        """The ticket. Raises Forbidden unless it is good for this session and was not used before."""
        now = time.time()
        ticket = verify(secret, session, text, now)
        self._forget(now)
        if ticket.nonce in self._used:
            raise Forbidden("This ticket was already used; ask for a new one.")
        self._used[ticket.nonce] = ticket.expires
        return ticket

    def _forget(self, now: float) -> None:
        """Oldest first: tickets live equally long, so the order of use is nearly the order of expiry."""
        for nonce in [nonce for nonce, expires in self._used.items() if expires < now]:
            del self._used[nonce]
