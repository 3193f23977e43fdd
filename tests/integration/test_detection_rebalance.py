"""Detection workers join, are killed and come back in mid-stream: the spikes are those of a calm run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.embedded.broker import EmbeddedBroker
from pipeline.embedded.process import LOOPBACK, free_ports
from pipeline.emission import Outgoing
from pipeline.health import is_ready, scrape, total
from pipeline.kafka import KafkaAdmin
from pipeline.producer import Producer
from pipeline.settings import Settings
from pipeline.topics import DEAD_LETTERS, MENTIONS, RAW, SPIKES
from schemas import Author, Mention, Origin, Sentiment, Spike, Watermark
from schemas.codec import decode, encode
from tests.integration.workers import Worker, eventually, published

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

GROUP = "molva-detection"
PARTITIONS, RAW_PARTITIONS = 4, 2
START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
OBJECTS = [f"o{number}" for number in range(6)]
QUIET, ALL = 72, 112
"""Hours: three days without a crisis, then crises until the end."""

Content = dict[str, set[bytes]]
"""A spike's id and revision -> what was published under it."""


def bad_hours(number: int) -> set[int]:
    """When an object has its two crises, each of three hours."""
    first = QUIET + number * 2
    return {*range(first, first + 3), *range(first + 18, first + 21)}


def hour_of(hour: int) -> list[Outgoing]:
    """The mentions of an hour, by raw partition in turn, and after them its watermarks in every partition."""
    found, now = [], START + (hour + 1) * HOUR
    for number, object_id in enumerate(OBJECTS):
        bad = 45 if hour in bad_hours(number) else 1
        count = 8 + bad
        for each in range(count):
            offset = (hour * len(OBJECTS) + number) * 100 + each
            at = START + hour * HOUR + each * HOUR / count
            record = mention(offset, object_id, at, "negative" if each < bad else "neutral")
            found.append(Outgoing(MENTIONS, encode(record), timestamp=now))
    for raw in range(RAW_PARTITIONS):
        offset = (hour * len(OBJECTS) + len(OBJECTS)) * 100 - 1
        stated = Watermark(
            timeline="replay:x",
            agent="replay:x",
            watermark=now,
            partitions=RAW_PARTITIONS,
            final=hour == ALL - 1,
            origin=Origin(topic=RAW, partition=raw, offset=offset),
        )
        found += [Outgoing(MENTIONS, encode(stated), place, now) for place in range(PARTITIONS)]
    return found


def mention(offset: int, object_id: str, at: datetime, label: str) -> Mention:
    p = {"negative": 0.05, "neutral": 0.05, "positive": 0.05, label: 0.9}
    return Mention.model_validate(
        {
            "id": f"vk:{offset}#{object_id}",
            "post_id": f"vk:{offset}",
            "object_id": object_id,
            "object_kind": "brand",
            "timeline": "replay:x",
            "origin": Origin(topic=RAW, partition=offset % RAW_PARTITIONS, offset=offset),
            "created_at": at,
            "collected_at": at,
            "source": "vk",
            "kind": "post",
            "author": Author(id=f"a{offset % 97}"),
            "language": "ru",
            "excerpt": "Банк лежит" if label == "negative" else "Банк открыл отделение",
            "sentiment": Sentiment(label=label, **p),  # type: ignore[arg-type]
            "model": "m",
            "enriched_at": at,
        }
    )


class Stream:
    """A broker with the topics of the contract; mentions are published hour by hour."""

    def __init__(self, settings: Settings, admin: KafkaAdmin, producer: Producer) -> None:
        self.settings = settings
        self._admin = admin
        self._producer = producer
        self.hour = 0

    async def publish(self, until: int) -> None:
        """Publish the hours before ``until``."""
        while self.hour < until:
            await self._producer.emit(hour_of(self.hour))
            self.hour += 1

    async def behind(self) -> int:
        """How many records the workers have not acknowledged."""
        ends = await self._admin.end_offsets([MENTIONS])
        committed = await self._admin.committed_offsets(GROUP, list(ends))
        return sum(end - (committed[place] or 0) for place, end in ends.items())

    async def within(self, records: int) -> None:
        """Wait until no more records than that are unacknowledged."""

        async def near() -> bool:
            return await self.behind() <= records

        await eventually(near)

    async def spike_events(self) -> int:
        """How many were published."""
        return sum((await self._admin.end_offsets([SPIKES])).values())


