"""Counts of a CSV: added up, bounded by the period, mistakes named with their line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.backtest.counted_file import count_rows
from pipeline.backtest.counts import Bucket, Counts, Period
from pipeline.core.windows import DAY, HOUR, bucket
from pipeline.detect_file import DetectFileError
from schemas.spike import Resolution
from tests.backtest.past import START, csv, hours


def read(lines: list[str], resolution: Resolution = "1h", period: Period | None = None) -> Counts:
    counts = Counts(resolution, period or Period())
    count_rows(lines, counts, lambda: None)
    return counts


def test_rows_may_come_in_any_order_of_time_and_objects() -> None:
    rows = hours(3)
    forwards = read([*csv("acme", rows), *csv("other", rows)])
    backwards = read([*csv("other", rows[::-1]), *csv("acme", rows[::-1])])
    assert forwards.series() == backwards.series()
    assert [series.name for series in forwards.series()] == ["acme", "other"]


def test_shorter_buckets_are_added_up() -> None:
    lines = [f"acme,2014-07-28T00:{minute:02}Z,1,3\n" for minute in range(0, 60, 5)]
    assert read(lines).series()[0].buckets == (Bucket(START, 12, 36),)
    assert len(read(lines, "5m").series()[0].buckets) == 12


def test_all_objects_are_judged_up_to_the_same_end() -> None:
    counts = read([*csv("acme", hours(3)), *csv("short", hours(1))])
    assert {series.end for series in counts.series()} == {START + 3 * DAY}


def test_the_period_and_its_lead_bound_what_is_read() -> None:
    period = Period(START + 5 * DAY, START + 6 * DAY, lead=2)
    (series,) = read(csv("acme", hours(10)), period=period).series()
    assert series.buckets[0].start == START + 3 * DAY
    assert series.buckets[-1].start == START + 6 * DAY - HOUR
    assert series.end == START + 6 * DAY


def test_only_the_chosen_objects_are_read() -> None:
    counts = Counts("1h", Period(), ["acme"])
    count_rows([*csv("acme", hours(1)), *csv("other", hours(1))], counts, lambda: None)
    assert [series.name for series in counts.series()] == ["acme"]


def test_a_repeated_bucket_is_a_mistake_with_both_lines() -> None:
    lines = [
        "object,bucket,negative,total\n",
        *csv("acme", [(START, 1, 2), (START + HOUR, 1, 2), (START, 1, 2)]),
    ]
    with pytest.raises(
        DetectFileError, match=r"line 4: acme has a row of 2014-07-28T00:00:00Z already, line 2"
    ):
        read(lines)


def test_hourly_counts_at_five_minutes_are_noticed() -> None:
    assert "--resolution 1h" in read(csv("acme", hours(3)), "5m").notes[0]
    assert not read(csv("acme", hours(3))).notes
    days = [(START + DAY * day, 1, 6) for day in range(60)]
    assert "--resolution 1d" in read(csv("acme", days)).notes[0]


@given(
    st.lists(st.tuples(st.integers(0, 20 * DAY), st.integers(0, 9), st.integers(0, 9)), max_size=60),
    st.sampled_from([300, HOUR, DAY]),
)
def test_nothing_is_lost_and_buckets_are_in_order(rows: list[tuple[int, int, int]], step: int) -> None:
    resolutions: dict[int, Resolution] = {300: "5m", HOUR: "1h", DAY: "1d"}
    counts = Counts(resolutions[step], Period())
    for second, negative, others in rows:
        counts.add("acme", START + second, negative, negative + others)
    buckets = [one for series in counts.series() for one in series.buckets]
    assert [one.start for one in buckets] == sorted({bucket(START + row[0], step) for row in rows})
    assert sum(one.negative for one in buckets) == sum(row[1] for row in rows)
    assert sum(one.total for one in buckets) == sum(row[1] + row[2] for row in rows)
