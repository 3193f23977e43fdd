"""The parts of the engine against what they stand for: slovnet's network, Viterbi and spans; sentences."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slovnet.bio import bio_spans
from slovnet.conll import parse_conll_tag
from slovnet.exec.model import CRF, Weight

from pipeline.nlp.engine import normal
from pipeline.nlp.engine.comparison import compare_engines
from pipeline.nlp.engine.crf import viterbi
from pipeline.nlp.engine.engine import Engine
from pipeline.nlp.engine.morphology import Morphology, sentence_words, windows
from pipeline.nlp.engine.network import NOTHING, Network, lay_out
from pipeline.nlp.engine.normal import UNTAGGED, Normaliser
from pipeline.nlp.engine.tagger import Tagger
from pipeline.nlp.engine.tokens import Words, places, sentences
from pipeline.nlp.engine.weights import Model, load_models
from pipeline.nlp.natasha_import import natasha
from pipeline.nlp.ner import Ner

TEXTS = (
    "Вчера Герман Греф выступал в Казани. Он сказал: «Сбербанк растёт!» Потом уехал в Санкт-Петербург.",
    "МТС. Билайн! МегаФон? Да. Нет. Москва. Анна Петрова, г. Тверь. Был А.С. Пушкин. ВТБ. Ура. Омск.",
    "Иванову Ивану отказали в кредите",
    "дождь",
)


class Word:
    """What slovnet's `bio_spans` asks of a token."""

    def __init__(self, at: int) -> None:
        self.start, self.stop = at, at + 1


@pytest.fixture(scope="module")
def models() -> tuple[Model, Model]:
    return load_models()


@pytest.fixture(scope="module")
def plain() -> Iterator[Any]:
    embedding = natasha.NewsEmbedding()
    return natasha.NewsNERTagger(embedding), natasha.NewsMorphTagger(embedding)


def slovnet_scores(tagger: Any, words: list[str]) -> Any:
    (item,) = tagger.infer.encoder([words])
    return tagger.infer.model(item.word_id, item.shape_id, item.pad_mask)[0]


numbers = st.integers(-3, 3)  # small ones make equally good ways likely


@given(st.data(), st.lists(st.integers(1, 5), max_size=4))
@settings(max_examples=150, deadline=None)
def test_viterbi_chooses_as_slovnet_does(data: st.DataObject, lengths: list[int]) -> None:
    tags = 3
    gaps = np.cumsum([0, *(length + 1 for length in lengths)])
    size = int(gaps[-1]) + 1
    drawn = data.draw(st.lists(numbers, min_size=size * tags, max_size=size * tags))
    emissions = np.array(drawn, np.float32).reshape(size, tags)
    drawn = data.draw(st.lists(numbers, min_size=tags * tags, max_size=tags * tags))
    transitions = np.array(drawn, np.float32).reshape(tags, tags)
    found = viterbi(emissions, gaps[:-1] + 1, np.diff(gaps) - 1, transitions)
    slovnet = CRF(Weight(transitions.shape, "float32", transitions))
    for gap, length in zip(gaps.tolist(), lengths, strict=False):
        own = emissions[gap + 1 : gap + 1 + length]
        (expected,) = slovnet.decode(own[None], np.ones((1, length), bool))
        assert found[gap + 1 : gap + 1 + length].tolist() == expected.tolist()


def test_spans_are_joined_as_slovnet_joins_them(models: tuple[Model, Model]) -> None:
    ner, _ = models
    join = vars(Tagger)["_spans"]
    tagger = Tagger(ner)
    for tags in product(range(len(ner.tags)), repeat=4):
        found = [(span.first, span.last + 1, span.type) for span in join(tagger, bytes(tags))]
        names = [ner.tags[tag] for tag in tags]
        expected = [(s.start, s.stop, s.type) for s in bio_spans([Word(at) for at in range(4)], names)]
        assert found == expected


