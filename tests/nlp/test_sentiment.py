"""The shipped sentiment models: what they must get right, probabilities, robustness, files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.nlp import fast_weights, probes
from pipeline.nlp import sentiment as module
from pipeline.nlp.fast_weights import COLUMNS, IncompatibleModel, Squeezed, Vectors, Weights
from pipeline.nlp.fast_words import BITS
from pipeline.nlp.sentiment import SentimentModel
from pipeline.nlp.tiers import LABELS, Question, Tier, sentiments
from schemas import Sentiment

MODELS = ("open", "full")


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest) -> SentimentModel:
    return SentimentModel.load(str(request.param))


@pytest.fixture(scope="module")
def full() -> SentimentModel:
    return SentimentModel.load("full")


def text(model: SentimentModel, asked: str) -> Sentiment:
    return sentiments(model.whole([asked]))[0]


def about(model: SentimentModel, asked: str, *spans: tuple[int, int]) -> Sentiment:
    return sentiments(model.toward([Question(asked, spans)]))[0]


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
    both = "Альфа просто отличный банк, спасибо! А ВТБ ужасный, одни проблемы и хамство."
    alfa, vtb = about(full, both, (0, 5)), about(full, both, (both.index("ВТБ"), both.index("ВТБ") + 3))
    assert alfa.positive > vtb.positive
    assert vtb.negative > alfa.negative


def test_an_object_that_is_not_in_the_text_gets_the_texts_sentiment(model: SentimentModel) -> None:
    asked = "Ужасное обслуживание, не советую"
    assert about(model, asked) == text(model, asked)


def test_probabilities_sum_to_one_and_the_label_is_the_largest(model: SentimentModel) -> None:
    for probe in probes.PROBES:
        found = text(model, probe.text)
        assert total(found) == pytest.approx(1, abs=3e-5)
        assert getattr(found, found.label) == max(found.negative, found.neutral, found.positive)


@pytest.mark.parametrize("asked", ["", " ", "\x00", "\ud800"])
def test_a_text_without_words_is_neutral(model: SentimentModel, asked: str) -> None:
    assert text(model, asked).label == "neutral"
    assert about(model, asked, (0, 1)).label == "neutral"


@pytest.mark.parametrize(
    "asked", ["😀" * 10_000, "ж" * 100_000, "МТС " * 25_000, "!?" * 50_000, "а-" * 50_000]
)
def test_huge_texts(full: SentimentModel, asked: str) -> None:
    spans = [(at, at + 3) for at in range(0, len(asked) - 3, 4)]
    assert total(text(full, asked)) == pytest.approx(1, abs=3e-5)
    assert total(about(full, asked, *spans)) == pytest.approx(1, abs=3e-5)


@given(asked=st.text(st.characters(), max_size=300), start=st.integers(0, 300), size=st.integers(0, 20))
@settings(max_examples=150, deadline=None)
def test_any_text_and_span(full: SentimentModel, asked: str, start: int, size: int) -> None:
    for found in (text(full, asked), about(full, asked, (start, start + size))):
        assert total(found) == pytest.approx(1, abs=3e-5)


def test_a_small_cache_and_small_batches_change_nothing(
    monkeypatch: pytest.MonkeyPatch, full: SentimentModel
) -> None:
    texts = [probe.text for probe in probes.PROBES]
    expected = full.classes(texts)
    monkeypatch.setattr(module, "CACHED_WORDS", 40)
    monkeypatch.setattr(module, "_BATCH", 3)
    small = SentimentModel.load("full")
    assert np.allclose(small.classes(texts), expected, atol=1e-5)
    assert np.allclose(small.classes(texts[::-1]), expected[::-1], atol=1e-5)


def test_it_is_a_tier(model: SentimentModel) -> None:
    tier: Tier = model
    assert tier.classes([]).shape == (0, 5)
    assert tier.whole([]).shape == tier.toward([]).shape == (0, 3)
    bad = "Ужасный банк"
    assert tier.classes([bad, ""]).shape == (2, 5)
    asked = tier.toward([Question(bad), Question(bad, [(8, 12)]), Question("")])
    assert asked.sum(axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    assert np.array_equal(asked[[0, 2]], tier.whole([bad, ""]))


def test_five_classes_know_formulas(full: SentimentModel) -> None:
    assert full.classes(["Доброе утро всем, хорошего дня!"])[0].argmax() == 3


def test_open_has_never_seen_speech_and_skip() -> None:
    found = SentimentModel.load("open").classes(["Доброе утро", "Ужас", "да"])
    assert found[:, len(LABELS) :].max() < 1e-6


def test_names_tell_which_model_decided() -> None:
    assert [SentimentModel.load(name).name for name in MODELS] == ["ngram-open-2", "ngram-full-2"]


def test_shipped_files_hold_weights_only_and_are_small() -> None:
    files = [module.MODELS / name / module.FILE for name in MODELS]
    assert sum(file.stat().st_size for file in files) <= 20 * 2**20
    for file in files:
        with np.load(file, allow_pickle=False) as stored:
            assert {array.dtype.kind for name, array in stored.items() if name != "name"} <= {"i", "u", "f"}


def test_weights_survive_the_file(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    table = generator.normal(size=(1 << BITS, COLUMNS)).astype(np.float32)
    vectors = Vectors(np.arange(5, dtype=np.uint32), Squeezed.of(table[:5]), np.ones(5, np.float16))
    rarity = generator.integers(0, 255, 1 << BITS).astype(np.uint8)
    weights = Weights(
        "mine", Squeezed.of(table), rarity, vectors, table[0], np.ones(2, np.float32), 0.25, table[1, :5]
    )
    weights.save(tmp_path / "w.npz")
    read = Weights.read(tmp_path / "w.npz")
    assert (read.name, read.aside) == ("mine", 0.25)
    every = np.arange(1 << BITS)
    assert np.abs(read.table.rows(every) - table).max() < 0.1
    assert np.array_equal(read.idf(every), weights.idf(every))
    assert np.array_equal(read.bias, table[0])


def test_a_model_of_other_features_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_weights, "VERSION", fast_weights.VERSION + 1)
    with pytest.raises(IncompatibleModel, match="molva train sentiment"):
        SentimentModel.load(module.MODELS / "open" / module.FILE)


def test_an_unknown_model_is_named() -> None:
    with pytest.raises(FileNotFoundError, match="nonsense"):
        SentimentModel.load("nonsense")
