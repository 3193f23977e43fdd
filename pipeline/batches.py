"""Faust's stream as our stages see it: plain records in, acknowledgement only after success.

``stream.take()`` acknowledges a batch also when the body raised, which is silent loss. Here the
acknowledgement stands after the ``yield``: a body that raises or is cancelled never reaches it, and the
batch is delivered again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from schemas import Origin
from schemas.codec import Headers

LAST_SECOND = datetime.max.replace(microsecond=0, tzinfo=UTC).timestamp()


class Incoming(NamedTuple):
    """One record as it was read from Kafka; ``timestamp`` is the broker's."""

    topic: str
    partition: int
    offset: int
    value: bytes | None
    headers: Headers
    timestamp: datetime

    @property
    def origin(self) -> Origin:
        return Origin(topic=self.topic, partition=self.partition, offset=self.offset)


def incoming(message: Any) -> Incoming:
    """Our view of a ``faust.types.Message`` (raw serializers), whatever a foreign producer has put into it.

    A header without a value is passed over, and a timestamp that is no time becomes the nearest one: raising
    here would end the worker at the same record for ever.
    """
    headers = message.headers or ()
    pairs = headers.items() if isinstance(headers, dict) else headers
    moment = datetime.fromtimestamp(min(max(0.0, message.timestamp or 0.0), LAST_SECOND), UTC)
    kept = [(name, value) for name, value in pairs if value is not None]
    return Incoming(message.topic, message.partition, message.offset, message.value, kept, moment)


async def batches(stream: Any, size: int, within: timedelta) -> AsyncIterator[Sequence[Incoming]]:
    """Yield batches of at most ``size`` records, waiting at most ``within`` to fill one.

    A batch is acknowledged when the consumer comes back for the next one.
    """
    async with aclosing(stream.noack_take(size, within=within.total_seconds())) as taken:
        async for events in taken:
            yield [incoming(event.message) for event in events]
            for event in events:
                await stream.ack(event)
