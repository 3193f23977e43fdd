"""Surprise at a silence: night lulls and shifted rhythms surprise nobody, a dead source does."""

from __future__ import annotations

import json
import math
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.source_silence import LOUD, STEP, Silence, closed, dump, load, steadiness, surprise

DAY = 86_400
MONDAY = 4 * DAY - 3 * 3600
"""1970-01-05 00:00 in Moscow."""


def hour_of(second: int) -> int:
    """The hour of the day in Moscow."""
    return (second - MONDAY) % DAY // 3600


def busy_by_day(chance: random.Random, second: int, *, share: float, shift: int = 0) -> bool:
    """A source that posts from 8 to 23 o'clock, and hardly at night."""
    awake = 8 <= hour_of(second + shift * 3600) < 23
    return chance.random() < (share if awake else 0.002)


def lived(days: int, *, share: float = 0.6, seed: int = 1) -> Silence:
    """The state after so many days from a Monday on."""
    chance, state = random.Random(seed), Silence()
    for second in range(MONDAY, MONDAY + days * DAY, STEP):
        state = closed(state, second, busy_by_day(chance, second, share=share))
    return state


def silent_until_loud(state: Silence) -> float:
    """Hours of silence until it is worth an alert."""
    buckets = 0
    while surprise(state) <= LOUD:
        state = closed(state, state.bucket + STEP, False)
        buckets += 1
    return buckets * STEP / 3600


def test_a_dead_source_is_found_within_hours_by_day_and_in_the_morning_after_a_night() -> None:
    after_midnight = lived(15)
    assert 8 < silent_until_loud(after_midnight) < 13  # it began at 0 o'clock, and posts come from 8 on
    noon = after_midnight
    chance = random.Random(2)
    for second in range(noon.bucket + STEP, noon.bucket + STEP + 12 * 3600, STEP):
        noon = closed(noon, second, busy_by_day(chance, second, share=0.6))
    assert silent_until_loud(noon) < 3


def test_a_busier_source_is_missed_sooner() -> None:
    assert silent_until_loud(lived(15, share=0.9)) < silent_until_loud(lived(15, share=0.2))


@pytest.mark.parametrize("shift", [0, 1, -1])
def test_nights_and_a_rhythm_that_shifts_by_an_hour_surprise_nobody(shift: int) -> None:
    state, chance, worst = lived(15), random.Random(3), 0.0
    for second in range(state.bucket + STEP, state.bucket + STEP + 7 * DAY, STEP):
        state = closed(state, second, busy_by_day(chance, second, share=0.6, shift=shift))
        worst = max(worst, surprise(state))
    assert worst < LOUD


def test_a_first_day_and_an_hour_never_seen_prove_nothing() -> None:
    state = Silence()
    for index in range(200):
        state = closed(state, MONDAY + index * STEP, True)
    assert surprise(closed(state, MONDAY + 200 * STEP, False)) == 0
    workdays = lived(5)
    saturday = workdays
    for index in range(1, 288):
        saturday = closed(saturday, workdays.bucket + index * STEP, False)
    assert surprise(saturday) == surprise(workdays)


def test_a_source_that_comes_in_fits_and_starts_is_given_more_time() -> None:
    fits, chance = Silence(), random.Random(5)
    for day in range(28):
        lively = chance.random() < 0.5
        for second in range(MONDAY + day * DAY, MONDAY + (day + 1) * DAY, STEP):
            fits = closed(fits, second, chance.random() < (0.3 if lively else 0.02))
    even = Silence()
    for second in range(MONDAY, MONDAY + 28 * DAY, STEP):
        even = closed(even, second, chance.random() < 0.16)
    assert steadiness(fits) < 3 < 20 < steadiness(even)
    assert silent_until_loud(fits) > 2 * silent_until_loud(even)


def test_an_outage_is_not_learned_but_three_silent_days_are() -> None:
    before = lived(15)
    state = before
    for _ in range(2 * 288):
        state = closed(state, state.bucket + STEP, False)
    assert sum(state.posted) > 0.8 * sum(before.posted)
    for _ in range(20 * 288):
        state = closed(state, state.bucket + STEP, False)
    assert sum(state.posted) < 0.7 * sum(before.posted)


@settings(max_examples=60, deadline=None)
@given(
    days=st.integers(0, 3),
    share=st.floats(0.0, 1.0),
    gaps=st.lists(st.integers(1, 400), max_size=30),
    seed=st.integers(0, 99),
)
def test_a_silence_never_grows_less_surprising_and_a_post_ends_it(
    days: int, share: float, gaps: list[int], seed: int
) -> None:
    state = lived(days, share=share, seed=seed)
    seen = [surprise(state)]
    bucket = max(state.bucket, MONDAY)
    for gap in gaps:
        bucket += gap * STEP
        state = closed(state, bucket, False)
        seen.append(surprise(state))
    assert all(0 <= before <= after < math.inf for before, after in pairwise(seen))
    assert load(json.loads(json.dumps(dump(state))))._replace(posted=(), seen=()) == state._replace(
        posted=(), seen=()
    )
    assert surprise(closed(state, bucket + STEP, True)) == 0


def test_the_state_is_small_and_comes_back() -> None:
    state = lived(15)
    document = json.dumps(dump(state))
    assert len(document) < 2048
    assert surprise(load(json.loads(document))) == pytest.approx(surprise(state), abs=1e-3)


@pytest.mark.parametrize("document", [[], [1], 3, [0, [1.0], [1.0], 0, 0, [0, 0], [0, 0, 0]], [None] * 7])
def test_what_is_no_state_is_refused(document: list[object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        load(document)
