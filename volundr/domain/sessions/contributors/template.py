"""What a preset, a template and a profile mean for a session: what they fill in, and what its workspace begins with."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from volundr.domain.errors import Invalid
from volundr.domain.presets import Preset, PresetService
from volundr.domain.profiles import ForgeProfileService, Manner, Profile
from volundr.domain.sessions.model import EmptySource, Session, Source
from volundr.domain.sessions.ports import SessionContributor, SessionGate
from volundr.domain.sessions.spec import SessionContribution
from volundr.domain.templates import Template, WorkspaceTemplateService

log = logging.getLogger(__name__)

_AGENTS_OWN = ("model", "mode", "thinking")
"""Words of one agent, which mean nothing to another."""
_LISTS = ("mcp_servers", "credentials")
_NAMES = ("resources", "env")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """What applies to a session, in this order: each fills in what those before it left open."""

    preset: Preset | None = None
    template: Template | None = None
    profile: Profile | None = None
    default_preset: Preset | None = None
    default_profile: Profile | None = None

    def manners(self) -> Sequence[Manner]:
        every = (self.preset, self.template, self.profile, self.default_preset, self.default_profile)
        return [one for one in every if one is not None]


def filled(session: Session, layers: Layers) -> Session:
    """The session with what was left open filled in. Variables and amounts are filled one by one, lists are joined."""
    agent, model = session.agent, session.model
    options = {name: getattr(session.options, name) for name in ("mode", "thinking", "system_prompt")}
    lists = {name: tuple(getattr(session.options, name)) for name in _LISTS}
    names: dict[str, Mapping[str, str]] = {name: dict(getattr(session.options, name)) for name in _NAMES}
    for layer in layers.manners():
        agent = agent or layer.agent
        options["system_prompt"] = options["system_prompt"] or layer.system_prompt
        if layer.agent in {"", agent}:
            model = model or layer.model
            options |= {name: options[name] or getattr(layer, name) for name in ("mode", "thinking")}
        lists = {name: tuple(dict.fromkeys((*known, *getattr(layer, name)))) for name, known in lists.items()}
        names = {name: {**getattr(layer, name), **known} for name, known in names.items()}
    values: dict[str, Any] = {**options, **lists, **names, **_named(session, layers)}
    chosen = replace(session.options, **values)
    return replace(session, agent=agent, model=model, source=_source(session.source, layers.template), options=chosen)


def _named(session: Session, layers: Layers) -> dict[str, Any]:
    """What only some layers say, and the names of those that applied."""
    options, preset = session.options, layers.preset or layers.default_preset
    given = options.initial_prompt or (layers.preset.initial_prompt if layers.preset else "")
    template = layers.template.initial_prompt if layers.template else ""
    default = layers.default_preset.initial_prompt if layers.default_preset else ""
    profile = layers.profile or layers.default_profile
    integrations = (*options.integrations, *(preset.integrations if preset else ()))
    return {
        "initial_prompt": given or template or default,
        "integrations": tuple(dict.fromkeys(integrations)),
        "preset": str(preset.id) if preset else "",
        "template": layers.template.name if layers.template else "",
        "profile": profile.name if profile else "",
    }


def _source(given: Source, template: Template | None) -> Source:
    if isinstance(given, EmptySource) and template is not None and template.source is not None:
        return template.source
    return given


class TemplateGate(SessionGate):
    """Fills in when a session is created. What it filled in stands in the session: later changes do not touch it."""

    def __init__(self, presets: PresetService, templates: WorkspaceTemplateService, profiles: ForgeProfileService) -> None:
        self._presets = presets
        self._templates = templates
        self._profiles = profiles

    async def admit(self, session: Session, verb: Literal["create", "start"]) -> Session:
        """A fork is as the session that it goes on from. Raises NotFound for a preset, template or profile there is not."""
        if verb != "create" or session.options.fork_of:
            return session
        return filled(session, await self._layers(session))

    async def _layers(self, session: Session) -> Layers:
        options, owner = session.options, (session.tenant_id, session.owner_id)
        preset = await self._presets.usable(options.preset, *owner) if options.preset else None
        name = options.template or (preset.template if preset else "")
        template = await self._templates.get(name) if name else None
        agent = session.agent or (preset.agent if preset else "") or (template.agent if template else "")
        default = await self._default_preset(session, agent) if preset is None else None
        if template is None and default is not None and default.template:
            template = await self._templates.get(default.template)
        named = (options.profile, *(one.profile for one in (preset, template, default) if one is not None))
        chosen = next((one for one in named if one), "")
        profile = await self._profiles.get(chosen) if chosen else None
        layers = Layers(preset=preset, template=template, profile=profile, default_preset=default)
        if options.definition or profile is not None:
            return layers
        return replace(layers, default_profile=await self._default_profile(filled(session, layers).agent))

    async def _default_preset(self, session: Session, agent: str) -> Preset | None:
        """A definition that was named says how the session is run: defaults keep out of it."""
        if session.options.definition:
            return None
        return await self._presets.default(session.tenant_id, session.owner_id, agent)

    async def _default_profile(self, agent: str) -> Profile | None:
        found = await self._profiles.default()
        return found if found is not None and (not agent or found.agent in {"", agent}) else None


class TemplateContributor(SessionContributor):
    """The further repositories, the layout and the setup scripts of the session's template, as they are now."""

    name = "template"

    def __init__(self, templates: WorkspaceTemplateService) -> None:
        self._templates = templates

    async def contribute(self, session: Session) -> SessionContribution:
        """Raises Invalid when the template went before the session was ever up; later its workspace does not need it."""
        if not session.options.template or session.options.fork_of:
            return SessionContribution(by=self.name)
        template = await self._templates.find(session.options.template)
        if template is None:
            if not session.workspace:
                raise Invalid(
                    f"The template {session.options.template!r} is not there any more.",
                    hint="Create the session anew without it.",
                )
            log.warning("template of a session is gone", extra={"session": str(session.id)})
            return SessionContribution(by=self.name)
        layout = template.layout.script()
        setup = ((layout,) if layout else ()) + template.setup
        return SessionContribution(by=self.name, repositories=template.repositories, setup=setup)
