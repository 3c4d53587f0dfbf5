"""What holds for the whole forge while it runs: settings of administrators, and what there is for sessions."""

from volundr.broker.transports.transport import Agent
from volundr.domain.admin_settings import AdminGate, AdminSettingsRepository, AdminSettingsService
from volundr.domain.resources import ResourceGate, ResourceProvider
from volundr.local.resources import MachineResources
from volundr.store.admin_settings import AdminSettingsStore
from volundr.wiring.ground import Ground, Part


def part(ground: Ground) -> Part:
    """Its gates come after those that fill in what presets and templates say."""
    agents = {*ground.adapters.names(Agent), *ground.settings.agents}
    kept, resources = AdminSettingsStore(ground.db), MachineResources()
    return Part(
        services={
            AdminSettingsRepository: kept,
            AdminSettingsService: AdminSettingsService(kept, agents),
            ResourceProvider: resources,
        },
        gates=(AdminGate(kept), ResourceGate(resources)),
    )
