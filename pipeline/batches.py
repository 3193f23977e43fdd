"""Faust's stream as our stages see it: plain records in, acknowledgement only after success.

``stream.take()`` acknowledges a batch also when the body raised, which is silent loss. Here the
acknowledgement stands after the ``yield``: a body that raises or is cancelled never reaches it, and the
batch is delivered again. A batch is taken from the queue that Faust fills for the stream, all that is there
at once; through the stream every record takes several turns of the event loop (docs/performance.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
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

    A batch is acknowledged when the consumer comes back for the next one. Records of an assignment that has
    ended meanwhile are left out: whoever owns their partition reads them.
    """
    app, queue = stream.app, stream.channel.queue
    while True:
        taken = await _taken(queue, size, within.total_seconds())
        active, generation = app.flow_control.is_active(), app.consumer_generation_id
        events = [event for event in taken if active and event.message.generation_id == generation]
        if events:
            yield [incoming(event.message) for event in events]
            for event in events:
                event.ack()


async def _taken(queue: Any, size: int, seconds: float) -> list[Any]:
    """The next events of a stream's queue: at least one."""
    events = [await queue.get()]
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while len(events) < size:
                events.append(await queue.get() if queue.empty() else queue.get_nowait())
    return events
