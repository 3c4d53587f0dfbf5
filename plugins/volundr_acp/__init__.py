"""Agents that speak ACP, the Agent Client Protocol: opencode, Gemini CLI, and any program that the settings name."""

from volundr.sdk import Adapters, Agent, hookimpl
from volundr_acp.agents import GEMINI, OPENCODE, AcpAgent, by_settings
from volundr_acp.dialect import AcpDialect
from volundr_acp.settings import AcpSettings

__all__ = ["GEMINI", "OPENCODE", "AcpAgent", "AcpDialect", "AcpSettings", "by_settings"]


@hookimpl
def volundr_adapters(adapters: Adapters) -> None:
    adapters.offer(Agent, "opencode", AcpSettings, lambda settings: AcpAgent(OPENCODE, settings))
    adapters.offer(Agent, "gemini", AcpSettings, lambda settings: AcpAgent(GEMINI, settings))
    adapters.offer_protocol(Agent, "acp", AcpSettings, by_settings)