@asynccontextmanager
async def streaming(folder: Path) -> AsyncIterator[Stream]:
    with EmbeddedBroker(folder / "broker") as broker:
        settings = Settings(kafka_bootstrap=broker.bootstrap, kafka_kind="embedded", partitions=PARTITIONS)
        async with KafkaAdmin(settings) as admin, Producer(settings) as producer:
            await admin.ensure_topics()
            yield Stream(settings, admin, producer)


@contextmanager
def workers(settings: Settings, folder: Path, count: int) -> Iterator[list[Worker]]:
    """Workers that are not started yet; they do not outlive this."""
    made = [
        Worker(
            "detection",
            settings.model_copy(update={"data_dir": folder / f"w{number}", "metrics_port": port}),
            folder / f"w{number}.log",
        )
        for number, port in enumerate(free_ports(count))
    ]
    try:
        yield made
    finally:
        for worker in made:
            worker.end()


async def works(worker: Worker, records: int = 1) -> bool:
    """Whether it has its partitions, and has taken so many records since it was started."""
    samples = await asyncio.to_thread(scrape, LOOPBACK, worker.settings.metrics_port)
    return is_ready(samples) and total(samples, "molva_records_in_total") >= records


async def contents(stream: Stream) -> Content:
    assert await published(stream.settings, DEAD_LETTERS) == []
    found: Content = {}
    for record in await published(stream.settings, SPIKES):
        found.setdefault(decode(Spike, record.value).event_id, set()).add(record.value)
    return found


async def undisturbed(folder: Path) -> Content:
    async with streaming(folder) as stream:
        with workers(stream.settings, folder, 1) as (worker,):
            worker.start()
            await stream.publish(ALL)
            await stream.within(0)
            assert worker.stop() == 0
        return await contents(stream)


async def kill_in_a_crisis(stream: Stream, worker: Worker, until: int) -> None:
    """Kill it while the spikes of the hours before ``until`` come out; it comes back at once."""
    before = await stream.spike_events()
    await stream.publish(until)

    async def telling() -> bool:
        return await stream.spike_events() > before

    await eventually(telling)
    worker.kill()
    worker.start()


async def disturbed(folder: Path) -> Content:
    async with streaming(folder) as stream:
        with workers(stream.settings, folder, 2) as (first, second):
            first.start()
            await stream.publish(QUIET // 2)
            await eventually(lambda: works(first))
            second.start()
            while stream.hour < QUIET and not await works(second):
                await stream.publish(stream.hour + 1)
                await stream.within(100)
            await stream.publish(QUIET)
            await eventually(lambda: works(second, records=0))
            await kill_in_a_crisis(stream, first, QUIET + 10)
            await eventually(lambda: works(first, records=0))
            await kill_in_a_crisis(stream, second, QUIET + 24)
            await stream.publish(ALL)
            await stream.within(0)
            assert (first.stop(), second.stop()) == (0, 0)
        return await contents(stream)


def shown(found: Content) -> Sequence[str]:
    return sorted(key for key, values in found.items() if len(values) > 1)


async def test_spikes_are_the_same_whoever_joins_and_dies(tmp_path: Path) -> None:
    for name in ("calm", "rough"):
        (tmp_path / name).mkdir()
    expected = await undisturbed(tmp_path / "calm")
    assert len(expected) > 2 * len(OBJECTS)
    assert shown(expected) == []
    found = await disturbed(tmp_path / "rough")
    assert shown(found) == []
    assert found == expected
