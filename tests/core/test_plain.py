"""Plain counts: the threshold is learned from the series, and a new spike opens at most once a day."""

from __future__ import annotations

import random

from pipeline.core.plain import REST, PlainState, plain_parameters, update
from pipeline.core.windows import HOUR

P = plain_parameters("1h")
MONDAY = 1_406_505_600


def openings(counts: list[int]) -> tuple[list[int], list[float]]:
    """Hours in which a spike opens, and all scores."""
    state, found, scores = PlainState(), [], []
    for hour, count in enumerate(counts):
        before = state.opened
        state, score = update(P, state, MONDAY + hour * HOUR, count)
        scores.append(score)
        if before < 0 <= state.opened:
            found.append(hour)
    return found, scores


def calm(hours: int, seed: int = 1) -> list[int]:
    rng = random.Random(seed)
    return [sum(rng.random() < 0.5 for _ in range(20)) for _ in range(hours)]


def test_a_burst_opens_where_the_score_says_so() -> None:
    found, scores = openings([*calm(96), 120, 130, *calm(24, seed=2)])
    assert found == [hour for hour, score in enumerate(scores) if score >= P.open_at] == [96]


def test_after_an_opening_the_score_rests_for_a_day() -> None:
    _, scores = openings([*calm(96), *[120] * 3, *calm(40, seed=2)])
    assert scores[97 : 96 + REST // HOUR] == [0.0] * 23


def test_a_series_that_often_bursts_needs_more_to_be_loud() -> None:
    often = [count for day in range(8) for count in (*calm(36, seed=day), 200, 150)]
    calmer = calm(len(often), seed=9)
    probe = [55, 45, *calm(6, seed=10)]
    rest = calm(30, seed=11)
    assert len(often) in openings([*calmer[:-30], *rest, *probe])[0]
    assert not [hour for hour in openings([*often[:-30], *rest, *probe])[0] if hour >= len(often)]
