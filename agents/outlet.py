"""Where the items of a source go: posts and deletions into their topics, the rest to the dead letters."""

from __future__ import annotations

import logging

from agents.base import Clock, Collected, Found, Gone, Progress, RecordTooLarge, Rejected, Source, agent_kind
from agents.losses import dead_letter_of, deletion_of
from agents.publisher import Publisher
from agents.source_health import SourceHealth
from pipeline.kafka_batches import Delivery
from pipeline.metrics import Metrics

log = logging.getLogger("molva.agent")


class Outlet:
    """Publishes for one source; nothing that it cannot publish is dropped silently."""

    def __init__(
        self,
        publisher: Publisher,
        metrics: Metrics,
        source: Source,
        clock: Clock,
        health: SourceHealth | None = None,
    ) -> None:
        """``health`` is told every post."""
        self._publisher = publisher
        self._metrics = metrics
        self._kind = agent_kind(source.name)
        self._timeline = source.timeline
        self._clock = clock
        self._health = health

    async def publish(self, item: Collected) -> tuple[Delivery, ...]:
        """Publish an item.

        Returns:
            What is to be confirmed.

        Raises:
            PublishFailed: the broker is away.
        """
        match item:
            case Found(post=post, origin=origin):
                if self._health is not None:
                    self._health.seen(post)
                try:
                    return await self._publisher.publish(post)
                except RecordTooLarge as error:
                    return await self._bury(Rejected(error.value, origin, "too_large", str(error)))
            case Gone():
                made = deletion_of(item, self._timeline, self._clock())
                return await (
                    self._bury(made) if isinstance(made, Rejected) else self._publisher.publish(made)
                )
            case Rejected():
                return await self._bury(item)
            case Progress():
                return ()

    async def _bury(self, rejected: Rejected) -> tuple[Delivery, ...]:
        self._metrics.dead_letters.labels(f"agent:{self._kind}", rejected.reason).inc()
        log.warning("dead letter %s, %s: %s", rejected.origin, rejected.reason, rejected.detail)
        return await self._publisher.publish(dead_letter_of(rejected, self._kind, self._clock()))
