"""The enrichment stage on Faust, with the language models in a thread of their own, from their loading on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import Any

from pipeline.app import topic_of_bytes
from pipeline.core.enrichment import Annotation, Failed, hurried, whole_stars
from pipeline.core.linking import Linker
from pipeline.garbage import settle
from pipeline.metrics import Metrics
from pipeline.nlp.annotator import Annotator, Request, build_annotator
from pipeline.producer import Producer
from pipeline.settings import Settings
from pipeline.stages.enrichment import STAGE, Enrichment
from pipeline.storm import storm_limit
from pipeline.topics import MENTIONS, RAW
from pipeline.tracing import OFF, Tracing
from schemas import RawPost

log = logging.getLogger("molva.enrichment")


def bind(
    app: Any, settings: Settings, metrics: Metrics, clock: Callable[[], datetime], *, tracing: Tracing = OFF
) -> Future[Annotator]:
    """Read ``molva.posts.raw`` with the enrichment stage.

    Returns:
        The models: they are loaded while the worker connects and waits for its partitions.
    """
    pool = ThreadPoolExecutor(1, thread_name_prefix="language")
    loading = pool.submit(_load, settings)

    async def annotate(posts: Sequence[RawPost]) -> Sequence[Annotation | Failed]:
        annotator = loading.result()
        requests = [
            Request(post.text, addressed=tuple(annotator.addressed(post)), stars=whole_stars(post.rating))
            for post in posts
        ]
        late = hurried(posts, clock(), settings.strong_patience)
        if late:
            metrics.strong_tier_shed.inc(len(posts))
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(pool, annotator.annotate, requests, late)

    async def enrichment(stream: Any) -> None:
        annotator = await asyncio.wrap_future(loading)
        async with Producer(settings) as producer:
            stage = Enrichment(
                annotate=annotate,
                emit=producer.emit,
                kinds=annotator.kinds,
                standing=annotator.standing,
                linker=Linker(annotator.watched),
                mentions_partitions=await producer.partitions(MENTIONS),
                clock=clock,
                metrics=metrics,
                limit=storm_limit(settings, STAGE, metrics),
                batch=settings.enrichment_batch,
                linger=settings.enrichment_linger,
                tracing=tracing,
            )
            await stage.run(stream)

    app.agent(topic_of_bytes(app, RAW), name="enrichment")(enrichment)
    return loading


def _load(settings: Settings) -> Annotator:
    annotator = build_annotator(
        settings.watchlist, settings.sentiment_model, settings.sentiment_tier, settings.ner_engine
    )
    settle()
    log.info("the language models are loaded")
    return annotator
