"""What the workers of one database have in common."""

from volundr.local.shared_broadcaster import SharedBroadcaster
from volundr.wiring.ground import Ground, Part


def part(ground: Ground) -> Part:
    events = ground.events
    if not isinstance(events, SharedBroadcaster):
        return Part()
    return Part(run={"hear changes": events.run}, duties={"forget changes": events.trim})
