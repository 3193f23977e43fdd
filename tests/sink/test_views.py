"""Rollups equal a recount of the mentions, and the views say what they promise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pipeline import topics
from pipeline.sink.batch import Batch
from pipeline.sink.reading import read
from pipeline.sink.writer import Writer
from schemas import Record
from tests.sink import samples

pytestmark = pytest.mark.integration

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "clickhouse.md"

BUCKETS = {"5m": "toStartOfFiveMinutes", "1h": "toStartOfHour", "1d": "toStartOfDay"}


@pytest.fixture
def filled(writer: Writer, client: Any) -> Any:
    """Two objects, the second a competitor, some of the first's mentions its own; entities and a spike."""
    mentions = [samples.mention(n, own=n % 10 == 0) for n in range(300)]
    mentions += [samples.mention(n, object_id="vtb") for n in range(0, 300, 3)]
    for topic, records in (
        (topics.MENTIONS, mentions),
        (topics.ENRICHED, [samples.enriched(n) for n in range(60)]),
        (topics.SPIKES, [samples.spike(1), samples.spike(2), samples.spike(3)]),
    ):
        store(writer, topic, list(records))
    return client


def store(writer: Writer, topic: str, records: list[Record]) -> None:
    for lo in range(0, len(records), 70):
        part = records[lo : lo + 70]
        batch = Batch("c1", topic, 0, lo, lo + len(part) - 1)
        reading = read([samples.stored(record, lo + n) for n, record in enumerate(part)], batch)
        writer.insert(reading.entries, batch)


@pytest.mark.parametrize("name", list(BUCKETS))
def test_rollup_equals_a_recount(filled: Any, name: str) -> None:
    author = "if(author_id = '', post_id, concat(source, ':', author_id))"
    recount = filled.execute(
        f"""SELECT
            timeline, object_id, toDateTime({BUCKETS[name]}(created_at), 'UTC') AS b, source, own,
            count(), countIf(label = 'negative'), countIf(label = 'neutral'), countIf(label = 'positive'),
            sum(coalesce(channel_followers, author_followers, 0)), sum(ifNull(likes, 0)), uniqExact({author}),
            uniqExactIf({author}, label = 'negative')
        FROM mentions GROUP BY timeline, object_id, b, source, own ORDER BY ALL"""
    )
    rolled = filled.execute(
        f"""SELECT timeline, object_id, bucket, source, own, sum(mentions), sum(negatives), sum(neutrals),
            sum(positives), sum(reach), sum(engagement), uniqMerge(authors), uniqIfMerge(negative_authors)
        FROM mentions_{name} GROUP BY timeline, object_id, bucket, source, own ORDER BY ALL"""
    )
    assert rolled == recount
    assert len(rolled) > 2


def test_net_sentiment_counts_the_public_and_own_apart(filled: Any) -> None:
    for view in ("net_sentiment", "net_sentiment_daily"):
        rows = filled.execute(
            f"SELECT sum(mentions), sum(own_mentions), sum(positives), sum(negatives) FROM {view} "
            "WHERE object_id = 'sberbank' AND timeline = 'live'"
        )
        assert rows == [(270, 30, 90, 90)]
    rows = filled.execute(
        "SELECT net_sentiment, negative_share, mentions, positives, negatives FROM net_sentiment "
        "WHERE object_id = 'sberbank' AND bucket = toDateTime('2014-07-28 21:00:00', 'UTC')"
    )
    ((net, share, mentions, positives, negatives),) = rows
    assert net == pytest.approx((positives - negatives) / mentions)
    assert share == pytest.approx(negatives / mentions)


def test_net_sentiment_of_nothing_is_null(writer: Writer, client: Any) -> None:
    store(writer, topics.MENTIONS, [samples.mention(1, own=True)])
    assert client.execute("SELECT mentions, net_sentiment, own_mentions FROM net_sentiment") == [(0, None, 1)]


def test_share_of_voice_sums_to_one(filled: Any) -> None:
    sums = filled.execute(
        "SELECT sum(share), sum(market_share) FROM share_of_voice GROUP BY timeline, bucket"
    )
    assert sums
    assert all(values == (pytest.approx(1), pytest.approx(1)) for values in sums)
    one = filled.execute("SELECT max(share) FROM share_of_voice WHERE object_id = 'vtb'")
    assert one[0][0] < 0.5  # a filter on the object does not change what it is a share of


def test_top_entities(filled: Any) -> None:
    rows = filled.execute(
        "SELECT normal, type, sum(posts), sum(occurrences) FROM top_entities "
        "WHERE timeline = 'live' GROUP BY normal, type ORDER BY 3 DESC"
    )
    assert rows == [("сбербанк", "ORG", 60, 60), ("москва", "LOC", 30, 30)]


def test_spike_history_has_one_row_per_spike(filled: Any) -> None:
    rows = filled.execute(
        "SELECT object_id, status, revisions, minutes, score, negatives, top_excerpts, sources "
        "FROM spike_history"
    )
    assert rows == [("sberbank", "resolved", 3, 180, 7.0, 60, ["Не работает"], ["twitter"])]
    assert filled.execute("SELECT resolved_at IS NOT NULL FROM spike_history") == [(1,)]


def test_every_query_of_the_guide_runs(filled: Any) -> None:
    blocks = re.findall(r"```sql\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL)
    queries = [query.replace("FORMAT Vertical", "") for block in blocks for query in block.split("\n\n")]
    assert len(queries) > 8
    for query in queries:
        filled.execute(query)
