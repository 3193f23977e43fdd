"""The shipped sentiment models: what they must get right, probabilities, robustness, files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.nlp import features, probes
from pipeline.nlp import sentiment as module
from pipeline.nlp.sentiment import IncompatibleModel, SentimentModel, Weights
from schemas import Sentiment

MODELS = ("open", "full")


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest) -> SentimentModel:
    return SentimentModel.load(str(request.param))


@pytest.fixture(scope="module")
def full() -> SentimentModel:
    return SentimentModel.load("full")


def total(sentiment: Sentiment) -> float:
    return sentiment.negative + sentiment.neutral + sentiment.positive


@pytest.mark.parametrize("probe", [probe for probe in probes.PROBES if probe.skill == "plain"])
def test_plain_verdicts(full: SentimentModel, probe: probes.Probe) -> None:
    assert probes.judge(full, probe) == probe.label


def test_the_card_tells_the_probes_as_they_are(full: SentimentModel) -> None:
    card = (module.MODELS / "full" / "MODEL_CARD.md").read_text(encoding="utf-8")
    for skill, right in probes.score(full).items():
        assert f"{skill} {right}" in card


def test_two_objects_of_one_text_differ(full: SentimentModel) -> None:
    text = "Альфа просто отличный банк, спасибо! А ВТБ ужасный, одни проблемы и хамство."
    alfa, vtb = full.toward([(text, [(0, 5)]), (text, [(text.index("ВТБ"), text.index("ВТБ") + 3)])])
    assert alfa.positive > vtb.positive
    assert vtb.negative > alfa.negative


def test_an_object_that_is_not_in_the_text_gets_the_texts_sentiment(model: SentimentModel) -> None:
    text = "Ужасное обслуживание, не советую"
    assert model.toward([(text, [])]) == model.text([text])


def test_probabilities_sum_to_one_and_the_label_is_the_largest(model: SentimentModel) -> None:
    for probe in probes.PROBES:
        (found,) = model.text([probe.text])
        assert total(found) == pytest.approx(1, abs=3e-5)
        assert getattr(found, found.label) == max(found.negative, found.neutral, found.positive)


@pytest.mark.parametrize("text", ["", " ", "\x00", "\ud800"])
def test_a_text_without_words_is_neutral(model: SentimentModel, text: str) -> None:
    assert model.text([text])[0].label == "neutral"
    assert model.toward([(text, [(0, 1)])])[0].label == "neutral"


@pytest.mark.parametrize(
    "text", ["😀" * 10_000, "ж" * 100_000, "МТС " * 25_000, "!?" * 50_000, "а-" * 50_000]
)
def test_huge_texts(full: SentimentModel, text: str) -> None:
    spans = [(at, at + 3) for at in range(0, len(text) - 3, 4)]
    assert total(full.text([text])[0]) == pytest.approx(1, abs=3e-5)
    assert total(full.toward([(text, spans)])[0]) == pytest.approx(1, abs=3e-5)


@given(text=st.text(st.characters(), max_size=300), start=st.integers(0, 300), size=st.integers(0, 20))
@settings(max_examples=150, deadline=None)
def test_any_text_and_span(full: SentimentModel, text: str, start: int, size: int) -> None:
    for found in (*full.text([text]), *full.toward([(text, [(start, start + size)])])):
        assert total(found) == pytest.approx(1, abs=3e-5)


def test_the_cache_changes_nothing(monkeypatch: pytest.MonkeyPatch, full: SentimentModel) -> None:
    texts = [probe.text for probe in probes.PROBES]
    expected = full.text(texts)
    monkeypatch.setattr(module, "CACHED_TOKENS", 40)
    small = SentimentModel.load("full")
    assert small.text(texts) == expected
    assert small.text(texts[::-1]) == expected[::-1]


def test_names_tell_which_model_decided() -> None:
    assert [SentimentModel.load(name).name for name in MODELS] == ["ngram-open-1", "ngram-full-1"]


def test_shipped_files_hold_weights_only_and_are_small() -> None:
    files = [module.MODELS / name / module.FILE for name in MODELS]
    assert sum(file.stat().st_size for file in files) <= 15 * 2**20
    for file in files:
        with np.load(file, allow_pickle=False) as stored:
            assert {array.dtype.kind for name, array in stored.items() if name != "name"} <= {"i", "f"}


def test_weights_survive_the_file(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    table = generator.normal(size=(1 << features.BITS, 9)).astype(np.float32)
    head = np.array([[0.1, 0.2, -0.3], [0, 0, 0]], np.float32)
    Weights("mine", table, head, np.array([0.5, 0.6], np.float32), np.ones(3, np.float32) / 3).save(
        tmp_path / "w.npz"
    )
    read = Weights.read(tmp_path / "w.npz")
    assert read.name == "mine"
    assert np.abs(read.table - table).max() < 0.1
    assert np.array_equal(read.bias, head)


def test_a_model_of_other_features_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = module.MODELS / "open" / module.FILE
    monkeypatch.setattr(features, "VERSION", features.VERSION + 1)
    with pytest.raises(IncompatibleModel, match="molva train sentiment"):
        SentimentModel.load(path)


def test_an_unknown_model_is_named() -> None:
    with pytest.raises(FileNotFoundError, match="nonsense"):
        SentimentModel.load("nonsense")
