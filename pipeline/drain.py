"""Waiting until everything that was published has gone through every stage.

The order makes it exact without touching a record: once a stage's committed offset has passed the end that
its input had, everything that came of that input stands in its output topics, so their ends are then known.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from aiokafka import TopicPartition

from pipeline.errors import MolvaError
from pipeline.topics import ACTIONS, ALERTS, BASELINES, DEAD_LETTERS, DELETED, ENRICHED, MENTIONS, RAW, SPIKES

POLL_S = 0.2


class Offsets(Protocol):
    """What the broker is asked; `pipeline.kafka.KafkaAdmin` answers."""

    async def end_offsets(self, topics: Iterable[str]) -> Mapping[TopicPartition, int]: ...
    async def committed_offsets(
        self, group: str, partitions: Collection[TopicPartition]
    ) -> Mapping[TopicPartition, int | None]: ...


class Hop(NamedTuple):
    """A consumer group and the topics that it reads."""

    group: str
    topics: tuple[str, ...]


HOPS: tuple[Hop, ...] = (
    Hop("molva-enrichment", (RAW,)),
    Hop("molva-detection", (MENTIONS, BASELINES)),
    Hop("molva-notification", (SPIKES, ACTIONS)),
    Hop("molva-storage", (ENRICHED, MENTIONS, SPIKES, ALERTS, ACTIONS, DELETED, DEAD_LETTERS)),
)


class NotDrained(MolvaError):
    """A stage did not get to the end of its input in time."""


Progress = Callable[[str, int], None]
"""Called with a group and how many records it still has to process."""


async def drain(
    offsets: Offsets,
    clock: Callable[[], datetime],
    patience: timedelta,
    progress: Progress = lambda group, left: None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Wait until every stage has processed what was in ``molva.posts.raw`` at the time of the call.

    Raises:
        NotDrained: a group stands still short of the end for ``patience``.
    """
    # storage's own dead letters have come while it was awaited; those of dead letters become rows at once
    for group, topics in (*HOPS, Hop("molva-storage", (DEAD_LETTERS,))):
        ends = await offsets.end_offsets(topics)
        left, moved_at = None, clock()
        while True:
            now_left = await _left(offsets, group, ends)
            progress(group, now_left)
            if now_left == 0:
                break
            if now_left != left:
                left, moved_at = now_left, clock()
            elif clock() - moved_at > patience:
                raise NotDrained(
                    f"{group} stands still with {left} records to go; is the worker running? "
                    "`molva status` tells, its log says why"
                )
            await sleep(POLL_S)


async def lag(offsets: Offsets, hop: Hop) -> int:
    """How many records of its topics a group has not processed yet."""
    return await _left(offsets, hop.group, await offsets.end_offsets(hop.topics))


async def _left(offsets: Offsets, group: str, ends: Mapping[TopicPartition, int]) -> int:
    committed = await offsets.committed_offsets(group, list(ends))
    return sum(max(0, end - (committed[place] or 0)) for place, end in ends.items())
