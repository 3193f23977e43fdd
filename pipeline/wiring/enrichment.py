"""The enrichment stage on Faust, with the language models in a thread of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from pipeline.core.enrichment import Annotation, Failed
from pipeline.metrics import Metrics
from pipeline.nlp.annotator import Request, build_annotator
from pipeline.producer import Producer
from pipeline.settings import Settings
from pipeline.stages.enrichment import Enrichment
from pipeline.topics import MENTIONS, RAW
from schemas import RawPost


def bind(app: Any, settings: Settings, metrics: Metrics, clock: Callable[[], datetime]) -> None:
    """Read ``molva.posts.raw`` with the enrichment stage."""
    annotator = build_annotator(settings.watchlist, settings.sentiment_model, settings.ner_engine)
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
