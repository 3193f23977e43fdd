"""Whether a client has its brokers: what readiness asks, without asking the brokers."""

from __future__ import annotations

from typing import Any


def connection_trouble(client: Any) -> str | None:
    """What is wrong between an ``AIOKafkaClient`` and its brokers; None: it is connected to one at least."""
    connected = any(connection.connected() for connection in list(client._conns.values()))
    return None if connected else "no connection to any broker"


def link_trouble(consumer: Any) -> str | None:
    """What is wrong between an ``AIOKafkaConsumer`` and its brokers; None: nothing.

    aiokafka tells neither, so this looks inside (its version is pinned; a test sees a broker go). The group's
    coordinator is forgotten as soon as its connection fails or it answers no heartbeat.
    """
    if trouble := connection_trouble(consumer._client):
        return trouble
    coordinator = consumer._coordinator
    if coordinator is not None and coordinator.coordinator_id is None:
        return "no broker coordinates the consumer group"
    return None
