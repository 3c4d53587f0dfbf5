"""What becomes of sessions that rest: retention of their files."""

from volundr.domain.retention import Retention
from volundr.local.retention import LocalRetention
from volundr.wiring.ground import Ground, Part


def part(ground: Ground) -> Part:
    retention = LocalRetention(ground.sessions, ground.settings.home, ground.settings.retention)
    return Part(services={Retention: retention}, run={"retention": retention.run})
