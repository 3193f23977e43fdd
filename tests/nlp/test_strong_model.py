"""The shipped strong tiers: probabilities, the same answers in any company, hard texts, two objects."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.nlp.load import load_tier
from pipeline.nlp.sentiment import MODELS
from pipeline.nlp.strong.model import FILE, PIECES, IncompatibleStrongModel, StrongModel
from pipeline.nlp.tiers import LABELS, Question

TEXTS = [
    "Ромашка опять лежит, третий день без интернета",
    "Спасибо Ромашке, всё решили за пять минут!",
    "Ромашка работает с девяти до шести",
    "ну такое",
    "Доброе утро всем, хорошего дня!",
    "какой же х*евый банк эта Ромашка, а вот Лютик радует: быстро, вежливо, без очередей 👍",
]


@pytest.fixture(scope="module", params=("open", "full"))
def model(request: pytest.FixtureRequest) -> StrongModel:
    return StrongModel(MODELS / str(request.param) / FILE, MODELS / PIECES)


@pytest.fixture(scope="module")
def full() -> StrongModel:
    return StrongModel(MODELS / "full" / FILE, MODELS / PIECES)


def ask(text: str, name: str) -> Question:
    start = text.index(name)
    return Question(text, ((start, start + len(name)),), name)


def test_probabilities_have_their_shapes_and_sum_to_one(model: StrongModel) -> None:
    assert model.classes([]).shape == (0, 5)
    assert model.toward([]).shape == (0, 3)
    for found in (model.classes(TEXTS), model.whole(TEXTS), model.toward([Question(text) for text in TEXTS])):
        assert found.sum(axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-5)


def test_an_answer_does_not_depend_on_the_other_texts(model: StrongModel) -> None:
    questions = [Question(text, (), "Ромашка") for text in TEXTS]
    together, classes = model.toward(questions), model.classes(TEXTS)
    for row, question in enumerate(questions):
        assert np.array_equal(model.toward([question])[0], together[row])
        assert np.array_equal(model.classes([question.text])[0], classes[row])
    assert np.array_equal(model.toward(questions[::-1]), together[::-1])


@pytest.mark.parametrize(
    ("text", "name", "label"),
    [
        (TEXTS[0], "Ромашка", "negative"),
        (TEXTS[1], "Ромашке", "positive"),
        (TEXTS[2], "Ромашка", "neutral"),
    ],
)
def test_plain_verdicts(full: StrongModel, text: str, name: str, label: str) -> None:
    assert LABELS[int(full.toward([ask(text, name)]).argmax())] == label


def test_two_objects_of_one_text_differ(full: StrongModel) -> None:
    bad, good = full.toward([ask(TEXTS[5], "Ромашка"), ask(TEXTS[5], "Лютик")])
    assert bad[0] > good[0]
    assert good[2] > bad[2]


@pytest.mark.parametrize("text", ["", " ", "\x00", "\ud800", "😀" * 10_000, "ж" * 100_000, "МТС " * 25_000])
def test_hard_texts(full: StrongModel, text: str) -> None:
    assert full.classes([text]).sum() == pytest.approx(1, abs=1e-5)
    assert full.toward([Question(text, ((0, 3),)), Question(text, (), "МТС")]).shape == (2, 3)


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        StrongModel(tmp_path / FILE, MODELS / PIECES)
    assert caught.value.filename == str(tmp_path / FILE)


def test_a_model_of_another_format_is_refused(tmp_path: Path) -> None:
    data = (MODELS / "open" / FILE).read_bytes()
    assert data.count(b"\n\x06format\x12\x011") == 1
    (tmp_path / FILE).write_bytes(data.replace(b"\n\x06format\x12\x011", b"\n\x06format\x12\x010"))
    with pytest.raises(IncompatibleStrongModel, match="another version"):
        StrongModel(tmp_path / FILE, MODELS / PIECES)


@pytest.mark.parametrize("model_name", ["open", "full"])
def test_the_tiers_are_told_apart_by_their_names(model_name: str) -> None:
    names = {tier: load_tier(model_name, tier).name for tier in ("fast", "strong", "cascade")}
    assert names["fast"].startswith(f"ngram-{model_name}-")
    assert names["strong"].startswith(f"e5-{model_name}-")
    assert names["strong"].endswith(f"+{names['fast']}")
    assert names["cascade"] == f"{names['fast']}, {names['strong']}"
