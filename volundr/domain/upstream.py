"""Where a session's broker listens."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """The path of the Unix socket that a session's Skuld listens on."""

    socket: str
