"""The volume-surge signal: what opens it, what does not, and how it ends."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest

from pipeline.core import spikes, volume
from pipeline.core.parameters import parameters
from pipeline.core.spike_state import State
from pipeline.core.volume import VolumeState
from pipeline.core.windows import HOUR

P = parameters("1h")
MONDAY = 1_406_505_600
WEEKS = 3 * 7 * 24


class Judged:
    """Both detectors over hours of neutral talk."""

    def __init__(self) -> None:
        self.learned, self.state, self.hour = State(), VolumeState(), 0
        self.opened: list[int] = []
        self.ended: list[int] = []

    def judge(self, total: int) -> float:
        before, at = self.learned, MONDAY + self.hour * HOUR
        self.learned, _ = spikes.update(P, before, at, total // 5, total)
        was = self.state.opened
        self.state, score = volume.update(P, self.state, before, at, total)
        if was < 0 <= self.state.opened:
            self.opened.append(self.hour)
        if was >= 0 > self.state.opened:
            self.ended.append(self.hour)
        self.hour += 1
        return score


def rhythmic(rng: random.Random) -> Callable[[int], int]:
    """30 mentions an hour by day and 6 by night."""

    def count(hour: int) -> int:
        mean = 30 if 6 <= hour % 24 < 20 else 6
        return sum(rng.random() < 0.1 for _ in range(10 * mean))

    return count


@pytest.fixture(scope="module")
def known() -> tuple[State, VolumeState, int]:
    judged, count = Judged(), rhythmic(random.Random(1))
    for hour in range(WEEKS):
        judged.judge(count(hour))
    assert judged.opened == [], "the daily rhythm is no surge"
    return judged.learned, judged.state, judged.hour


def resumed(known: tuple[State, VolumeState, int]) -> Judged:
    judged = Judged()
    judged.learned, judged.state, judged.hour = known
    return judged


def test_a_surge_opens_and_ends(known: tuple[State, VolumeState, int]) -> None:
    judged, count = resumed(known), rhythmic(random.Random(2))
    for hour in range(12):
        judged.judge(count(hour))
    scores = [judged.judge(160) for _ in range(3)]
    assert max(scores) >= P.volume_open_at
    assert judged.state.total >= 160 > judged.state.expected
    assert judged.state.peak == max(scores)
    for hour in range(15, 30):
        judged.judge(count(hour))
    assert len(judged.opened) == len(judged.ended) == 1
    assert judged.state.idle


def test_few_mentions_are_no_surge(known: tuple[State, VolumeState, int]) -> None:
    judged = resumed(known)
    assert judged.judge(P.least_volume - 1) == 0.0


def test_the_first_week_is_silent() -> None:
    judged = Judged()
    scores = [judged.judge(5) for _ in range(100)] + [judged.judge(500)]
    assert max(scores) == 0.0


def test_the_state_survives_json(known: tuple[State, VolumeState, int]) -> None:
    judged = resumed(known)
    judged.judge(200)
    text = json.dumps(volume.dump(judged.state))
    assert volume.load(json.loads(text)) == judged.state
    assert len(text) < 400
