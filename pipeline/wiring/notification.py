"""The notification stage with its consumer, journal, producer and the receivers of alerts.yaml."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from pipeline.alerts.apprise_receiver import hush
from pipeline.alerts.configuration import Configuration
from pipeline.alerts.configuration_file import read_configuration
from pipeline.alerts.desk import Desk
from pipeline.alerts.outbox import Outbox
from pipeline.alerts.receivers import open_receivers
from pipeline.alerts.routing import Routing
from pipeline.alerts.wording import Names, teller
from pipeline.condition import Condition
from pipeline.core.incidents import Incidents
from pipeline.kafka import KafkaAdmin
from pipeline.metrics import Metrics
from pipeline.producer import Producer
from pipeline.settings import Settings
from pipeline.stages.journal import Journal
from pipeline.stages.notification import Shift, Surroundings
from pipeline.stages.notification_poll import SOURCES, Poll, new_consumer
from pipeline.tracing import Tracing
from pipeline.watchlist_file import load_watchlist

QUEUE = 1000
"""Notifications that may wait for one receiver; the oldest beyond them become dead letters."""


async def run(
    settings: Settings,
    metrics: Metrics,
    clock: Callable[[], datetime],
    stop: asyncio.Event,
    *,
    condition: Condition,
    tracing: Tracing,
) -> None:
    """Tell people until ``stop``.

    Raises:
        AlertsError, WatchlistError: a file has mistakes.
        KafkaError: Kafka cannot be reached, or refuses for good.
    """
    hush()
    configuration = configured(settings)
    names = object_names(settings)
    consumer = new_consumer(settings)
    try:
        await consumer.start()
        async with KafkaAdmin(settings) as admin:
            cluster = await admin.cluster_id()
        async with Producer(settings) as producer, Journal(settings) as journal:
            around = Surroundings(
                cluster,
                lambda: _ends(settings),
                producer.emit,
                journal,
                metrics,
                clock,
                asyncio.sleep,
                random.random,
            )
            poll = Poll(
                consumer, lambda: new_shift(configuration, names, around), metrics, condition, tracing
            )
            await poll.run(stop)
    finally:
        await consumer.stop()


async def _ends(settings: Settings) -> dict[str, int]:
    async with KafkaAdmin(settings) as admin:
        ends = await admin.end_offsets(SOURCES)
    return {place.topic: end for place, end in ends.items()}


def configured(settings: Settings) -> Configuration:
    """The configuration of MOLVA_ALERTS; without it incidents are published and nobody is told."""
    return Configuration() if settings.alerts is None else read_configuration(settings.alerts, os.environ)


def object_names(settings: Settings) -> Names:
    """What people call the objects: their names in the watchlist, or their ids."""
    watchlist = () if settings.watchlist is None else load_watchlist(settings.watchlist)
    names = {watched.id: watched.name for watched in watchlist}
    return lambda object_id: names.get(object_id, object_id)


def new_shift(configuration: Configuration, names: Names, around: Surroundings) -> Shift:
    """The stage for one assignment of its partitions."""
    receivers = open_receivers(configuration, names, around.clock)
    desk = Desk(
        Incidents(teller(names, ZoneInfo(configuration.timezone)), configuration.cooldown),
        Routing(configuration),
        Outbox([receiver.name for receiver in receivers], QUEUE),
        configuration.patience,
    )
    return Shift(desk, receivers, configuration.patience, around)
