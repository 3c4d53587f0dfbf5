"""What whoever watches over the forge is told."""

from volundr.domain.metrics import Census, Meter, MeterExchange
from volundr.local.meters import MeterFiles
from volundr.store.census import CensusStore
from volundr.wiring.ground import Ground, Part


def part(ground: Ground) -> Part:
    meter = Meter()
    files = MeterFiles(ground.settings.run_folder / "metrics", meter)
    services = {Meter: meter, MeterExchange: files, Census: CensusStore(ground.db)}
    return Part(services=services, run={"save metrics": files.run})
