"""What makes repeated requests happen once."""

import asyncio

from volundr.domain.idempotency import IdempotencyRepository
from volundr.store.idempotency import IdempotencyStore
from volundr.wiring.ground import Ground, Part

SWEEP_SECONDS = 3600.0


def part(ground: Ground) -> Part:
    keys = IdempotencyStore(ground.db)

    async def sweep() -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            await keys.forget()

    return Part(services={IdempotencyRepository: keys}, run={"forget idempotency keys": sweep})
