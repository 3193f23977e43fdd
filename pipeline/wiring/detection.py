"""The detection stage on Faust: its states are the table ``state``, kept in a changelog topic."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, cast

from faust.types import TP

from pipeline.app import topic_of_bytes
from pipeline.batches import Incoming
from pipeline.core.detection import PartitionDetector
from pipeline.kafka import KafkaAdmin
from pipeline.metrics import Metrics
from pipeline.producer import Producer
from pipeline.settings import Settings
from pipeline.stages.detection import STAGE, Detection
from pipeline.storm import storm_limit
from pipeline.topics import BASELINES, MENTIONS
from pipeline.tracing import OFF, Tracing
from pipeline.watchlist_file import load_watchlist
from schemas.spike import Dimension

STATE_TABLE = "state"
MAX_STATE_BYTES = 4 * 1024 * 1024


def bind(
    app: Any, settings: Settings, metrics: Metrics, clock: Callable[[], datetime], *, tracing: Tracing = OFF
) -> None:
    """Read ``molva.mentions`` and ``molva.baselines``; the states are the Faust table ``state``.

    Both topics have as many partitions, so Faust's assignor gives a worker the same ones of both.

    Raises:
        WatchlistError: the watchlist, which tells the objects' sensitivity, cannot be read or has problems.
    """
    raw: dict[str, Any] = {"key_type": bytes, "value_type": bytes}
    table = app.Table(
        STATE_TABLE,
        partitions=settings.partitions,
        default=None,
        # the changelog's: a broker's default is 1 MB, and the state of a busy object can be larger
        extra_topic_configs={"max.message.bytes": str(MAX_STATE_BYTES)},
        **raw,
    )
    dimensions = cast(list[Dimension], [name for name in settings.dimensions.split(",") if name])
    open_at = load_watchlist(settings.watchlist).sensitivity() if settings.watchlist else {}
    stages: list[Detection] = []

    async def detection(stream: Any) -> None:
        async with Producer(settings) as producer:
            async with KafkaAdmin(settings) as admin:
                cluster = await admin.cluster_id()
            stage = Detection(
                states=FaustStates(table),
                emit=producer.emit,
                new_detector=lambda partition: PartitionDetector(
                    partition,
                    cluster,
                    source_idle=settings.source_idle,
                    late_grace=settings.late_grace,
                    dimensions=dimensions,
                    open_at=open_at,
                ),
                caught_up=lambda record: _is_last(app, record),
                clock=clock,
                metrics=metrics,
                limit=storm_limit(settings, STAGE, metrics),
                tracing=tracing,
            )
            stages.append(stage)
            await stage.run(stream)

    async def forget(_app: Any, revoked: Any, **_: Any) -> None:
        for stage in stages:
            stage.forget()

    app.on_partitions_revoked.connect(forget, weak=False)
    app.agent(topic_of_bytes(app, MENTIONS, BASELINES), name="detection")(detection)


class FaustStates:
    """The detection states in a Faust table; written while an event of their partition is processed.

    ``table[key] = value`` followed by ``app.producer.flush()`` confirms nothing: that flush gives up when a
    tenth of a second has passed without a message leaving Faust's buffer, does not see the one that is just
    leaving it, and a write that the brokers refused is a line in the log. So a write does what the table's
    ``__setitem__`` does and keeps the promise that comes back, and `flush` waits for the promises.
    """

    def __init__(self, table: Any) -> None:
        self._table = table
        self._promises: list[asyncio.Future[Any]] = []

    def items(self) -> Iterable[tuple[str, bytes]]:
        return [(key.decode(), value) for key, value in self._table.items() if value is not None]

    def write(self, key: str, value: bytes) -> None:
        raw = key.encode()
        self._promises.append(self._table.send_changelog(self._table.partition_for_key(raw), raw, value))
        self._table.data[raw] = value

    async def flush(self) -> None:
        """Return when the brokers have confirmed every write since the last call.

        Raises:
            KafkaError: one was refused; the table is then ahead of its changelog, and the worker must end.
        """
        promises, self._promises = self._promises, []
        if promises:
            await asyncio.wait(promises)  # does not cancel them where the waiting is cancelled
        for promise in promises:
            promise.result()


def _is_last(app: Any, record: Incoming) -> bool:
    end = app.consumer.highwater(TP(record.topic, record.partition))
    return end is None or record.offset + 1 >= end
