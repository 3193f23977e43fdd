"""Spikes and mentions with everything that the contract has, on their way into ClickHouse, without loss."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline import topics
from pipeline.sink.batch import Batch
from pipeline.sink.reading import read
from pipeline.sink.rows import mention_row, spike_row
from pipeline.sink.writer import Writer
from schemas import Record, Spike, TopPost
from schemas.codec import decode
from schemas.spike import (
    Coordination,
    Explanation,
    TopAspect,
    TopChannel,
    TopCluster,
    TopTerm,
)
from tests.sink import samples

DOCS = Path(__file__).parents[2] / "docs" / "clickhouse.md"
POST = TopPost(
    post_id="vk:1",
    url="https://example.org/1",
    excerpt="Списали дважды",
    author="@a",
    followers=70,
    p_negative=0.75,
    created_at=samples.START,
    source="vk",
)
EXPLANATION = Explanation(
    expected_low=1.0,
    expected_high=7.0,
    expected_authors=4.5,
    activation=4.0,
    reach=2**40,
    representative=(POST, POST.model_copy(update={"post_id": "vk:2", "created_at": None, "followers": None})),
    first_post=POST,
    words=(TopTerm(text="дважды", posts=12, expected=0.5, z=4.5),),
    names=(TopTerm(text="Роспотребнадзор", posts=5, expected=0.25, z=2.5),),
    clusters=(TopCluster(cluster="vk:1", posts=9, authors=8),),
    duplicate_share=0.25,
    channels=(TopChannel(channel="vk:wall", name="Стена", negatives=11),),
    aspects=(TopAspect(aspect="app", negatives=10),),
    coordination=Coordination(suspected=True, reasons=("copies", "burst")),
)


def full(revision: int = 1) -> Spike:
    """A spike of a slice in which every field is set."""
    added = {
        "resolution": "1d",
        "dimension": "source",
        "value": "vk",
        "severity": "critical",
        "top_posts": (POST,),
        "late": 3,
        "explanation": EXPLANATION,
    }
    return samples.spike(revision).model_copy(update=added)


def leaves(value: Any) -> set[Any]:
    """Every number, text and moment that a record's parts hold."""
    if isinstance(value, dict):
        return set().union(*map(leaves, value.values()))
    if isinstance(value, (list, tuple)):
        return set().union(*map(leaves, value))
    return set() if value is None else {value}


def test_nothing_of_a_spike_is_lost() -> None:
    record = full().model_dump()
    del record["schema_version"]
    assert leaves(record) <= leaves(spike_row(full()))


def test_a_row_has_the_same_columns_whatever_is_known() -> None:
    assert list(spike_row(full())) == list(spike_row(samples.spike(1)))
    assert spike_row(samples.spike(1))["first_post_id"] == ""


def test_spikes_of_older_versions_have_the_defaults() -> None:
    new = ("signal", "dimension", "value", "severity", "late", "explanation")
    old = samples.spike(1).model_dump_json(exclude=set(new)).encode()
    row = spike_row(decode(Spike, old))
    assert (row["signal"], row["severity"], row["late"], row["activation"]) == (
        "negativity",
        "warning",
        0,
        None,
    )


def test_mentions_have_names_and_a_region() -> None:
    record = samples.mention(1).model_copy(update={"names": ("ЦБ", "Москва"), "region": "Самара"})
    row = mention_row(record)
    assert (row["names"], row["region"]) == (["ЦБ", "Москва"], "Самара")


def store(writer: Writer, topic: str, records: Sequence[Record]) -> None:
    batch = Batch("c1", topic, 0, 0, len(records) - 1)
    reading = read([samples.stored(record, offset) for offset, record in enumerate(records)], batch)
    writer.insert(writer.select(reading.entries, batch, resumed=False).entries, batch)


@pytest.mark.integration
def test_stored_and_found(client: Any, writer: Writer) -> None:
    store(writer, topics.SPIKES, [full(1), full(3), samples.spike(1, object_id="vtb")])
    assert client.execute(
        "SELECT severity, value, words.text, `representative.followers`, first_post_at, activation "
        "FROM spikes WHERE object_id = 'sberbank' AND revision = 1"
    ) == [("critical", "vk", ["дважды"], [70, None], samples.START, 4.0)]
    assert client.execute(
        "SELECT status, peak_severity, reach, words, channels, first_post_excerpt FROM spike_explanations "
        "WHERE object_id = 'sberbank'"
    ) == [("resolved", "critical", 2**40, ["дважды"], ["vk:wall"], "Списали дважды")]
    assert client.execute("SELECT resolution, activation FROM spikes WHERE object_id = 'vtb'") == [
        ("1h", None)
    ]
    history = "SELECT toString(resolution) FROM spike_history ORDER BY object_id"
    assert client.execute(history) == [("1d",), ("1h",)], "a view keeps the types that it was made with"


@pytest.mark.integration
def test_the_queries_of_the_docs(client: Any, writer: Writer) -> None:
    store(writer, topics.SPIKES, [full(1)])
    store(writer, topics.MENTIONS, [samples.mention(1).model_copy(update={"region": "Самара"})])
    section = DOCS.read_text(encoding="utf-8").split("## Spikes", 1)[1].split("\n## ", 1)[0]
    queries = [part.split("```", 1)[0].strip() for part in section.split("```sql")[1:]]
    assert len(queries) >= 2
    for query in queries:
        client.execute(query)
