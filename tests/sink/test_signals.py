"""Signals on their way into ClickHouse: rows, columns, old records, and the queries of the docs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline import topics
from pipeline.sink.batch import Batch
from pipeline.sink.reading import read
from pipeline.sink.rows import mention_row, post_row
from pipeline.sink.writer import Writer
from schemas import EnrichedPost, Mention, Record
from schemas.codec import decode, encode
from schemas.signals import Aspect, MentionSignals, PersonalSpan, Signals
from tests.sink import samples

DOCS = Path(__file__).parents[2] / "docs" / "clickhouse.md"
FINGERPRINT = tuple(range(1, 13))


def signals(cluster: str, fingerprint: tuple[int, ...] = FINGERPRINT) -> Signals:
    return Signals(
        type="complaint",
        p_type=0.9,
        aspects=(Aspect(name="app", p=0.8), Aspect(name="answers", p=0.5)),
        experience="own",
        calls=("leave",),
        threats=("court",),
        toxicity=0.6,
        toxic=True,
        cluster=cluster,
        fingerprint=fingerprint,
        evidence=("не работает",),
        personal=(PersonalSpan(kind="phone", start=3, end=14),),
    )


def post(number: int, shown: Signals) -> EnrichedPost:
    return samples.enriched(number).model_copy(update={"signals": shown})


def mention(number: int, shown: Signals) -> Mention:
    common = MentionSignals.model_validate(shown.model_dump())
    return samples.mention(number).model_copy(update={"signals": common})


def test_records_carry_signals_there_and_back() -> None:
    for record in (post(1, signals("a")), mention(1, signals("a"))):
        assert decode(type(record), encode(record).value) == record


def test_records_of_older_versions_have_no_signals() -> None:
    record = samples.enriched(1)
    value = record.model_dump_json(exclude={"signals"}).encode()
    assert decode(EnrichedPost, value).signals == Signals()
    assert post_row(record)["post_type"] == ""
    assert mention_row(samples.mention(1))["cluster"] == ""


def test_rows() -> None:
    row = post_row(post(1, signals("a")))
    assert row["aspects.name"] == ["app", "answers"]
    assert row["personal.start"] == [3]
    assert row["fingerprint"] == list(FINGERPRINT)
    assert "fingerprint" not in mention_row(mention(1, signals("a")))


def store(writer: Writer, topic: str, records: Sequence[Record]) -> None:
    batch = Batch("c1", topic, 0, 0, len(records) - 1)
    reading = read([samples.stored(record, offset) for offset, record in enumerate(records)], batch)
    writer.insert(writer.select(reading.entries, batch, resumed=False).entries, batch)


@pytest.mark.integration
def test_stored_and_found(client: Any, writer: Writer) -> None:
    store(writer, topics.ENRICHED, [post(0, signals("a")), post(1, signals("a")), samples.enriched(2)])
    store(writer, topics.MENTIONS, [mention(0, signals("a")), mention(1, signals("a")), samples.mention(2)])
    assert client.execute("SELECT count() FROM posts WHERE cluster = 'a'") == [(2,)]
    assert client.execute(
        "SELECT aspects.name, calls, toxic, experience FROM mentions WHERE cluster = 'a' LIMIT 1"
    ) == [(["app", "answers"], ["leave"], True, "own")]
    assert client.execute("SELECT post_type, fingerprint FROM posts WHERE cluster = ''") == [("", [])]


@pytest.mark.integration
def test_the_queries_of_the_docs(client: Any, writer: Writer) -> None:
    """Two workers named two clusters; the query over fingerprints joins them, and not the third text."""
    similar = (*range(1, 9), 90, 91, 92, 93)
    other = tuple(range(200, 212))
    shown = [signals("a"), signals("a"), signals("b", similar), signals("c", other)]
    moments = [samples.COLLECTED - timedelta(hours=1)] * len(shown)
    posts = [
        samples.enriched(n, created_at=moment).model_copy(update={"signals": item})
        for n, (item, moment) in enumerate(zip(shown, moments, strict=True))
    ]
    store(writer, topics.ENRICHED, posts)
    store(writer, topics.MENTIONS, [mention(n, item) for n, item in enumerate(shown)])
    for query in documented():
        client.execute(query)
    joined = next(query for query in documented() if "groupUniqArray" in query)
    since = "now() - INTERVAL 1 DAY"
    assert since in joined
    rows = client.execute(joined.replace(since, "toDateTime('2026-01-01', 'UTC')"))
    assert [(row[0], row[1]) for row in rows] == [("a", ["b"])]


def documented() -> list[str]:
    """The queries of the section on signals."""
    section = DOCS.read_text(encoding="utf-8").split("## Signals", 1)[1].split("\n## ", 1)[0]
    return [part.split("```", 1)[0].strip() for part in section.split("```sql")[1:]]
