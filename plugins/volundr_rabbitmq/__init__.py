"""RabbitMQ: session events to a topic exchange. Loading this imports nothing heavy; `[sinks.rabbitmq]` turns it on."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from volundr.sdk import Adapters, EventSink, Invalid, hookimpl


@dataclass(frozen=True, slots=True, kw_only=True)
class RabbitSettings:
    """`[sinks.rabbitmq]`. `url` may hold a password and is never shown; `exchange` is made if it is not there."""

    url: str = field(default="", repr=False)
    exchange: str = "volundr.events"


def make(settings: RabbitSettings) -> EventSink:
    """Raises Invalid when there is no address to send to."""
    try:
        parts = urlsplit(settings.url)
        fits = parts.scheme in {"amqp", "amqps"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        fits = False
    if not fits:
        raise Invalid("[sinks.rabbitmq] url must look like amqp://user:password@host:5672/vhost.")
    from volundr_rabbitmq.sink import RabbitSink

    return RabbitSink(settings)


@hookimpl
def volundr_adapters(adapters: Adapters) -> None:
    """Offer the sink."""
    adapters.offer(EventSink, "rabbitmq", RabbitSettings, make)
