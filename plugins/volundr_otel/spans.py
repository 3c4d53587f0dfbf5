"""Session events in the words of OpenTelemetry's GenAI conventions, as pure translation.

All of a session is one trace, whose id is the session's. A span's id comes from its event: the same event again is the same
span. https://opentelemetry.io/docs/specs/semconv/gen-ai/
"""

import hashlib
from collections.abc import Mapping

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from volundr.sdk import SessionEvent

type Attributes = Mapping[str, str | int | float | bool]

MILLION = 1_000_000
LONGEST = 200
"""Letters of a name that somebody else chose."""
_LATEST = 2**63 - 1
"""Nanoseconds that every receiver can hold; what is beyond them was never a time."""


def operation(event: SessionEvent) -> str:
    """`gen_ai.operation.name`, "" for what the conventions have no word for."""
    if event.type == "token_usage" or (event.type == "message_assistant" and event.model):
        return "chat"  # a message without its model has its tokens told beside it
    return {"tool_use": "execute_tool", "terminal_command": "execute_tool", "session_stop": "invoke_agent"}.get(event.type, "")


def name(event: SessionEvent) -> str:
    match operation(event):
        case "chat":
            return f"chat {_text(event.model)}".rstrip()
        case "execute_tool":
            return f"execute_tool {_tool(event)}"
        case "invoke_agent":
            return f"invoke_agent {_text(event.data.get('agent') or '')}".rstrip()
        case _:
            return event.type


def attributes(event: SessionEvent) -> Attributes:
    """Never what was said: only what it was about, how much, and for whom."""
    model = _text(event.model) or None
    found: dict[str, str | int | float | bool | None] = {
        "gen_ai.operation.name": operation(event) or None,
        "gen_ai.conversation.id": str(event.session_id),
        "gen_ai.provider.name": provider(event.model) or None,
        "gen_ai.request.model": model,
        "gen_ai.response.model": model,
        "gen_ai.usage.input_tokens": event.tokens_in,
        "gen_ai.usage.output_tokens": event.tokens_out,
        "gen_ai.agent.name": _text(event.data.get("agent") or "") or None,
        "gen_ai.tool.name": _tool(event) if operation(event) == "execute_tool" else None,
        "volundr.event.id": event.message_id,
        "volundr.event.type": event.type,
        "volundr.tenant.id": event.tenant_id,
        "volundr.owner.id": event.owner_id,
        "volundr.cost_usd": event.cost,
    }
    return {key: value for key, value in found.items() if value is not None}


def span(event: SessionEvent, resource: Resource, scope: InstrumentationScope) -> ReadableSpan:
    """An event says when something ended and how long it took."""
    end = nanos(event)
    return ReadableSpan(
        name=name(event),
        context=SpanContext(
            trace_id=event.session_id.int, span_id=span_id(event), is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED)
        ),
        resource=resource,
        attributes=attributes(event),
        kind=SpanKind.CLIENT if operation(event) == "chat" else SpanKind.INTERNAL,
        status=Status(StatusCode.ERROR if event.type == "error" else StatusCode.UNSET),
        start_time=max(0, end - (event.duration_ms or 0) * MILLION),
        end_time=end,
        instrumentation_scope=scope,
    )


def nanos(event: SessionEvent) -> int:
    """When it was, since 1970. A time that cannot be told is the nearest that can: one event must not hold up all others."""
    return min(max(0, round(event.at.timestamp() * MILLION) * 1000), _LATEST)


def span_id(event: SessionEvent) -> int:
    return int.from_bytes(hashlib.sha256(event.message_id.encode()).digest()[:8], "big") or 1


def provider(model: str) -> str:
    """`gen_ai.provider.name` of a model whose maker is known by its name."""
    known = {"claude": "anthropic", "gpt": "openai", "o1": "openai", "o3": "openai", "o4": "openai", "gemini": "gcp.gemini"}
    return next((maker for start, maker in known.items() if model.startswith(start)), "")


def _tool(event: SessionEvent) -> str:
    usual = "terminal" if event.type == "terminal_command" else "tool"
    return _text(event.data.get("tool") or event.data.get("name") or usual)


def _text(value: object) -> str:
    return str(value)[:LONGEST].encode(errors="replace").decode()
