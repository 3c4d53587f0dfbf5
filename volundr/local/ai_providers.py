"""Connections to model providers: they give a session's agent its key."""

from collections.abc import Callable
from dataclasses import dataclass

from volundr.domain.integrations import Integration, IntegrationDefinition, Kind, Opened, Tried
from volundr.hooks import hookimpl
from volundr.registry import Adapters


class KeyIntegration(Integration):
    """A key that becomes a variable. Whether the provider takes it is seen when an agent uses it: asking costs money."""

    def __init__(self, definition: IntegrationDefinition) -> None:
        self.definition = definition

    async def test(self, opened: Opened) -> Tried:
        missing = [key for key in self.definition.env.values() if not opened.secret.get(key)]
        problem = f"The credential has no {missing[0]!r}." if missing else ""
        return Tried(ok=not missing, asked=False, problem=problem)


def _definition(slug: str, name: str, variable: str) -> IntegrationDefinition:
    return IntegrationDefinition(
        slug=slug,
        name=name,
        description=f"An API key of {name}, given to the agents of your sessions as {variable}.",
        kind=Kind.AI_PROVIDER,
        credential_type="api_key",
        env={variable: "api_key"},
    )


DEFINITIONS = (_definition("anthropic", "Anthropic", "ANTHROPIC_API_KEY"), _definition("openai", "OpenAI", "OPENAI_API_KEY"))


@dataclass(frozen=True, slots=True)
class NoSettings:
    """These have none."""


@hookimpl
def volundr_adapters(adapters: Adapters) -> None:
    for definition in DEFINITIONS:
        adapters.offer(Integration, definition.slug, NoSettings, _maker(definition))


def _maker(definition: IntegrationDefinition) -> Callable[[NoSettings], Integration]:
    return lambda _: KeyIntegration(definition)
