"""Readiness sees a broker go: connections are looked at, not asked."""

from __future__ import annotations

from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from pipeline.embedded.broker import EmbeddedBroker
from pipeline.kafka import KafkaAdmin, client_options
from pipeline.kafka_link import connection_trouble, link_trouble
from pipeline.settings import Settings
from pipeline.topics import RAW
from tests.sink.worlds import until


async def test_a_broker_that_goes_is_missed_by_consumers_and_producers(tmp_path: Path) -> None:
    with EmbeddedBroker(tmp_path) as broker:
        settings = Settings(kafka_bootstrap=broker.bootstrap, kafka_kind="embedded", partitions=1)
        async with KafkaAdmin(settings) as admin:
            await admin.ensure_topics()
        consumer = AIOKafkaConsumer(
            RAW,
            group_id="test",
            session_timeout_ms=6000,
            heartbeat_interval_ms=500,
            **client_options(settings),
        )
        producer = AIOKafkaProducer(**client_options(settings))
        try:
            await consumer.start()
            await producer.start()
            await producer.send_and_wait(RAW, b"{}")
            assert link_trouble(consumer) is None
            assert connection_trouble(producer.client) is None
            broker.stop()
            await until(lambda: link_trouble(consumer) is not None)
            await until(lambda: connection_trouble(producer.client) == "no connection to any broker")
            broker.start()
            async with KafkaAdmin(settings) as admin:
                await admin.ensure_topics()
            await until(lambda: link_trouble(consumer) is None)
        finally:
            await producer.stop()
            await consumer.stop()
