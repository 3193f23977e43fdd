"""An agent's connection to Kafka: opened patiently, and its state told to whoever asks for readiness."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from agents.base import PublishFailed, Sleep, Unavailable
from agents.publisher import KafkaPublisher
from agents.waiting import either
from pipeline.condition import BEAT_SECONDS, KAFKA, Condition
from pipeline.kafka import client_options
from pipeline.settings import Settings
from pipeline.tracing import OFF, Tracing

RETRY_SECONDS = 5.0
BATCH_BYTES = 131_072
LINGER_MS = 20
"""Below it, the broker spends more on batches than on posts; each request to the ingest waits so long."""
CLOSE_SECONDS = 4.0
REQUEST_TIMEOUT_MS = 15_000
"""A broker that is away for less is not noticed; after that the deliveries fail."""

log = logging.getLogger("molva.agent")


@asynccontextmanager
async def open_publisher(settings: Settings, tracing: Tracing = OFF) -> AsyncIterator[KafkaPublisher]:
    """A publisher to the Kafka of the settings.

    Raises:
        PublishFailed: no broker answers.
    """
    options = client_options(settings) | {"client_id": "molva-agent"}
    async with connect(options, idempotent=settings.kafka_kind == "kafka", tracing=tracing) as publisher:
        yield publisher


async def patiently(
    stack: AsyncExitStack,
    settings: Settings,
    tracing: Tracing,
    stop: asyncio.Event,
    failed: Callable[[Unavailable], None],
    sleep: Sleep,
) -> KafkaPublisher | None:
    """A publisher as soon as a broker answers, closed by ``stack``; None where ``stop`` is set before."""
    while not stop.is_set():
        try:
            return await stack.enter_async_context(open_publisher(settings, tracing))
        except Unavailable as error:
            failed(error)
            await either(sleep(RETRY_SECONDS), stop.wait())
    return None


@asynccontextmanager
async def connect(
    options: Mapping[str, Any], *, idempotent: bool, tracing: Tracing = OFF
) -> AsyncIterator[KafkaPublisher]:
    """A connected publisher, flushed and closed at the end.

    Args:
        options: what every Kafka client of Molva is given: ``bootstrap_servers``, security.
        idempotent: retries write nothing twice; Apache Kafka can, the embedded broker cannot.

    Raises:
        PublishFailed: no broker answers.
    """
    producer = AIOKafkaProducer(
        **options,
        acks="all",
        enable_idempotence=idempotent,
        max_batch_size=BATCH_BYTES,
        linger_ms=LINGER_MS,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
    )
    try:
        await producer.start()
    except KafkaError as error:
        await producer.stop()
        raise PublishFailed(f"no Kafka broker at {options.get('bootstrap_servers')}") from error
    try:
        yield KafkaPublisher(producer, tracing)
    finally:
        await _close(producer)


async def _close(producer: AIOKafkaProducer) -> None:
    """Flush and close; not for ever, though an idempotent producer would try for ever to deliver."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await producer.stop()
    except TimeoutError:
        log.warning("Kafka is away: what it had not confirmed will be published again")
        await producer.client.close()


@contextmanager
def link_told(publisher: KafkaPublisher, condition: Condition) -> Iterator[None]:
    """Tell ``condition`` each second whether the publisher has its brokers, while the block runs."""

    async def watch() -> None:
        while True:
            condition.trouble(KAFKA, "producer", publisher.trouble)
            await asyncio.sleep(BEAT_SECONDS)

    task = asyncio.get_running_loop().create_task(watch(), name="link")
    try:
        yield
    finally:
        task.cancel()