def test_the_network_is_that_of_slovnet(models: tuple[Model, Model], plain: Any) -> None:
    texts = [Words().cut(text) for text in TEXTS]
    for model, tagger in zip(models, plain, strict=True):
        network = Network(model, capacity=200)
        batch = lay_out(texts)
        scores = network.scores(network.features(batch, [NOTHING] * len(texts)))
        for gap, words in zip(batch.gaps.tolist(), texts, strict=False):
            expected = slovnet_scores(tagger, words)
            np.testing.assert_allclose(scores[gap + 1 : gap + 1 + len(words)], expected, atol=2e-3, rtol=1e-3)


def test_a_full_cache_of_words_changes_nothing(models: tuple[Model, Model]) -> None:
    small, large = Network(models[0], capacity=45), Network(models[0], capacity=500)
    for _ in range(2):
        for text in TEXTS:
            batch = lay_out([Words().cut(text)])
            np.testing.assert_allclose(
                small.features(batch, [NOTHING]), large.features(batch, [NOTHING]), atol=1e-4
            )


def test_morphology_of_names_is_that_of_whole_texts(models: tuple[Model, Model], plain: Any) -> None:
    """Also with more than eight sentences, of which natasha pads all but the longest."""
    morphology = Morphology(models[1])
    segmenter = natasha.Segmenter()
    for text in TEXTS:
        doc = natasha.Doc(text)
        doc.segment(segmenter)
        doc.tag_morph(plain[1])
        words = Words().cut(text)
        held = sentence_words(places(text, words), sentences(text))
        assert [[words[at] for at in sentence] for sentence in held] == [
            [token.text for token in sentence.tokens] for sentence in doc.sents
        ]
        for width in (1, 3):
            spans = [range(at, at + width) for at in range(0, len(words) - width + 1, width)]
            for window, tags in morphology.tag(windows(0, words, held, spans)):
                for at, tag in enumerate(tags, window.place):
                    pos, feats = parse_conll_tag(morphology.tags[tag])
                    assert (pos, feats) == (doc.tokens[at].pos, doc.tokens[at].feats)


def test_a_word_across_a_sentence_end_belongs_to_none() -> None:
    assert sentence_words([(0, 2), (2, 5), (5, 6)], [(0, 3), (3, 6)]) == [range(1), range(2, 3)]


def test_full_memory_of_forms(models: tuple[Model, Model], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(normal, "MAX_FORMS", 2)
    tags = models[1].tags
    genitive = tags.index("PROPN|Animacy=Anim|Case=Gen|Gender=Masc|Number=Sing")
    forms = Normaliser(tags)
    for _ in range(2):
        assert forms.normal([("ИВАНА", genitive)], [(0, 5)]) == "ИВАН"
        assert forms.normal([("Петра", genitive), ("Ivana", UNTAGGED)], [(0, 5), (7, 12)]) == "Петр  Ivana"
    assert len(vars(forms)["_known"]) <= 2


def test_the_company_of_other_texts_changes_nothing() -> None:
    engine = Engine()
    together = engine.entities([*TEXTS, "", *reversed(TEXTS)])
    assert together[: len(TEXTS)] == [engine.entities([text])[0] for text in TEXTS]
    assert together == [*together[: len(TEXTS)], (), *reversed(together[: len(TEXTS)])]


def test_both_engines_are_chosen_by_name_and_agree() -> None:
    fast, slow = Ner("fast"), Ner("natasha")
    hard = ["", " \n", "\x00", "😀" * 50, "\ud800 Москва \udfff"]
    texts = [*TEXTS, *hard]
    assert fast.entities(texts) == slow.entities(texts)
    assert fast.spans(texts) == slow.spans(texts)
    assert fast.spans(texts) == [
        tuple((entity.start, entity.end, entity.type) for entity in found) for found in fast.entities(texts)
    ]


def test_comparison_reports_speeds_and_differences() -> None:
    ticks = count()
    report = compare_engines(TEXTS, clock=lambda: float(next(ticks))).as_json()
    assert json.loads(json.dumps(report)) == report
    for part in ("ner", "full"):
        assert report[part]["ratio"] == 1
        assert report[part]["differing_share"] == 0
        assert report[part]["examples"] == []
    assert report["posts"] == len(TEXTS)
    with pytest.raises(ValueError, match="no texts"):
        compare_engines([])
