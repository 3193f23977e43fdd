"""Exactly once in a real ClickHouse: tokens, views that throw, redelivery, replays, other incarnations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from clickhouse_driver import Client

from pipeline import topics
from pipeline.sink.batch import Batch
from pipeline.sink.clickhouse import Clients, RowsRejected, Unavailable
from pipeline.sink.reading import read
from pipeline.sink.rows import Entry
from pipeline.sink.writer import Writer
from schemas import Record
from tests.sink import samples

pytestmark = pytest.mark.integration

POSTS = Batch("c1", topics.ENRICHED, 0, 0, 99)
MENTIONS = Batch("c1", topics.MENTIONS, 0, 0, 99)


def entries(records: Sequence[Record], batch: Batch) -> tuple[Entry, ...]:
    numbered = enumerate(records, start=batch.lo)
    reading = read([samples.stored(record, offset, topic=batch.topic) for offset, record in numbered], batch)
    assert not reading.dead_letters
    return reading.entries


def store(writer: Writer, records: Sequence[Record], batch: Batch, *, resumed: bool = False) -> int:
    """Select and insert; the number of entries that were skipped."""
    selection = writer.select(entries(records, batch), batch, resumed=resumed)
    writer.insert(selection.entries, batch)
    return selection.skipped


def counts(client: Any, *tables: str) -> list[int]:
    return [client.execute(f"SELECT count() FROM {table}")[0][0] for table in tables]


def rollups(client: Any) -> list[int]:
    return [client.execute(f"SELECT sum(mentions) FROM mentions_{name}")[0][0] for name in ("5m", "1h", "1d")]


def test_stores_posts_and_entities(writer: Writer, client: Any) -> None:
    assert store(writer, [samples.enriched(n) for n in range(100)], POSTS) == 0
    assert counts(client, "posts", "entities", "post_ids") == [100, 150, 100]


def test_same_batch_again_in_the_same_process(writer: Writer, client: Any) -> None:
    chosen = entries([samples.enriched(n) for n in range(100)], POSTS)
    for _ in range(3):
        writer.insert(chosen, POSTS)
    assert counts(client, "posts", "entities", "post_ids") == [100, 150, 100]


def test_resumed_batch_after_a_complete_insert(writer: Writer, client: Any) -> None:
    records = [samples.mention(n) for n in range(100)]
    store(writer, records, MENTIONS)
    assert store(writer, records, MENTIONS, resumed=True) == 0
    assert counts(client, "mentions", "mention_ids") == [100, 100]
    assert rollups(client) == [100, 100, 100]


def test_crash_between_posts_and_entities(writer: Writer, client: Any) -> None:
    records = [samples.enriched(n) for n in range(100)]
    without = [entry._replace(entities=()) for entry in entries(records, POSTS)]
    writer.insert(without, POSTS)
    assert counts(client, "posts", "entities") == [100, 0]
    store(writer, records, POSTS, resumed=True)
    assert counts(client, "posts", "entities") == [100, 150]


def test_replay_of_the_same_posts_at_new_offsets(writer: Writer, client: Any) -> None:
    records = [samples.enriched(n) for n in range(100)]
    store(writer, records, POSTS)
    assert store(writer, records, replace(POSTS, lo=100, hi=199)) == 100
    assert store(writer, records, replace(POSTS, cluster="c2")) == 100
    assert counts(client, "posts", "entities", "post_ids") == [100, 150, 100]


def test_same_id_with_another_date_is_the_same_post(writer: Writer, client: Any) -> None:
    store(writer, [samples.enriched(1)], replace(POSTS, hi=0))
    moved = samples.enriched(1, created_at=samples.START + timedelta(days=400))
    assert store(writer, [moved], replace(POSTS, lo=1, hi=1)) == 1
    assert counts(client, "posts") == [1]


def test_new_cluster_with_the_same_offsets_is_not_taken_for_a_retry(writer: Writer, client: Any) -> None:
    store(writer, [samples.enriched(n) for n in range(100)], POSTS)
    other = replace(POSTS, cluster="c2")
    assert store(writer, [samples.enriched(n) for n in range(100, 200)], other) == 0
    assert counts(client, "posts", "entities") == [200, 300]


def test_offsets_that_were_reset_do_not_count_twice(writer: Writer, client: Any) -> None:
    records = [samples.mention(n) for n in range(100)]
    store(writer, records, MENTIONS)
    assert store(writer, records[:60], replace(MENTIONS, hi=59)) == 60
    assert store(writer, records, MENTIONS) == 100
    # ... nor where the worker died after it had declared the new batch.
    assert store(writer, records[:60], replace(MENTIONS, hi=59), resumed=True) == 60
    assert counts(client, "mentions") == [100]
    assert rollups(client) == [100, 100, 100]


def test_duplicate_within_a_batch_keeps_the_first(writer: Writer, client: Any) -> None:
    records = [samples.enriched(1, text="первый"), samples.enriched(2), samples.enriched(1, text="второй")]
    assert store(writer, records, replace(POSTS, hi=2)) == 1
    rows = client.execute("SELECT text, _offset FROM posts ORDER BY _offset")
    assert [(text == "первый", offset) for text, offset in rows] == [(True, 0), (False, 1)]


def test_partly_known_batch_and_its_retry(writer: Writer, client: Any) -> None:
    store(writer, [samples.mention(n) for n in range(50)], replace(MENTIONS, hi=49))
    batch = replace(MENTIONS, lo=50, hi=149)
    records = [samples.mention(n) for n in range(25, 125)]
    assert store(writer, records, batch) == 25
    assert store(writer, records, batch, resumed=True) == 25
    assert counts(client, "mentions") == [125]
    assert rollups(client) == [125, 125, 125]


@pytest.mark.parametrize("name", ["a_first", "z_last"])
def test_view_that_throws_then_is_mended(writer: Writer, client: Any, name: str) -> None:
    """Whatever part of the views ran before the failure, the retry under the token completes the rest."""
    records = [samples.mention(n) for n in range(100)]
    client.execute("CREATE TABLE nowhere (x UInt8) ENGINE = MergeTree ORDER BY x")
    client.execute(
        f"CREATE MATERIALIZED VIEW {name} TO nowhere AS "
        f"SELECT throwIf(post_id = '{samples.mention(70).post_id}') AS x FROM mentions"
    )
    for resumed in (False, True, True):
        with pytest.raises(Unavailable):
            store(writer, records, MENTIONS, resumed=resumed)
    client.execute(f"DROP TABLE {name}")
    store(writer, records, MENTIONS, resumed=True)
    store(writer, records, MENTIONS, resumed=True)
    assert counts(client, "mentions", "mention_ids") == [100, 100]
    assert rollups(client) == [100, 100, 100]


def test_part_of_the_months_was_stored(writer: Writer, client: Any) -> None:
    """A batch over several ClickHouse partitions whose first attempt died after one, before the views."""
    records = [samples.enriched(n, created_at=samples.START + timedelta(days=20 * n)) for n in range(10)]
    batch = replace(POSTS, hi=9)
    client.execute("DETACH TABLE post_ids_feed")
    july = [entry._replace(entities=()) for entry in entries(records, batch)[:1]]
    writer.insert(july, batch)
    client.execute("ATTACH TABLE post_ids_feed")
    assert counts(client, "posts", "post_ids") == [1, 0]
    store(writer, records, batch, resumed=True)
    assert counts(client, "posts", "post_ids") == [10, 10]


def test_more_months_than_a_block_may_have(writer: Writer, client: Any) -> None:
    """The default limit is 100 partitions per block."""
    batch = replace(POSTS, hi=104)
    records = [samples.enriched(n, created_at=samples.START - timedelta(days=31 * n)) for n in range(105)]
    chosen = [entry._replace(entities=()) for entry in entries(records, batch)]
    writer.insert(chosen, batch)
    writer.insert(chosen, batch)
    assert counts(client, "posts", "post_ids") == [105, 105]


def test_large_batch_with_many_groups_is_one_block_for_the_views(writer: Writer, client: Any) -> None:
    """More groups than a block of a SELECT holds by default (65,409)."""
    batch = replace(MENTIONS, hi=69_999)
    (one,) = entries([samples.mention(1)], batch)
    many = [
        one._replace(offset=n, key=f"{n}", row={**one.row, "object_id": f"o{n}", "_offset": n})
        for n in range(70_000)
    ]
    writer.insert(many, batch)
    writer.insert(many, batch)
    assert counts(client, "mentions", "mention_ids") == [70_000, 70_000]
    assert rollups(client) == [70_000] * 3


def test_spikes_by_id_and_revision(writer: Writer, client: Any) -> None:
    batch = Batch("c1", topics.SPIKES, 0, 0, 3)
    records = [samples.spike(1), samples.spike(2), samples.spike(1), samples.spike(3)]
    assert store(writer, records, batch) == 1
    assert store(writer, records, replace(batch, lo=4, hi=7)) == 4
    assert counts(client, "spikes", "spike_history") == [3, 1]


def test_rows_that_do_not_fit_are_found(writer: Writer, client: Any) -> None:
    chosen = list(entries([samples.enriched(n) for n in range(100)], POSTS))
    for number, column, value in ((17, "likes", 2**40), (63, "url", None), (64, "label", "furious")):
        chosen[number] = chosen[number]._replace(row={**chosen[number].row, column: value})
    broken = dict(chosen[80].entities[0], start=-1)
    chosen[80] = chosen[80]._replace(entities=(broken,))
    with pytest.raises(RowsRejected):
        writer.insert(chosen, POSTS)
    rejected = writer.rejected(chosen)
    assert [place.offset for place in rejected] == [17, 63, 64, 80]
    writer.insert([entry for entry in chosen if entry.offset not in {17, 63, 64, 80}], POSTS)
    assert counts(client, "posts") == [96]


def test_rejection_that_is_no_rows_fault(writer: Writer, client: Any) -> None:
    with pytest.raises(Unavailable, match="each row of it fits"):
        writer.rejected(entries([samples.enriched(1)], POSTS))


def test_missing_table_is_not_the_rows_fault(writer: Writer, client: Any) -> None:
    client.execute("DROP TABLE entities")
    with pytest.raises(Unavailable, match="entities"):
        store(writer, [samples.enriched(1)], POSTS)


def test_unreachable_server() -> None:
    writer = Writer(Clients(lambda: Client("127.0.0.1", port=1, connect_timeout=1)))
    with pytest.raises(Unavailable):
        store(writer, [samples.enriched(1)], POSTS)
