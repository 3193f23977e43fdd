"""An object's past: what its record holds, who learns it, and that nothing is told of it or counted twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.core.baselines import Cells, baseline, outlook
from pipeline.core.detection import PARAMETERS, PartitionDetector
from pipeline.core.windows import DAY, HOUR, MINUTES_5, moment, seconds
from schemas import Baseline, Spike
from schemas.baseline import BaselineCounts
from schemas.codec import decode, encode
from tests.core.detection_log import IDLE, START, mention, watermark

NOW = datetime(2014, 8, 1, tzinfo=UTC)
T0 = seconds(START)


def real(**options: Any) -> PartitionDetector:
    """A detector as in production: a day of warm-up, a week at 1d."""
    return PartitionDetector(0, "c1", source_idle=IDLE, **options)


def cells(days: int, until: int = T0, negative: int = 1, each: int = 5) -> Cells:
    """Half-hourly buckets of ``each`` mentions on the days before ``until``."""
    return dict.fromkeys(range(until - days * DAY, until, 6 * MINUTES_5), (negative, each))


def past(days: int = 10, until: int = T0, at: datetime = NOW, **shape: int) -> Baseline:
    return baseline("acme", "brand", "live", cells(days, until, **shape), until - days * DAY, until, at)


def burst(subject: PartitionDetector, minute: int = 30, first: int = 10_000) -> list[Spike]:
    for n in range(30):
        subject.absorb(mention(minute + n / 10, first + n))
    return subject.advance(watermark(minute + 10, first + 500), NOW)


def live(subject: PartitionDetector, minutes: int, first: int = 0) -> list[Spike]:
    """A mention every ten minutes, one in five negative."""
    for n in range(first // 10, minutes // 10):
        subject.absorb(mention(10 * n, n, label="negative" if n % 5 == 0 else "neutral"))
    return subject.advance(watermark(minutes, 9_000 + minutes), NOW)


def test_a_record_holds_whole_buckets_summed_per_resolution() -> None:
    half_past = T0 + 30 * 60
    record = baseline("acme", "brand", "live", cells(2, half_past), half_past - 2 * DAY, half_past, NOW)
    found = {series.resolution: series for series in record.counts}
    assert found["5m"].buckets[:2] == ((0, 1, 5), (6, 1, 5))
    assert (found["1h"].since, found["1h"].until) == (START - timedelta(days=2) + timedelta(hours=1), START)
    assert found["1h"].buckets[0] == (0, 2, 10)
    assert [(series.since, series.until) for series in [found["1d"]]] == [(START - timedelta(days=1), START)]
    assert found["1d"].buckets == ((0, 48, 240),)
    assert decode(Baseline, encode(record).value) == record


def test_long_ago_is_left_out_of_the_short_resolutions() -> None:
    found = {series.resolution: series for series in past(days=390).counts}
    days = {name: (series.until - series.since).days for name, series in found.items()}
    assert days == {"5m": 28, "1h": 84, "1d": 366}
    assert len(encode(past(days=390)).value) < 100_000


COUNTS = {"resolution": "1h", "since": START, "until": START + timedelta(hours=3), "buckets": [[0, 1, 2]]}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"since": START + timedelta(minutes=5)}, "whole buckets of 1h"),
        ({"until": START}, "after since"),
        ({"until": START + timedelta(days=401)}, "at most 400 days"),
        ({"buckets": [[1, 0, 1], [1, 0, 1]]}, "time order"),
        ({"buckets": [[3, 0, 1]]}, "after until"),
        ({"buckets": [[0, 2, 1]]}, "more negatives"),
        ({"buckets": [[-1, 0, 1]]}, "greater than or equal to 0"),
    ],
)
def test_impossible_counts_are_refused(change: dict[str, Any], problem: str) -> None:
    BaselineCounts.model_validate(COUNTS)
    with pytest.raises(ValidationError, match=problem):
        BaselineCounts.model_validate(COUNTS | change)


def test_a_baseline_is_of_the_past_and_has_each_resolution_once() -> None:
    with pytest.raises(ValidationError, match="after the baseline was made"):
        past(at=START - timedelta(minutes=1))
    record = past().model_dump()
    with pytest.raises(ValidationError, match="twice"):
        Baseline.model_validate(record | {"counts": [record["counts"][0]] * 2})


def test_with_its_past_a_new_object_is_judged_in_its_first_hour() -> None:
    assert burst(real()) == []
    subject = real()
    assert subject.learn(past()) == {"5m": "learned", "1h": "learned", "1d": "learned"}
    (spike,) = burst(subject)
    assert (spike.resolution, spike.signal, spike.negatives) == ("5m", "negativity", 30)
    assert spike.expected_negatives < 5


def test_an_outlook_is_the_usual_of_the_past() -> None:
    found = {each.resolution: each for each in outlook(past(), PARAMETERS)}
    assert all(each.ready for each in found.values())
    assert found["1h"].per_hour == pytest.approx(10, rel=0.1)
    assert found["1d"].per_hour == pytest.approx(10, rel=0.1)
    assert found["1h"].share == pytest.approx(0.2, abs=0.03)
    assert not outlook(past(days=5), PARAMETERS)[2].ready, "a week is the warm-up at 1d"


def test_an_incident_of_the_past_is_not_told() -> None:
    subject = real()
    wild = dict(cells(10)) | {T0 - MINUTES_5 * n: (80, 90) for n in range(1, 13)}
    subject.learn(baseline("acme", "brand", "live", wild, T0 - 10 * DAY, T0, NOW))
    assert live(subject, 120) == []


def test_a_redelivery_changes_nothing() -> None:
    subject = real()
    subject.learn(past())
    (state,) = subject.changed()
    assert set(subject.learn(past()).values()) == {"repeated"}
    assert subject.changed() == []
    again = real()
    again.load([state])
    assert set(again.learn(past()).values()) == {"repeated"}
    live(again, 60)
    assert set(again.learn(past()).values()) == {"repeated"}


def test_young_tracks_start_anew_and_older_ones_keep_what_they_know() -> None:
    subject = real()
    live(subject, 20 * 60)
    assert subject.learn(past()) == {"5m": "learned", "1h": "learned", "1d": "learned"}
    older = real()
    live(older, 2 * 24 * 60 + 60)
    before = dict(older.changed())
    assert older.learn(past()) == {"5m": "old", "1h": "old", "1d": "learned"}
    assert older.changed() != []
    eldest = real()
    live(eldest, 9 * 24 * 60)
    eldest.changed()
    assert set(eldest.learn(past()).values()) == {"old"}
    assert eldest.changed() == []
    assert before


def test_a_better_baseline_may_follow_within_the_warm_up() -> None:
    subject = real()
    subject.learn(past(negative=0))
    live(subject, 120)
    assert set(subject.learn(past(at=NOW + timedelta(hours=1))).values()) == {"learned"}
    live(subject, 30 * 60, first=120)
    later = subject.learn(past(at=NOW + timedelta(hours=2)))
    assert later == {"5m": "old", "1h": "old", "1d": "learned"}


def test_while_a_spike_is_open_its_tracks_stay() -> None:
    subject = real()
    subject.learn(past())
    (spike,) = burst(subject)
    assert subject.learn(past(at=NOW + timedelta(hours=1)))["5m"] == "open"
    later = subject.advance(watermark(6 * 60, 20_000), NOW)
    assert [(each.id, each.status) for each in later if each.resolution == "5m"] == [(spike.id, "resolved")]


def test_what_was_learned_is_not_judged_when_it_comes_again() -> None:
    """The posts of the past are collected again, as after a crash of the embedded broker."""
    subject = real()
    subject.learn(past())
    assert subject.absorb(mention(-2000, 1)) == "late"
    assert subject.absorb(mention(-0.1, 2)) == "late"
    assert subject.absorb(mention(0, 3)) == "counted"
    halfway = real()
    halfway.learn(past(until=T0 + HOUR + 30 * 60))
    assert halfway.absorb(mention(70, 1)) == "behind", "its hour is not learned, so it is judged"


def test_what_is_still_to_be_judged_is_not_learned() -> None:
    """The period of the baseline reaches into buckets that live detection has not closed yet."""
    subject = real()
    subject.absorb(mention(30, 1))
    loud = dict(cells(10)) | {T0 + 30 * 60: (200, 200)}
    subject.learn(baseline("acme", "brand", "live", loud, T0 - 10 * DAY, T0 + HOUR, NOW))
    quiet = real()
    quiet.absorb(mention(30, 1))
    quiet.learn(baseline("acme", "brand", "live", cells(10), T0 - 10 * DAY, T0 + HOUR, NOW))
    assert subject.changed() == quiet.changed()


def test_a_baseline_that_ends_after_live_judging_began_is_empty() -> None:
    subject = real()
    subject.absorb(mention(30, 1))
    record = baseline("acme", "brand", "live", {T0 + HOUR: (0, 1)}, T0 + HOUR, T0 + 2 * HOUR, NOW)
    assert set(subject.learn(record).values()) == {"empty"}
    assert moment(T0) == START


def test_timelines_and_objects_are_apart() -> None:
    subject = real()
    subject.learn(past().model_copy(update={"timeline": "replay:x"}))
    assert burst(subject) == []
    subject.learn(past().model_copy(update={"object_id": "other"}))
    assert burst(subject, minute=60, first=30_000) == []
