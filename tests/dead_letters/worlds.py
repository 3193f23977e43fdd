"""Dead letters in a world with a real broker and a real ClickHouse: records, their letters, the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline import topics
from pipeline.dead_letters.store import Store
from pipeline.settings import Settings
from pipeline.sink.clickhouse import Clients, connect
from schemas import DeadLetter, Reason
from tests.dead_letters.reading import records_of
from tests.sink.worlds import World, running

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def letter_of(
    record: Any, *, stage: str = "enrichment", reason: Reason = "failed", at: datetime = NOW
) -> DeadLetter:
    """The dead letter of a record as a consumer gives it."""
    return DeadLetter.of(
        record.value or b"",
        stage=stage,
        origin=f"{record.topic}:{record.partition}:{record.offset}",
        reason=reason,
        detail="ValueError: of a version that is mended now",
        failed_at=at,
    )


async def given_up(world: World, topic: str = topics.RAW) -> list[DeadLetter]:
    """Letters of everything that stands in a topic, each a second after the one before; not stored yet."""
    records = await records_of(world.settings, topic)
    return [letter_of(each, at=NOW + timedelta(seconds=number)) for number, each in enumerate(records)]


async def store_letters(world: World, letters: Sequence[DeadLetter]) -> None:
    """Through the topic and the storage stage into ClickHouse."""
    await world.send(topics.DEAD_LETTERS, letters)
    count = len({letter.id for letter in letters})
    async with running(world.settings):
        await world.holds("SELECT count() FROM dead_letters", count)


@contextmanager
def open_store(settings: Settings) -> Iterator[Store]:
    clients = Clients(lambda: connect(settings))
    try:
        yield Store(clients)
    finally:
        clients.close()
