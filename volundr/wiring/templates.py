"""Profiles, templates, presets and prompts, and how they become part of sessions."""

from volundr.broker.transports.transport import Agent
from volundr.domain.presets import PresetService
from volundr.domain.profiles import ForgeProfileService, ProfileProvider
from volundr.domain.prompts import PromptService
from volundr.domain.sessions.contributors.template import TemplateContributor, TemplateGate
from volundr.domain.templates import TemplateProvider, WorkspaceTemplateService
from volundr.local.profiles import YamlProfiles
from volundr.local.templates import YamlTemplates
from volundr.store.presets import PresetStore
from volundr.store.profiles import ProfileCountStore
from volundr.store.prompts import SavedPromptStore
from volundr.wiring.ground import Ground, Part


def part(ground: Ground) -> Part:
    agents = {*ground.adapters.names(Agent), *ground.settings.agents}
    own = YamlProfiles(ground.settings.home, agents)
    more = ground.adapters.all(ProfileProvider).values()
    profiles = ForgeProfileService([own, *more], ProfileCountStore(ground.db))
    further = ground.adapters.all(TemplateProvider).values()
    templates = WorkspaceTemplateService([YamlTemplates(ground.settings.home, agents), *further])
    presets = PresetService(PresetStore(ground.db))
    return Part(
        services={
            ForgeProfileService: profiles,
            WorkspaceTemplateService: templates,
            PresetService: presets,
            PromptService: PromptService(SavedPromptStore(ground.db)),
        },
        gates=(TemplateGate(presets, templates, profiles),),
        contributors=(TemplateContributor(templates),),
    )
