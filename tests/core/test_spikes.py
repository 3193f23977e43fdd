"""The detector as a pure function: what it opens on, what it does not, how it resolves, what it keeps."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from math import exp, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.parameters import Parameters, parameters
from pipeline.core.seasonality import FLAT, factor, learn, slot
from pipeline.core.spike_state import Block, State, dump, load, seeded
from pipeline.core.spikes import evidence, interval, run_interval, update
from pipeline.core.windows import DAY, HOUR

HOURLY = parameters("1h")
FIVE = parameters("5m")
DAILY = parameters("1d")
MONDAY = 1_406_505_600  # 2014-07-28T00:00:00Z
Counts = tuple[int, int]


def judge(p: Parameters, counts: Iterable[Counts], state: State | None = None) -> tuple[State, list[float]]:
    state, scores = state or State(), []
    for i, (negative, total) in enumerate(counts, state.age):
        state, score = update(p, state, MONDAY + i * p.step, negative, total)
        scores.append(score)
    return state, scores


def calm(hours: int, seed: int = 1) -> list[Counts]:
    rng = random.Random(seed)
    rows = [(sum(rng.random() < 0.1 for _ in range(10)), rng.randint(2, 8)) for _ in range(hours)]
    return [(negative, negative + others) for negative, others in rows]


@pytest.fixture(scope="module")
def known() -> State:
    state, scores = judge(HOURLY, calm(24 * 5))
    assert max(scores) < 12
    return state


def test_a_burst_of_negatives_opens(known: State) -> None:
    after, scores = judge(HOURLY, [(20, 25)], known)
    assert scores[0] >= 12
    assert after.opened == MONDAY + known.age * HOUR
    assert after.run.negatives >= 20 > 5 > after.run.expected


def test_a_launch_that_lifts_all_talk_does_not_open(known: State) -> None:
    after, _ = judge(HOURLY, [(5, 45), (6, 50), (5, 48), (4, 40)], known)
    assert after.opened == -1


def test_a_few_negatives_never_open(known: State) -> None:
    after, scores = judge(HOURLY, [(4, 4)], known._replace(cusum=0.0))
    assert after.opened == -1
    assert scores == [0.0]


def test_nothing_opens_on_the_first_day() -> None:
    state, scores = judge(HOURLY, [(0, 3)] * 12 + [(60, 60)] * 12)
    assert state.opened == -1
    assert scores == [0.0] * 24


def test_a_seeded_object_has_no_first_day() -> None:
    state, _ = judge(HOURLY, [(1, 5), (25, 30)], seeded(HOURLY, negative=1.0, total=5.0))
    assert state.opened >= 0


def test_a_spike_resolves_once_and_soon(known: State) -> None:
    wave = [(30, 35), (25, 30), (20, 25), (12, 15)]
    state, resolved = known, []
    for i, counts in enumerate(wave + calm(48, seed=2)):
        before = state
        state, _ = judge(HOURLY, [counts], state)
        if before.opened >= 0 > state.opened:
            resolved.append(i - len(wave) + 1)
            assert state.run.negatives >= 87, "the run of a spike that has just resolved can still be told"
    assert len(resolved) == 1
    assert HOURLY.hold <= resolved[0] <= 12


def test_a_spike_that_lasts_becomes_the_new_normal() -> None:
    state, _ = judge(HOURLY, calm(24 * 5))
    state, _ = judge(HOURLY, [(20, 25)] * 24 * 14, state)
    assert state.opened == -1


def test_a_silent_source_is_not_a_calm_object() -> None:
    state, _ = judge(HOURLY, [(1, 6)] * 24 * 5)
    opened, _ = judge(HOURLY, [(30, 36)], state)
    silent, scores = judge(HOURLY, [(0, 0)] * 8, opened)
    assert silent.opened == opened.opened, "nobody knows that it is over"
    assert scores[-1] == 0.0
    assert 0.0 < silent.cusum < opened.cusum
    lost, _ = judge(HOURLY, [(0, 0)] * 24, silent)
    assert lost.opened == -1


def test_a_dormant_state_stands_still() -> None:
    state, _ = judge(HOURLY, [*calm(48), *[(0, 0)] * HOURLY.dormant])
    assert update(HOURLY, state, MONDAY, 0, 0) == (state, 0.0)
    assert state.idle


def test_a_quiet_firm_with_a_bad_day_is_found() -> None:
    state, _ = judge(HOURLY, [(0, 1 if i % 10 == 0 else 0) for i in range(24 * 10)])
    state, _ = judge(HOURLY, [(1, 1), (2, 2), (2, 2), (3, 3), (3, 3), (2, 2), (3, 3)], state)
    assert state.opened >= 0


counts = st.tuples(st.integers(0, 300), st.integers(0, 300)).map(lambda c: (c[0], c[0] + c[1]))


@settings(deadline=None)
@given(
    st.lists(st.one_of(st.just((0, 0)), counts), min_size=30, max_size=80), st.sampled_from([FIVE, HOURLY])
)
def test_any_counts_give_a_bounded_score_and_a_state_that_survives_json(
    rows: list[Counts], p: Parameters
) -> None:
    p = parameters("1h", warm_up=5) if p is HOURLY else parameters("5m", warm_up=5)
    state = State()
    for i, (negative, total) in enumerate(rows):
        state, score = update(p, state, MONDAY + i * p.step, negative, total)
        assert 0.0 <= score <= p.ceiling
        assert load(json.loads(json.dumps(dump(state)))) == state


@given(st.lists(counts, min_size=1, max_size=40), st.integers(0, 40))
def test_the_state_is_all_there_is(rows: list[Counts], cut: int) -> None:
    whole = judge(HOURLY, rows)[0]
    half = judge(HOURLY, rows[:cut])[0]
    assert judge(HOURLY, rows[cut:], load(json.loads(json.dumps(dump(half)))))[0] == whole


def test_a_state_takes_less_than_two_kilobytes() -> None:
    rng = random.Random(3)
    state, _ = judge(FIVE, [(rng.randint(0, 400), 400 + rng.randint(0, 900)) for _ in range(12 * 24 * 8)])
    assert len(json.dumps(dump(state), separators=(",", ":"))) < 2048


def test_slots_are_hours_of_moscow() -> None:
    assert slot(MONDAY) == 3
    assert slot(MONDAY - 4 * HOUR) == 24 + 23
    assert slot(MONDAY + 5 * DAY - 3 * HOUR) == 24


def test_the_rhythm_is_one_until_it_is_learned() -> None:
    assert factor(FLAT, MONDAY, 300, 10.0) == 1.0


def test_a_busy_hour_is_learned_and_fades_into_its_neighbours() -> None:
    rhythm = FLAT
    for _ in range(50):
        rhythm = learn(rhythm, MONDAY, 300, 0.99, 30.0, 10.0)
    middle = factor(rhythm, MONDAY + 25 * 60, 600, 10.0)
    assert 2.5 < middle < 3.0
    assert 1.0 < factor(rhythm, MONDAY + HOUR, 600, 10.0) < middle
    assert factor(rhythm, MONDAY + HOUR + 25 * 60, 600, 10.0) == 1.0


def test_a_state_of_the_version_before_loads(known: State) -> None:
    values = json.loads(json.dumps(dump(known)))
    values[4] = values[4][:9]  # without the noise that lasts
    values[9] = values[9][:8]  # a run without its spread
    old = load(values[:13])  # without the block
    assert old.learned[:9] == known.learned[:9]
    assert judge(HOURLY, [(30, 36)], old)[0].opened >= 0


def test_ten_angry_reviews_in_a_day_are_found_at_one_day() -> None:
    weeks = [(1 if day % 3 == 0 else 0, 3 if day % 7 < 5 else 1) for day in range(42)]
    state, scores = judge(DAILY, weeks)
    assert max(scores) < DAILY.open_at
    state, scores = judge(DAILY, [(10, 12)], state)
    assert state.opened >= 0
    state, _ = judge(DAILY, [(0, 3), (1, 3), (0, 3), (0, 2)], state)
    assert state.opened == -1


def test_days_know_weekends() -> None:
    """Monday 1970-01-05 is a workday and the Saturday after it is not."""
    rhythm = FLAT
    for week in range(30):
        for day in range(7):
            at = 4 * DAY + (week * 7 + day) * DAY
            rhythm = learn(rhythm, at, DAY, 0.95, 20.0 if day >= 5 else 100.0, 80.0)
    assert factor(rhythm, 4 * DAY, DAY, 10.0) > 1.1
    assert factor(rhythm, 9 * DAY, DAY, 10.0) < 0.5


@pytest.mark.parametrize("seed", [1, 2])
def test_noise_of_the_share_that_lasts_is_learned_and_opens_little(seed: int) -> None:
    """Negatives per bucket with a log share of sd .3 and a memory of half an hour; four weeks."""
    rng, off, counts = random.Random(seed), 0.0, []
    for _ in range(4 * 7 * 288):
        off = 0.85 * off + rng.gauss(0.0, 0.3 * sqrt(1 - 0.85**2))
        mean = 20 * exp(off)
        negative = max(0, round(rng.gauss(mean, sqrt(mean))))
        counts.append((negative, negative + max(0, round(rng.gauss(60, 8)))))
    state, opened = State(), 0
    for i, (negative, total) in enumerate(counts):
        before = state.opened
        state, _ = update(FIVE, state, MONDAY + i * 300, negative, total)
        opened += i >= 7 * 288 and before < 0 <= state.opened
    assert opened <= 2


def test_the_first_hours_of_a_rise_do_not_pass_for_noise() -> None:
    """More than twice as many for two hours, too little to open: a tenth of it is believed by then."""
    state, _ = judge(FIVE, [(2, 10)] * 576)
    slow, _ = judge(FIVE, [(5, 13)] * 24, state)
    quick, _ = judge(parameters("5m", believed=1.0), [(5, 13)] * 24, state)
    assert slow.opened == quick.opened == -1
    before = state.learned.excess_run
    assert 0.0 < 10.0 * (slow.learned.excess_run - before) < quick.learned.excess_run - before
    assert slow.block.excess > 0.0 and slow.block.weight > 0.0


def test_what_a_spike_taught_of_noise_is_forgotten_when_it_opens() -> None:
    state, _ = judge(FIVE, [(2, 10)] * 576)
    open_, _ = judge(FIVE, [(4, 12)] * 24 + [(40, 48)] * 3, state)
    assert open_.opened >= 0
    assert judge(FIVE, [(40, 48)], open_)[0].block == Block()


def test_an_object_without_noise_that_lasts_is_judged_by_the_cusum_alone() -> None:
    state, _ = judge(FIVE, [(2, 10)] * 576)
    noisy = state._replace(learned=state.learned._replace(excess_run=5.0, weight_run=100.0))
    assert judge(FIVE, [(9, 18)] * 4, state)[0].opened >= 0
    assert judge(FIVE, [(9, 18)] * 4, noisy)[0].opened == -1


def test_evidence_is_zero_for_nothing_and_grows_with_the_count() -> None:
    assert evidence(0, 0.0, 0.2) == 0.0
    assert evidence(2, 3.0, 0.2) < 0.0 < evidence(20, 3.0, 0.2) < evidence(30, 3.0, 0.2)


@pytest.mark.parametrize(
    ("expected", "spread", "bounds"),
    [
        (0.0, 0.2, (0, 0)),
        (0.01, 0.0, (0, 0)),
        (3.0, 0.0, (0, 7)),
        (10.0, 0.1, (2, 21)),
        (1000.0, 0.0, (939, 1063)),
    ],
)
def test_the_interval_holds_ninety_five_in_a_hundred(
    expected: float, spread: float, bounds: tuple[int, int]
) -> None:
    low, high = interval(expected, spread)
    assert abs(low - bounds[0]) <= 1
    assert abs(high - bounds[1]) <= 1


@given(st.floats(0, 5000), st.floats(0, 3))
def test_an_interval_is_one(expected: float, spread: float) -> None:
    low, high = interval(expected, spread)
    assert 0.0 <= low <= high
    assert high >= expected - 1 or spread > 0.5


def test_the_interval_of_a_run(known: State) -> None:
    state, _ = judge(HOURLY, [(20, 25)], known)
    low, high = run_interval(state)
    assert 0.0 <= low <= state.run.expected <= high < 20.0
