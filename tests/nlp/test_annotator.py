"""The annotator over the real models, and what happens where one of them raises."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.enrichment import Annotation, Failed
from pipeline.core.mentions import Match
from pipeline.nlp.annotator import ASKED, Annotator, Request, build_annotator, find_name
from schemas import Author, RawPost

WATCHLIST = """
- id: romashka
  kind: brand
  name: Ромашка
  aliases: [Ромашка]
  accounts: {vk: [romashka_bank]}
- id: lyutik
  kind: competitor
  name: Лютик
  aliases: [Лютик]
"""


@pytest.fixture(scope="module")
def annotator(tmp_path_factory: pytest.TempPathFactory) -> Annotator:
    path = tmp_path_factory.mktemp("watchlist") / "watchlist.yaml"
    path.write_text(WATCHLIST, encoding="utf-8")
    return build_annotator(path, "full")


def one(annotator: Annotator, text: str, *targets: str) -> Annotation:
    (outcome,) = annotator.annotate([Request(text, targets)])
    assert isinstance(outcome, Annotation)
    return outcome


def test_everything_at_once(annotator: Annotator) -> None:
    text = "Спасибо Марии Ивановой из Казани, обожаю Ромашку, вы лучшие!"
    found = one(annotator, text)
    assert found.language == "ru"
    assert found.sentiment.label == "positive"
    assert {"Казань", "Мария Иванова"} <= {entity.normal for entity in found.entities}
    (mention,) = found.mentions
    assert mention.object_id == "romashka"
    assert [span.text for span in mention.spans] == ["Ромашку"]
    assert mention.sentiment.label == "positive"
    assert found.model == "ngram-full-2"


def test_objects_in_order_of_appearance(annotator: Annotator) -> None:
    found = one(annotator, "Лютик или Ромашка? Лютик!")
    assert [mention.object_id for mention in found.mentions] == ["lyutik", "romashka"]
    assert len(found.mentions[0].spans) == 2


def test_asked_targets_have_a_mention_whatever_the_matcher_says(annotator: Annotator) -> None:
    text = "Ненавижу этот ужасный Незабудкабанк, Ромашка лучше"
    found = one(annotator, text, "romashka", "незабудкабанк", "nowhere")
    by_id = {mention.object_id: mention for mention in found.mentions}
    assert list(by_id) == ["romashka", "незабудкабанк", "nowhere"]
    (span,) = by_id["незабудкабанк"].spans
    assert (span.text, span.rule) == ("Незабудкабанк", ASKED)
    assert by_id["nowhere"].spans == ()
    assert by_id["nowhere"].sentiment == found.sentiment


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("Сбербанк", "в сбербанке и #Сбербанк", ["сбербанке", "Сбербанк"]),
        ("Почта России", "Почтой России не доходит", ["Почтой России"]),
        ("МТС", "мтса нет, мтсбанк", ["мтса"]),
        ("Тёплый стан", "до теплого стана", ["теплого стана"]),
        ("Альфа-Банк", "альфа банка", ["альфа банка"]),
        ("???", "что ???", []),
        ("", "пусто", []),
        ("a.b", "a.b aab", ["a.b"]),
    ],
)
def test_find_name(name: str, text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in find_name(name, text)] == expected


def test_one_bad_text_harms_no_neighbour(annotator: Annotator) -> None:
    def find(text: str) -> list[Match]:
        if "bad" in text:
            raise RecursionError("too deep")
        return []

    fragile = replace(annotator, find=find)
    outcomes = fragile.annotate([Request("первый"), Request("bad"), Request("третий")])
    assert [type(outcome) for outcome in outcomes] == [Annotation, Failed, Annotation]
    assert outcomes[1] == Failed("RecursionError: too deep")


def test_hard_texts(annotator: Annotator) -> None:
    texts = ["", "\x00", "\ud800", "😀" * 10_000, "Ромашка " * 12_000, "ж" * 100_000, "(" * 100_000]
    outcomes = annotator.annotate([Request(text, ("кто-то",)) for text in texts])
    assert [type(outcome) for outcome in outcomes] == [Annotation] * len(texts)


def test_the_batch_does_not_matter(annotator: Annotator) -> None:
    texts = ["Ромашка молодцы!", "Лютик опять упал", "", "Герман Греф в Казани", "ну такое"] * 3
    together = annotator.annotate([Request(text) for text in texts])
    assert together == [one(annotator, text) for text in texts]
    assert annotator.annotate([]) == []


@given(st.lists(st.text(st.characters(), max_size=120), max_size=3), st.text(max_size=20))
@settings(max_examples=40, deadline=None)
def test_any_text(annotator: Annotator, texts: list[str], target: str) -> None:
    outcomes = annotator.annotate([Request(text, (target,)) for text in texts])
    for text, outcome in zip(texts, outcomes, strict=True):
        assert isinstance(outcome, Annotation)
        for mention in outcome.mentions:
            assert all(text[span.start : span.end] == span.text for span in mention.spans)


def test_kinds_and_owners(annotator: Annotator) -> None:
    now = datetime(2024, 5, 1, tzinfo=UTC)
    post = RawPost(source="vk", native_id="1", created_at=now, collected_at=now, id="vk:1")
    own = post.model_copy(update={"author": Author(id="7", handle="romashka_bank")})
    other = post.model_copy(update={"author": Author(id="8", handle="someone")})
    assert annotator.kinds == {"romashka": "brand", "lyutik": "competitor"}
    assert [list(annotator.owners(item)) for item in (post, own, other)] == [[], ["romashka"], []]


def test_without_a_watchlist_only_asked_targets_count() -> None:
    annotator = build_annotator(None, Path(__file__).parents[2] / "pipeline/nlp/model/open", "fast")
    found = one(annotator, "Ромашка опять лежит", "ромашка")
    assert [mention.object_id for mention in found.mentions] == ["ромашка"]
    assert found.model == "ngram-open-2"
