"""Which parts a forge has. Contributors and gates run in this order."""

from collections.abc import Callable, Sequence

from volundr.wiring import (
    auditing,
    books,
    credentials,
    events,
    hosts,
    once,
    resting,
    running,
    sharing,
    templates,
    tenancy,
    tokens,
    watching,
)
from volundr.wiring.ground import Ground, Part

PARTS: Sequence[Callable[[Ground], Part]] = (
    sharing.part,
    tokens.part,
    books.part,
    events.part,
    templates.part,
    running.part,
    resting.part,
    credentials.part,
    hosts.part,
    once.part,
    tenancy.part,
    watching.part,
    auditing.part,
)
