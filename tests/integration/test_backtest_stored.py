"""Counts for a backtest from a real ClickHouse: the public's mentions, as the rollups hold them."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from pipeline.backtest.counts import Counts, Period
from pipeline.backtest.stored import count_stored, timelines
from pipeline.core.windows import DAY, HOUR, bucket, moment, seconds
from pipeline.settings import Settings
from pipeline.sink.clickhouse import connect
from pipeline.sink.migrations import migrate
from schemas.spike import Resolution
from tests.sink.samples import START

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

COLUMNS = "object_id, object_kind, timeline, post_id, created_at, source, kind, label, own"
LABELS = ("negative", "neutral", "positive")
FIRST = seconds(START)


def mention(number: int) -> dict[str, Any]:
    return {
        "object_id": "sberbank" if number % 3 else "vtb",
        "object_kind": "brand",
        "timeline": "replay:old.jsonl" if number % 11 == 0 else "live",
        "post_id": f"twitter:{number}",
        "created_at": START + timedelta(minutes=7 * number),
        "source": ("twitter", "vk")[number % 2],
        "kind": "post",
        "label": LABELS[number % len(LABELS) if number % 4 else 0],
        "own": number % 13 == 0,
    }


ROWS = [mention(number) for number in range(900)]


@pytest.fixture(scope="module")
def client(stack: Any) -> Iterator[Any]:
    settings = stack.info.settings(Settings()).model_copy(
        update={"clickhouse_database": f"t_{uuid.uuid4().hex}"}
    )
    with connect(settings, database="default") as bare:
        migrate(bare, settings.clickhouse_database)
    with connect(settings) as connected:
        connected.execute(f"INSERT INTO mentions ({COLUMNS}) VALUES", ROWS)
        yield connected


def stored(client: Any, counts: Counts, timeline: str = "live") -> dict[tuple[str, int], tuple[int, int]]:
    count_stored(client, counts, timeline, lambda: None)
    return {(s.name, one.start): (one.negative, one.total) for s in counts.series() for one in s.buckets}


def expected(wanted: Callable[[dict[str, Any]], bool], step: int) -> dict[tuple[str, int], tuple[int, int]]:
    negatives: Counter[tuple[str, int]] = Counter()
    totals: Counter[tuple[str, int]] = Counter()
    for row in ROWS:
        if wanted(row) and not row["own"]:
            cell = (row["object_id"], bucket(seconds(row["created_at"]), step))
            totals[cell] += 1
            negatives[cell] += row["label"] == "negative"
    return {cell: (negatives[cell], total) for cell, total in totals.items()}


@pytest.mark.parametrize(("resolution", "step"), [("5m", 300), ("1h", HOUR), ("1d", DAY)])
def test_every_bucket_is_what_was_stored_without_own_posts(
    client: Any, resolution: Resolution, step: int
) -> None:
    found = stored(client, Counts(resolution, Period()))
    assert found == expected(lambda row: row["timeline"] == "live", step)
    assert len(found) > 2


def test_period_objects_and_timeline_choose(client: Any) -> None:
    since = bucket(FIRST, HOUR) + 30 * HOUR
    period = Period(since, since + 10 * HOUR, lead=0)
    found = stored(client, Counts("1h", period, ["vtb"]))
    inside = (moment(since), moment(since + 10 * HOUR))
    assert found == expected(
        lambda row: (
            row["object_id"] == "vtb"
            and row["timeline"] == "live"
            and inside[0] <= row["created_at"] < inside[1]
        ),
        HOUR,
    )
    old = stored(client, Counts("1h", Period()), "replay:old.jsonl")
    assert old == expected(lambda row: row["timeline"] == "replay:old.jsonl", HOUR)


def test_the_lead_is_read_too(client: Any) -> None:
    since = bucket(FIRST, DAY) + 2 * DAY
    with_lead = stored(client, Counts("1d", Period(since, None, lead=1)))
    without = stored(client, Counts("1d", Period(since, None, lead=0)))
    assert min(start for _, start in with_lead) == since - DAY
    assert min(start for _, start in without) == since


def test_the_timelines_are_named_the_largest_first(client: Any) -> None:
    assert timelines(client) == ["live", "replay:old.jsonl"]
    assert not stored(client, Counts("1h", Period()), "replay:no-such.jsonl")
