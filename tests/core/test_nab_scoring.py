"""The scorer of the Numenta Anomaly Benchmark: what its description fixes, and a published score."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks import nab
from benchmarks.detectors.nab_scoring import Profile, Series, load, normalised, profiles, raw_score, sigmoid

STANDARD = Profile(1.0, 0.11, 1.0)
DATA = Path(os.environ.get("MOLVA_DATA", Path(__file__).parents[3] / "shared" / "data")) / "nab"


def series(*windows: tuple[int, int]) -> Series:
    return Series("one", np.arange(2000) * 300, np.ones(2000, dtype=np.int64), windows)


ONE = series((1000, 1099))


def test_the_sigmoid_is_that_of_the_paper() -> None:
    assert sigmoid(-1.0) == pytest.approx(0.98661, abs=1e-5)
    assert sigmoid(-0.5) == pytest.approx(0.84828, abs=1e-5)
    assert sigmoid(0.0) == 0.0
    assert sigmoid(3.0) == -1.0


def test_null_is_zero_and_perfect_a_hundred() -> None:
    assert normalised({"one": raw_score(ONE, [], STANDARD)}, [ONE], STANDARD) == 0.0
    assert normalised({"one": raw_score(ONE, [1000], STANDARD)}, [ONE], STANDARD) == pytest.approx(100.0)


def test_only_the_earliest_hit_of_a_window_counts() -> None:
    assert raw_score(ONE, [1010, 1050, 1090], STANDARD) == raw_score(ONE, [1010], STANDARD)


def test_false_alarms_cost_less_just_after_a_window() -> None:
    far, near = raw_score(ONE, [1000, 1900], STANDARD), raw_score(ONE, [1000, 1101], STANDARD)
    assert far == pytest.approx(1.0 - 0.11)
    assert far < near < 1.0


def test_the_first_part_is_not_scored() -> None:
    assert ONE.probation == 300
    assert raw_score(ONE, [10, 299], STANDARD) == raw_score(ONE, [], STANDARD)


@pytest.mark.skipif(not DATA.is_dir(), reason=f"the NAB series are not in {DATA}")
def test_a_published_score_is_reproduced() -> None:
    ours = nab.published(load(DATA), profiles(DATA), DATA)
    assert ours["null"]["ours"] == 0.0
    assert ours["perfect"]["ours"] == 100.0
    found = ours["windowedGaussian"]
    assert {name: round(score, 1) for name, score in found["ours"].items()} == found["published"]
