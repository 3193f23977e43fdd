"""Two hundred and fifty posts of two months and their mentions, stored by the storage stage."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline import topics
from pipeline.embedded.broker import EmbeddedBroker
from pipeline.kafka import KafkaAdmin
from pipeline.settings import Settings
from pipeline.sink.batch import Batch
from pipeline.sink.clickhouse import Clients, connect
from pipeline.sink.migrations import migrate
from pipeline.sink.rows import Entry, entry
from pipeline.sink.writer import Writer
from tests.reprocess.runs import FIRST
from tests.sink import samples
from tests.sink.worlds import World, new_world, running

POSTS = 250
NUMBERS = range(FIRST, FIRST + POSTS)


@pytest.fixture
async def world(settings: Callable[..., Settings], tmp_path: Path) -> AsyncIterator[World]:
    async with new_world(settings(), tmp_path) as made:
        await deliver(made)
        async with running(made.settings):
            await made.holds("SELECT count() FROM posts", POSTS)
            await made.holds("SELECT count() FROM mentions", POSTS)
        yield made


def entries(batch: Batch, numbers: range = NUMBERS) -> list[Entry]:
    """What storage makes of the posts, or of their mentions, by the topic of the batch."""
    make = samples.enriched if batch.topic == topics.ENRICHED else samples.mention
    return [entry(make(n), batch, n) for n in numbers]


@pytest.fixture(scope="module")
def quiet_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBroker]:
    """A broker with the topics of the contract, into which nobody writes."""
    with EmbeddedBroker(tmp_path_factory.mktemp("broker")) as broker:
        asyncio.run(_create_topics(Settings(kafka_bootstrap=broker.bootstrap, kafka_kind="embedded")))
        yield broker


async def _create_topics(settings: Settings) -> None:
    async with KafkaAdmin(settings) as admin:
        await admin.ensure_topics()


@pytest.fixture
def filled(settings: Callable[..., Settings], quiet_broker: EmbeddedBroker) -> Iterator[Settings]:
    """Settings of a database of its own with the posts and mentions, stored by the writer of storage."""
    made = settings(
        clickhouse_database=f"t_{uuid.uuid4().hex}",
        kafka_bootstrap=quiet_broker.bootstrap,
        kafka_kind="embedded",
    )
    with connect(made, "default") as admin:
        migrate(admin, made.clickhouse_database)
        clients = Clients(lambda: connect(made))
        for topic in (topics.ENRICHED, topics.MENTIONS):
            batch = Batch("another", topic, 0, NUMBERS.start, NUMBERS.stop - 1)
            Writer(clients).insert(entries(batch), batch)
        clients.close()
        yield made
        admin.execute(f"DROP DATABASE {made.clickhouse_database} SYNC")


async def deliver(world: World, numbers: range = NUMBERS) -> None:
    """Send posts and their mentions, as enrichment does."""
    await world.send(topics.ENRICHED, [samples.enriched(n) for n in numbers])
    await world.send(topics.MENTIONS, [samples.mention(n) for n in numbers])


class Counts:
    """What a reader of the database counts; equal for equal contents."""

    def __init__(self, settings: Settings) -> None:
        with connect(settings) as client:
            self.posts = client.execute("SELECT count(), uniqExact(id) FROM posts")[0]
            self.versions = dict(client.execute("SELECT version, count() FROM posts GROUP BY 1"))
            self.mentions = _mentions(client)
            self.entities = client.execute(
                "SELECT count(), uniqExact(post_id, start, type, normal) FROM entities"
            )[0]
            self.analysis = client.execute(
                "SELECT id, label, round(p_negative, 5), objects, post_type, cluster, version FROM posts "
                "ORDER BY id"
            )
            self.wrong = _wrong(client)


def _mentions(client: Any) -> list[Any]:
    query = "SELECT post_id, object_id, label, own, version FROM mentions ORDER BY 1, 2"
    rows: list[Any] = client.execute(query)
    return rows


def _wrong(client: Any) -> list[Any]:
    """Where a rollup differs from a recount of its table."""
    found: list[Any] = []
    for rollup, start in (("5m", "toStartOfFiveMinutes"), ("1h", "toStartOfHour"), ("1d", "toStartOfDay")):
        recount = f"""
            SELECT object_id, toDateTime({start}(created_at), 'UTC') AS bucket, count(),
                countIf(label = 'negative'),
                uniqExact(if(author_id = '', post_id, concat(source, ':', author_id)))
            FROM mentions GROUP BY 1, 2"""
        rolled = f"""
            SELECT object_id, bucket, sum(mentions), sum(negatives), uniqMerge(authors)
            FROM mentions_{rollup}"""
        found += client.execute(f"({recount}) EXCEPT ({rolled} GROUP BY 1, 2)")
        found += client.execute(f"({rolled} GROUP BY 1, 2) EXCEPT ({recount})")
    named = """
        SELECT object, bucket, sum(posts) FROM (
            SELECT arrayJoin(objects) AS object, toDateTime(toStartOfHour(created_at), 'UTC') AS bucket, type,
                name, uniqExact(post_id) AS posts
            FROM entities AS e WHERE object != e.object_id GROUP BY 1, 2, 3, 4)
        GROUP BY 1, 2"""
    rolled = "SELECT object_id, bucket, sum(posts) FROM entities_1h GROUP BY 1, 2"
    found += client.execute(f"({named}) EXCEPT ({rolled})") + client.execute(f"({rolled}) EXCEPT ({named})")
    return found


async def in_thread(call: Callable[[], Any]) -> Any:
    """Run what blocks beside the event loop."""
    return await asyncio.to_thread(call)
