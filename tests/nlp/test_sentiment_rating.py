"""The stars of a review beside what its text says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.nlp.stars import LIKELIHOOD, with_rating
from pipeline.nlp.tiers import LABELS


def after(probabilities: list[float], stars: int | None) -> str:
    return LABELS[int(with_rating(np.array(probabilities, np.float32), stars).argmax())]


@pytest.mark.parametrize(
    ("probabilities", "stars", "label"),
    [
        ([0.01, 0.01, 0.98], 1, "negative"),
        ([0.05, 0.05, 0.90], 2, "negative"),
        ([0.90, 0.05, 0.05], 5, "positive"),
        ([0.98, 0.01, 0.01], 5, "negative"),
        ([0.1, 0.7, 0.2], 5, "positive"),
        ([0.1, 0.8, 0.1], 3, "neutral"),
        ([0.2, 0.1, 0.7], None, "positive"),
    ],
)
def test_verdicts(probabilities: list[float], stars: int | None, label: str) -> None:
    assert after(probabilities, stars) == label


def test_no_stars_change_nothing() -> None:
    rows = np.array([[0.2, 0.3, 0.5]], np.float32)
    assert with_rating(rows, None) is rows


def test_each_sentiment_gives_some_number_of_stars() -> None:
    assert np.sum(list(LIKELIHOOD.values()), axis=0) == pytest.approx([1, 1, 1])


@pytest.mark.parametrize("stars", [0, 6, -1])
def test_other_numbers_are_refused(stars: int) -> None:
    with pytest.raises(ValueError, match="1 to 5"):
        with_rating(np.ones(3, np.float32) / 3, stars)


@given(st.lists(st.floats(0.01, 1), min_size=3, max_size=3))
def test_more_stars_are_never_worse(raw: list[float]) -> None:
    rows = np.array([raw], np.float32) / sum(raw)
    found = np.concatenate([with_rating(rows, stars) for stars in range(1, 6)])
    assert found.sum(axis=1) == pytest.approx(np.ones(5), abs=1e-5)
    balance = found[:, 2] / found[:, 0]
    assert (np.diff(balance) > 0).all()
