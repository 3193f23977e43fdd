"""Stages bound to the real world: Faust agents, tables, producers, language models, ClickHouse."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from faust.types import TP

from pipeline.batches import Incoming
from pipeline.core.detection import PartitionDetector
from pipeline.core.enrichment import Annotation
from pipeline.emission import outgoing
from pipeline.kafka import KafkaAdmin
from pipeline.metrics import Metrics
from pipeline.nlp.annotator import Failed, Request, build_annotator
from pipeline.producer import Producer
from pipeline.settings import Settings
from pipeline.stages import storage
from pipeline.stages.detection import Detection
from pipeline.stages.enrichment import Enrichment
from pipeline.topics import DEAD_LETTERS, MENTIONS, RAW
from schemas import DeadLetter, RawPost

Clock = Callable[[], datetime]
STATE_TABLE = "state"


def bind_enrichment(app: Any, settings: Settings, metrics: Metrics, clock: Clock) -> None:
    """Read ``molva.posts.raw`` with the enrichment stage."""
    annotator = build_annotator(settings.watchlist, settings.sentiment_model)
    pool = ThreadPoolExecutor(1, thread_name_prefix="language")

    async def annotate(posts: Sequence[RawPost]) -> Sequence[Annotation | Failed]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(pool, annotator.annotate, [Request(post.text) for post in posts])

    async def enrichment(stream: Any) -> None:
        async with Producer(settings) as producer:
            stage = Enrichment(
                annotate=annotate,
                emit=producer.emit,
                kinds=annotator.kinds,
                owners=annotator.owners,
                mentions_partitions=await producer.partitions(MENTIONS),
                clock=clock,
                metrics=metrics,
                batch=settings.enrichment_batch,
                linger=settings.enrichment_linger,
            )
            await stage.run(stream)

    topic = app.topic(RAW, value_type=bytes, value_serializer="raw", key_type=bytes, key_serializer="raw")
    app.agent(topic, name="enrichment")(enrichment)


def bind_detection(app: Any, settings: Settings, metrics: Metrics, clock: Clock) -> None:
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

    @app.on_partitions_revoked.connect
    async def forget(_app: Any, revoked: Any, **_: Any) -> None:
        for stage in stages:
            stage.forget()

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


async def run_storage(settings: Settings, metrics: Metrics, clock: Clock, stop: asyncio.Event) -> None:
    """Write everything to ClickHouse until ``stop``."""
    async with Producer(settings) as producer:

        async def emit_dead_letter(letter: DeadLetter) -> None:
            await producer.emit([outgoing(DEAD_LETTERS, letter)])

        metrics.worker_ready.labels(storage.STAGE).set(1)
        await storage.run(settings, metrics, stop, emit_dead_letter=emit_dead_letter, now=clock)
