"""The five ways a request can fail. Their text is written for the user; api/errors.py turns them into HTTP."""


class VolundrError(Exception):
    """Something a user can act on. The message is shown to them; `hint` says the way out, if there is one."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class NotFound(VolundrError):
    """There is no such thing, or you may not see it."""


class Conflict(VolundrError):
    """It clashes with something that exists."""


class Changed(Conflict):
    """Somebody changed it since you looked. Still a Conflict; where HTTP asked with If-Match, it has a status of its own."""

    def __init__(self, what: str) -> None:
        super().__init__(f"Somebody changed this {what} meanwhile.", hint="Load it again, then change it.")


class Invalid(VolundrError):
    """The request makes no sense as it stands."""


class Forbidden(VolundrError):
    """You may not do that."""


class Unavailable(VolundrError):
    """Something outside Volundr did not answer."""
