"""The cascade asks the strong tier only where the fast one is unsure, and says who answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from pipeline.nlp.cascade import Cascade, Mixed
from pipeline.nlp.tiers import CLASSES, LABELS, Floats, Question, sentiments


class Fixed:
    """A tier whose confidence in "negative" is the number that the text holds; it keeps what it was asked."""

    def __init__(self, name: str, label: int | None = None) -> None:
        self.name = name
        self.asked: list[str] = []
        self._label = label

    def classes(self, texts: Sequence[str]) -> Floats:
        return self._answer(texts, len(CLASSES))

    def whole(self, texts: Sequence[str]) -> Floats:
        return self._answer(texts, len(LABELS))

    def toward(self, questions: Sequence[Question]) -> Floats:
        return self._answer([question.text for question in questions], len(LABELS))

    def _answer(self, texts: Sequence[str], width: int) -> Floats:
        self.asked += texts
        rows = np.zeros((len(texts), width), np.float32)
        for row, text in zip(rows, texts, strict=True):
            sure = float(text)
            row[:] = (1 - sure) / (width - 1)
            row[0 if self._label is None else self._label] = sure
        return rows


@pytest.mark.parametrize("question", ["classes", "whole", "toward"])
def test_the_strong_tier_decides_where_the_fast_one_is_unsure(question: str) -> None:
    fast, encoder = Fixed("fast-1"), Fixed("encoder-1", label=1)
    cascade = Cascade(Mixed(fast, encoder, share=0.7), unsure=0.8)
    asked = ["0.9", "0.6", "0.8", "0.5"]
    answers = getattr(cascade, question)(
        [Question(text) for text in asked] if question == "toward" else asked
    )
    assert fast.asked == asked, "once each"
    assert encoder.asked == ["0.6", "0.5"]
    assert cascade.answered == ["fast-1", "encoder-1+fast-1", "fast-1", "encoder-1+fast-1"]
    assert answers.argmax(axis=1).tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("question", ["classes", "whole", "toward"])
def test_where_the_fast_tier_is_unsure_the_cascade_answers_as_the_strong_tier(question: str) -> None:
    strong = Mixed(Fixed("fast-1"), Fixed("encoder-1", label=2))
    asked: list[Any] = [Question("0.65"), Question("0.45")] if question == "toward" else ["0.65", "0.45"]
    assert (getattr(Cascade(strong), question)(asked) == getattr(strong, question)(asked)).all()


def test_a_closed_cascade_answers_with_the_fast_tier_alone() -> None:
    encoder = Fixed("encoder-1")
    cascade = Cascade(Mixed(Fixed("fast-1"), encoder))
    cascade.open = False
    cascade.whole(["0.4", "0.9"])
    assert encoder.asked == []
    assert cascade.answered == ["fast-1", "fast-1"]


def test_nothing_asked_nothing_answered() -> None:
    cascade = Cascade(Mixed(Fixed("fast-1"), Fixed("encoder-1")))
    assert cascade.toward([]).shape == (0, 3)
    assert cascade.answered == []


def test_the_fast_answers_are_left_as_they_were() -> None:
    class Remembering(Fixed):
        def whole(self, texts: Sequence[str]) -> Floats:
            self.last = super().whole(texts)
            return self.last

    fast = Remembering("fast-1")
    Cascade(Mixed(fast, Fixed("encoder-1", label=2), share=0.9)).whole(["0.5"])
    assert fast.last.argmax() == 0


def test_records_hold_rounded_probabilities_and_the_best_label() -> None:
    (found,) = sentiments(np.array([[0.1234567, 0.5, 0.3765433]], np.float32))
    assert (found.label, found.negative, found.neutral, found.positive) == ("neutral", 0.12346, 0.5, 0.37654)


def test_the_strong_tier_is_the_geometric_mean_of_both_models() -> None:
    fast, encoder = Fixed("fast-1"), Fixed("encoder-1", label=1)
    mixed = Mixed(fast, encoder, share=0.5)
    assert mixed.name == "encoder-1+fast-1"
    (found,) = mixed.whole(["0.8"])
    # fast (.8, .1, .1) and encoder (.1, .8, .1): roots of the products .08, .08, .01
    assert found == pytest.approx(np.sqrt([0.08, 0.08, 0.01]) / np.sqrt([0.08, 0.08, 0.01]).sum(), abs=1e-6)


@pytest.mark.parametrize(("share", "label"), [(0.0, 0), (0.3, 0), (0.7, 1), (1.0, 1)])
def test_the_share_decides_between_models_that_disagree(share: float, label: int) -> None:
    mixed = Mixed(Fixed("fast-1"), Fixed("encoder-1", label=1), share)
    assert mixed.toward([Question("0.9")]).argmax() == label
    assert mixed.classes(["0.9", "1"]).sum(axis=1) == pytest.approx(np.ones(2), abs=1e-6)
