"""The measures of ``molva eval`` against scikit-learn and numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from pipeline.nlp.scoring.bootstrap import by_near_duplicates, interval, numbered, replicates
from pipeline.nlp.scoring.calibration import calibration
from pipeline.nlp.scoring.classification import (
    confusion,
    confusion_by_group,
    measures,
    ratio,
    rounded,
)

PAIRS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 9)), min_size=1, max_size=60)


def columns(pairs: list[tuple[int, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    labels, answers, groups = np.array(pairs, dtype=np.int64).T
    return labels, answers, groups


@settings(deadline=None)
@given(PAIRS)
def test_measures_are_those_of_scikit_learn(pairs: list[tuple[int, int, int]]) -> None:
    labels, answers, _ = columns(pairs)
    found = measures(confusion(labels, answers, 5), (0, 2))
    precision, recall, f1, _ = precision_recall_fscore_support(
        labels, answers, labels=range(5), zero_division=np.nan
    )
    np.testing.assert_allclose(found.precision, precision)
    np.testing.assert_allclose(found.recall, recall)
    present = sorted({*labels.tolist(), *answers.tolist()})
    np.testing.assert_allclose(found.f1[present], np.nan_to_num(f1)[present])
    assert float(found.accuracy) == pytest.approx(accuracy_score(labels, answers))
    *_, macro, _ = precision_recall_fscore_support(labels, answers, average="macro", zero_division=0)
    assert float(found.macro) == pytest.approx(macro)


@settings(deadline=None)
@given(PAIRS)
def test_tables_by_group_add_up_to_the_table(pairs: list[tuple[int, int, int]]) -> None:
    labels, answers, groups = columns(pairs)
    by_group = confusion_by_group(labels, answers, groups, 5)
    assert by_group.shape == (groups.max() + 1, 5, 5)
    assert (by_group.sum(0) == confusion(labels, answers, 5)).all()


def test_measures_by_hand() -> None:
    found = measures(np.array([[6, 2, 0], [1, 8, 1], [1, 1, 2]]), (0, 2))
    assert found.precision.tolist() == pytest.approx([6 / 8, 8 / 11, 2 / 3])
    assert found.recall.tolist() == pytest.approx([6 / 8, 8 / 10, 2 / 4])
    negative, positive = 6 / 8, 2 * 2 / (3 + 4)
    assert float(found.polar) == pytest.approx((negative + positive) / 2)
    assert float(found.micro_polar) == pytest.approx(2 * (6 + 2) / (8 + 8 + 3 + 4))
    assert float(found.accuracy) == pytest.approx(16 / 22)


def test_a_class_that_never_occurs_is_undefined_and_not_in_the_mean() -> None:
    found = measures(np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]]), (0, 2))
    assert np.isnan(found.f1[2])
    assert float(found.macro) == pytest.approx((6 / 7 + 8 / 9) / 2)
    assert float(found.polar) == pytest.approx(6 / 7 / 2)
    assert rounded(found.recall[2]) is None
    assert rounded(2 / 3) == 0.6667


def test_a_stack_of_tables_is_measured_as_one_by_one() -> None:
    tables = np.random.default_rng(1).integers(0, 9, (4, 3, 3))
    stacked = measures(tables, (0, 2))
    for at, table in enumerate(tables):
        one = measures(table, (0, 2))
        for together, alone in zip(stacked, one, strict=True):
            np.testing.assert_allclose(together[at], alone)


def test_ratio_without_a_whole_is_undefined() -> None:
    assert np.isnan(ratio(np.array([0.0, 1.0]), np.array([0.0, 2.0]))).tolist() == [True, False]


def test_calibration_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.3, 0.7], [0.3, 0.7]])
    found = calibration(probabilities, np.array([0, 1, 1, 1]))
    assert found.error == pytest.approx((abs(1.8 - 1) + abs(1.4 - 2)) / 4)
    assert found.brier == pytest.approx((2 * 0.01 + 2 * 0.81 + 2 * 2 * 0.09) / 4)
    assert [(item.rows, item.accuracy) for item in found.bins] == [(2, 1.0), (2, 0.5)]
    assert found.as_json()["reliability"][1]["confidence"] == 0.9


def test_answers_that_are_as_often_right_as_they_say_are_calibrated() -> None:
    draw = np.random.default_rng(2)
    sure = draw.uniform(0.5, 1, 40_000)
    labels = (draw.uniform(size=sure.size) > sure).astype(np.int64)
    assert calibration(np.column_stack([sure, 1 - sure]), labels).error < 0.01
    bold = np.sqrt(sure)
    assert calibration(np.column_stack([bold, 1 - bold]), labels).error > 0.08


def test_certainty_is_in_the_last_bin() -> None:
    found = calibration(np.array([[1.0, 0.0]]), np.array([0]))
    assert (found.error, found.brier, found.bins[0].high) == (0.0, 0.0, 1.0)


def test_the_interval_of_a_share_is_that_of_its_standard_error() -> None:
    right = np.array([[1, 0]] * 300 + [[0, 1]] * 100)
    drawn = replicates(right)
    low, high = interval(drawn[:, 0] / drawn.sum(1))
    error = (0.75 * 0.25 / 400) ** 0.5
    assert low == pytest.approx(0.75 - 1.96 * error, abs=0.01)
    assert high == pytest.approx(0.75 + 1.96 * error, abs=0.01)


def test_copies_of_a_text_are_one_observation() -> None:
    right = np.array([1] * 100 + [0] * 100)
    rows = replicates(np.column_stack([right, 1 - right]))
    tens = replicates(np.array([[10, 0]] * 10 + [[0, 10]] * 10))
    widths = [np.ptp(interval(drawn[:, 0] / drawn.sum(1))) for drawn in (rows, tens)]
    assert widths[1] > 2.5 * widths[0]


def test_replicates_are_the_same_in_every_run_and_keep_the_number_of_groups() -> None:
    counts = np.eye(7, dtype=np.int64)
    first = replicates(counts, number=130)
    assert first.shape == (130, 7)
    assert (first.sum(1) == 7).all()
    assert (first == replicates(counts, number=130)).all()
    assert (first != replicates(counts, number=130, seed=1)).any()


def test_the_interval_leaves_undefined_replicates_out() -> None:
    assert interval(np.array([np.nan, 1.0, 1.0])) == (1.0, 1.0)
    assert np.isnan(interval(np.array([np.nan]))).all()


def test_groups_are_numbered_by_their_names() -> None:
    assert numbered(["б", "а", "б"]).tolist() == [1, 0, 1]
    first, copy, other = by_near_duplicates(["Банк лежит!", "RT @x: банк лежит", "Связь пропала"])
    assert first == copy != other
