"""The detection stage on Faust: its states are the table ``state``, kept in a changelog topic."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from faust.types import TP

from pipeline.batches import Incoming
from pipeline.core.detection import PartitionDetector
from pipeline.kafka import KafkaAdmin
from pipeline.metrics import Metrics
from pipeline.producer import Producer
from pipeline.settings import Settings
from pipeline.stages.detection import Detection
from pipeline.topics import MENTIONS

STATE_TABLE = "state"


def bind(app: Any, settings: Settings, metrics: Metrics, clock: Callable[[], datetime]) -> None:
    """Read ``molva.mentions`` with the detection stage; its states are the Faust table ``state``."""
    raw: dict[str, Any] = {"key_type": bytes, "value_type": bytes}
    table = app.Table(STATE_TABLE, partitions=settings.partitions, default=None, **raw)
    stages: list[Detection] = []

    async def detection(stream: Any) -> None:
        async with Producer(settings) as producer:
            async with KafkaAdmin(settings) as admin:
                cluster = await admin.cluster_id()
            stage = Detection(
                states=FaustStates(app, table),
                emit=producer.emit,
                new_detector=lambda partition: PartitionDetector(
                    partition, cluster, source_idle=settings.source_idle
                ),
                caught_up=lambda record: _is_last(app, record),
                clock=clock,
                metrics=metrics,
            )
            stages.append(stage)
            await stage.run(stream)

    async def forget(_app: Any, revoked: Any, **_: Any) -> None:
        for stage in stages:
            stage.forget()

    app.on_partitions_revoked.connect(forget, weak=False)
    topic = app.topic(MENTIONS, value_serializer="raw", key_serializer="raw", **raw)
    app.agent(topic, name="detection")(detection)


class FaustStates:
    """The detection states in a Faust table; written while an event of their partition is processed."""

    def __init__(self, app: Any, table: Any) -> None:
        self._app = app
        self._table = table

    def items(self) -> Iterable[tuple[str, bytes]]:
        return [(key.decode(), value) for key, value in self._table.items() if value is not None]

    def write(self, key: str, value: bytes) -> None:
        self._table[key.encode()] = value

    async def flush(self) -> None:
        await self._app.producer.flush()


def _is_last(app: Any, record: Incoming) -> bool:
    end = app.consumer.highwater(TP(record.topic, record.partition))
    return end is None or record.offset + 1 >= end
