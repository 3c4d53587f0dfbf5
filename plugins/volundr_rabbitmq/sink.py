"""Publishes events and waits until the broker says that it has them."""

import asyncio
import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NoReturn
from urllib.parse import urlsplit

import aio_pika
from aio_pika.abc import AbstractConnection, AbstractExchange
from aio_pika.exceptions import (
    AMQPException,
    AuthenticationError,
    ChannelPreconditionFailed,
    DeliveryError,
    ProbableAuthenticationError,
)
from aiormq.exceptions import ChannelAccessRefused, ConnectionNotAllowed, InvalidFrameError

from volundr.sdk import EventSink, SessionEvent, Unavailable
from volundr_rabbitmq import RabbitSettings

log = logging.getLogger(__name__)

CONNECT_SECONDS = 6.0
CONFIRM_SECONDS = 10.0
CLOSE_SECONDS = 2.0
"""All three end before the courier's own patience does: so it is said what went wrong, and the connection is renewed."""
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_FAILURES = (AMQPException, OSError, TimeoutError, RuntimeError)
"""RuntimeError: the libraries raise it for a channel that was closed under their hands."""
_VHOST = "the user may not use this virtual host, or there is none of this name"
_WHY: Sequence[tuple[type[BaseException], str]] = (
    (AuthenticationError, "it refuses the user or the password"),
    (ProbableAuthenticationError, "it refuses the user or the password"),
    (ConnectionNotAllowed, _VHOST),
    (InvalidFrameError, _VHOST),  # a refusal that came before the library expects one
    (ChannelAccessRefused, "the user may not use this exchange"),
    (ChannelPreconditionFailed, "there is an exchange of this name that is not a durable topic exchange"),
    (DeliveryError, "it refused an event"),
    (TimeoutError, "it does not answer, or holds publishers up because its memory or disk is full"),
    (OSError, "it cannot be reached"),
)


class RabbitSink(EventSink):
    """Persistent messages with publisher confirms. Events of one session arrive in their order.

    The connection is made when it is needed, and anew after any failure; what was not confirmed comes again with the same
    `message_id`.
    """

    name = "rabbitmq"

    def __init__(self, settings: RabbitSettings) -> None:
        self._settings = settings
        self._connection: AbstractConnection | None = None
        self._exchange: AbstractExchange | None = None
        self._well = True
        parts = urlsplit(settings.url)
        self._place = f"{parts.hostname}:{parts.port or (5671 if parts.scheme == 'amqps' else 5672)}"

    async def emit_batch(self, events: Sequence[SessionEvent]) -> None:
        try:
            exchange = self._exchange or await self._open()
            async with asyncio.timeout(CONFIRM_SECONDS), asyncio.TaskGroup() as group:
                for event in events:  # written in this order: each begins before the next one
                    group.create_task(self._publish(exchange, event), name=f"publish {event.number}")
        except ExceptionGroup as failed:
            known, other = failed.split(_FAILURES)
            if known is None or other is not None:
                raise
            await self._gone(known.exceptions[0])
        except _FAILURES as error:
            await self._gone(error)
        self._well = True

    async def _gone(self, error: Exception) -> NoReturn:
        """The next attempt begins with a connection of its own. No text of the library is told: it may hold the password."""
        self._well = False
        await self.close()
        log.warning("RabbitMQ does not take events", extra={"place": self._place, "cause": type(error).__name__})
        why = next((text for kind, text in _WHY if isinstance(error, kind)), type(error).__name__)
        raise Unavailable(f"RabbitMQ at {self._place} does not take events: {why}.") from error

    async def close(self) -> None:
        connection, self._connection, self._exchange = self._connection, None, None
        if connection is not None:
            try:
                async with asyncio.timeout(CLOSE_SECONDS):
                    await connection.close()
            except _FAILURES as error:
                log.info("connection to RabbitMQ was gone", extra={"cause": type(error).__name__})

    async def healthy(self) -> bool:
        return self._well

    async def _open(self) -> AbstractExchange:
        async with asyncio.timeout(CONNECT_SECONDS):
            self._connection = await aio_pika.connect(self._settings.url)
            channel = await self._connection.channel(publisher_confirms=True, on_return_raises=False)
            self._exchange = await channel.declare_exchange(self._settings.exchange, aio_pika.ExchangeType.TOPIC, durable=True)
            return self._exchange

    async def _publish(self, exchange: AbstractExchange, event: SessionEvent) -> None:
        message = aio_pika.Message(
            body(event),
            message_id=event.message_id,
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            timestamp=max(event.at, _FIRST),  # an earlier one cannot be told, and must not hold up all others
            type=event.type,
            app_id="volundr",
        )
        await exchange.publish(message, routing_key(event), mandatory=False)


def routing_key(event: SessionEvent) -> str:
    return f"volundr.{event.tenant_id}.{event.session_id}.{event.type}"


def body(event: SessionEvent) -> bytes:
    """The event as JSON; `number` grows from event to event over the whole forge."""
    shown = {
        "id": event.message_id,
        "number": event.number,
        "session_id": str(event.session_id),
        "tenant_id": event.tenant_id,
        "owner_id": event.owner_id,
        "type": event.type,
        "at": event.at.isoformat(),
        "epoch": event.epoch,
        "sequence": event.sequence,
        "model": event.model,
        "tokens_in": event.tokens_in,
        "tokens_out": event.tokens_out,
        "cost": event.cost,
        "duration_ms": event.duration_ms,
        "data": event.data,
    }
    return json.dumps(shown, separators=(",", ":"), default=str).encode()
