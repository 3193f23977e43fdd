"""Many records at once: as if one after the other, in both publishers."""

from __future__ import annotations

import asyncio
from collections import Counter

from agents.base import PublishFailed
from agents.publisher import Publisher, Ready, abandon, encode_within_limit
from pipeline.embedded.broker import EmbeddedBroker
from pipeline.kafka_batches import FEW
from pipeline.topics import DEAD_LETTERS, RAW
from schemas import DeadLetter, RawPost, Record
from tests.agents.memory_publisher import MemoryPublisher
from tests.agents.test_publisher import (
    NOON,
    PARTITIONS,
    Reader,
    both,
    kafka,
    own_broker,
    post,
    raw_ends,
    watermark,
)

__all__ = ["both", "own_broker"]


def ready(*records: Record) -> list[Ready]:
    return [Ready(record, encode_within_limit(record)) for record in records]


def letter(number: int) -> DeadLetter:
    return DeadLetter.of(
        b"x", stage="agent:t", origin=f"t:{number}", reason="invalid", detail="-", failed_at=NOON
    )


async def test_all_arrive_once_and_in_order(both: tuple[Publisher, Reader]) -> None:
    publisher, read = both
    ends = await raw_ends(publisher)
    versions = [post(number % 700, text=f"{number} " + "я" * 300) for number in range(2100)]
    few = [post(number, text="few") for number in range(10_000, 10_000 + FEW)]
    deliveries = []
    for part in (versions[:1000], [letter(1)], versions[1000:], few):
        deliveries.extend(await publisher.publish_all(ready(*part)))
    deliveries.extend(await publisher.publish(watermark()))
    await publisher.confirm(deliveries)
    arrived: list[Record] = []
    for partition in range(PARTITIONS):
        records = await read(RAW, partition, ends[partition])
        assert records[-1] == watermark(), "what is published behind them comes behind them"
        assert publisher.offsets[RAW, partition] == ends[partition] + len(records) - 1
        arrived += records[:-1]
    order = {record.model_dump_json(): place for place, record in enumerate([*versions, *few])}
    by_key: dict[str, list[int]] = {}
    for record in arrived:
        assert isinstance(record, RawPost)
        by_key.setdefault(record.key, []).append(order[record.model_dump_json()])
    assert sum(map(len, by_key.values())) == len(order)
    assert all(places == sorted(places) for places in by_key.values()), "versions of a post keep their order"
    assert (await read(DEAD_LETTERS, 0, publisher.offsets[DEAD_LETTERS, 0]))[-1] == letter(1)


async def test_each_is_where_publish_would_put_it(own_broker: EmbeddedBroker) -> None:
    posts = [post(number) for number in range(200)]
    async with kafka(own_broker) as real:
        ends = await raw_ends(real)
        await real.confirm(await real.publish_all(ready(*posts)))
        many = {partition: real.offsets[RAW, partition] + 1 - ends[partition] for partition in ends}
    fake = MemoryPublisher(PARTITIONS)
    for each in posts:
        await fake.publish(each)
    assert many == Counter(sent.partition for sent in fake.sent)


async def test_a_broker_that_is_away_fails_all(own_broker: EmbeddedBroker) -> None:
    async with kafka(own_broker) as real:
        await real.raw_partitions()
        await real._producer.stop()
        try:
            deliveries = await real.publish_all(ready(*(post(number) for number in range(100))))
        except PublishFailed:
            return
        abandon(deliveries)
        raise AssertionError("a producer that is closed takes nothing")


async def test_many_at_once_wait_for_their_partition_and_none_gives_up(own_broker: EmbeddedBroker) -> None:
    """Without turns aiokafka's own waiting ends with a time-out here."""
    async with kafka(own_broker) as real:
        posts = [post(0, text=f"{number} " + "x" * 500) for number in range(60)]
        ends = await raw_ends(real)
        sendings = [real.publish_all(ready(*posts)) for _ in range(200)]
        for deliveries in await asyncio.gather(*sendings):
            await real.confirm(deliveries)
        assert sum((await raw_ends(real)).values()) - sum(ends.values()) == 200 * 60 + PARTITIONS
