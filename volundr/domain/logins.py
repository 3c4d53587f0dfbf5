"""How a browser signs in: with a code that works once."""

from abc import ABC, abstractmethod


class Logins(ABC):
    """Hands out one-time codes, turns each into one cookie, and forgets cookies. Cookies outlive a restart of the forge."""

    @abstractmethod
    async def code_for(self, user_id: str) -> str:
        """A new code for this person, good for one use within minutes."""

    @abstractmethod
    async def redeem(self, code: str) -> tuple[str, int]:
        """A cookie and how many seconds it is good for.

        Raises Forbidden for a code that was used, is over or never was one, and for every code while somebody is guessing.
        """

    @abstractmethod
    async def revoke(self, cookie: str) -> None:
        """This cookie opens nothing any more, from now on. An unknown one is no error."""
