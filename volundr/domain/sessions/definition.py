"""Named ways to run a session, from the settings of a machine (later from a cluster's own objects: the same model)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from volundr.domain.errors import Invalid
from volundr.domain.sessions.spec import SessionSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDefinition:
    """What a session gets where it says nothing itself. Empty means: as it is without a definition."""

    name: str
    label: str = ""
    agent: str = ""
    transport: str = ""
    model: str = ""
    mode: str = ""
    thinking: str = ""
    system_prompt: str = ""
    env: Mapping[str, str] = field(default_factory=dict, repr=False)


FILLED = ("agent", "transport", "model", "mode", "thinking", "system_prompt")


def complete(spec: SessionSpec, definitions: Mapping[str, SessionDefinition]) -> SessionSpec:
    """The spec with what its definition adds. Raises Invalid for a definition that does not exist."""
    if not spec.definition:
        return spec
    definition = definitions.get(spec.definition)
    if definition is None:
        raise Invalid(
            f"There is no session definition called {spec.definition!r}.",
            hint=f"There is: {', '.join(sorted(definitions)) or 'none'}.",
        )
    values = {name: getattr(spec, name) or getattr(definition, name) for name in FILLED}
    return replace(spec, **values, env={**definition.env, **spec.env})
