"""The suggested threshold: how many peaks of the past would have passed it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.sensitivity import DEFAULT, HIGHEST, LOWEST, peaks, suggest


def exponential_peaks(days: int, per_day: int, scale: float, seed: int) -> list[float]:
    """Peaks every ``24 // per_day`` hours of hourly scores, each a bucket long."""
    rng = random.Random(seed)
    return [rng.expovariate(1 / scale) if hour % (24 // per_day) == 0 else 0.0 for hour in range(24 * days)]


def test_a_stretch_above_zero_is_one_peak() -> None:
    assert peaks([0, 1, 3, 2, 0, 0, 0, 5, 0, 4], apart=1) == [3, 5]
    assert peaks([], apart=1) == []


@pytest.mark.parametrize("scale", [2.0, 3.5])
def test_about_one_peak_a_month_passes_the_suggestion(scale: float) -> None:
    past = exponential_peaks(days=120, per_day=6, scale=scale, seed=1)
    threshold = suggest(past, 24)
    future = exponential_peaks(days=3000, per_day=6, scale=scale, seed=2)
    assert 0.4 < sum(score >= threshold for score in future) / 100 < 2.5


def test_real_incidents_do_not_make_the_object_deaf() -> None:
    past = exponential_peaks(days=90, per_day=6, scale=2.0, seed=3)
    with_incidents = [*past, 50.0, 0.0, 0.0, 48.0, 0.0, 0.0, 50.0]
    assert abs(suggest(with_incidents, 24) - suggest(past, 24)) < 1.0


def test_a_rarer_alarm_needs_a_higher_threshold() -> None:
    past = exponential_peaks(days=90, per_day=6, scale=3.0, seed=4)
    assert suggest(past, 24, per_days=90) > suggest(past, 24, per_days=30) > suggest(past, 24, per_days=7)


def test_a_history_of_a_week_is_extrapolated() -> None:
    past = exponential_peaks(days=7, per_day=12, scale=3.0, seed=5)
    assert suggest(past, 24) > max(LOWEST, sorted(past)[-4])


def test_little_is_known_of_a_quiet_object() -> None:
    assert suggest([0.0] * 500 + [9.0], 24) == DEFAULT
    assert suggest([], 288) == DEFAULT


@pytest.mark.parametrize(("buckets_per_day", "per_days"), [(0, 30.0), (24, 0.0), (24, -1.0)])
def test_senseless_arguments_are_refused(buckets_per_day: int, per_days: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        suggest([1.0], buckets_per_day, per_days)


@given(st.lists(st.floats(0, 50), max_size=300), st.sampled_from([1, 24, 288]))
def test_the_suggestion_is_always_usable(scores: list[float], buckets_per_day: int) -> None:
    assert LOWEST <= suggest(scores, buckets_per_day) <= HIGHEST
