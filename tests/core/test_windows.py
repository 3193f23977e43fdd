"""Buckets and seconds of event time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.windows import DAY, HOUR, MINUTES_5, bucket, iso, moment, seconds

moments = st.datetimes(datetime(1960, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def test_seconds_of_other_zones_are_those_of_utc() -> None:
    moscow = datetime(2014, 7, 29, 0, 0, tzinfo=timezone(timedelta(hours=3)))
    assert moment(seconds(moscow)) == datetime(2014, 7, 28, 21, 0, tzinfo=UTC)


@given(moments)
def test_seconds_round_down(time: datetime) -> None:
    assert timedelta(0) <= time - moment(seconds(time)) < timedelta(seconds=1)


@given(moments, st.sampled_from([MINUTES_5, HOUR, DAY]))
def test_a_moment_lies_in_its_bucket(time: datetime, step: int) -> None:
    start = bucket(seconds(time), step)
    assert start % step == 0
    assert moment(start) <= time < moment(start + step)


@given(moments)
def test_iso_reads_back(time: datetime) -> None:
    assert seconds(datetime.fromisoformat(iso(seconds(time)))) == seconds(time)
