"""What ``molva eval`` makes of rows and answers: readers, finders, reports, what training saw."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from pipeline.core.mentions import Match
from pipeline.nlp.parts import split
from pipeline.nlp.scoring import entities, mentions, seen, sentiment
from pipeline.nlp.scoring.finding import Finder
from pipeline.nlp.scoring.rows import Labelled, Unreadable, labelled, named, read
from pipeline.nlp.splits import letters
from pipeline.nlp.tiers import CLASSES, LABELS, Floats, Question
from schemas import Entity

DATA = Path(os.environ.get("MOLVA_DATA") or Path(__file__).parents[2].parent / "shared" / "data")


class Words:
    """A tier that knows four words; of an object it reads only what stands behind it."""

    name = "words"
    _KNOWN: ClassVar = {"плохо": 0, "хорошо": 2, "привет": 3, "ъъъ": 4}

    def classes(self, texts: Sequence[str]) -> Floats:
        return np.array([self._row(text, len(CLASSES)) for text in texts], dtype=np.float32)

    def whole(self, texts: Sequence[str]) -> Floats:
        return np.array([self._row(text, len(LABELS)) for text in texts], dtype=np.float32)

    def toward(self, questions: Sequence[Question]) -> Floats:
        read = [q.text[q.spans[0][1] :] if q.spans else q.text for q in questions]
        return np.array([self._row(text, len(LABELS)) for text in read], dtype=np.float32)

    def _row(self, text: str, size: int) -> list[float]:
        known = [self._KNOWN[word] for word in text.lower().split() if word in self._KNOWN]
        chosen = known[0] if known and known[0] < size else 1
        return [0.8 if at == chosen else 0.2 / (size - 1) for at in range(size)]


class Both(Words):
    """Says which of two models answered."""

    answered: Sequence[str] = ()

    def toward(self, questions: Sequence[Question]) -> Floats:
        self.answered = ["strong" if "?" in question.text else "fast" for question in questions]
        return super().toward(questions)

    def whole(self, texts: Sequence[str]) -> Floats:
        self.answered = ["fast" for _ in texts]
        return super().whole(texts)


def lines(*rows: Any) -> list[bytes]:
    return [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]


def judged(rows: Sequence[Labelled], tier: Words | None = None) -> list[sentiment.Judged]:
    return list(sentiment.ask(tier or Words(), [("f", row) for row in rows], Finder()))


def tables(rows: Sequence[Labelled], tier: Words | None = None) -> dict[str, dict[str, Any]]:
    return sentiment.tables(judged(rows, tier), np.arange(len(rows)))


def test_rows_of_every_kind_are_read() -> None:
    assert labelled({"text": "а", "label": "skip"}) == [Labelled("а", "skip", fine=True)]
    assert labelled({"text": "аб", "target": "мтс", "label": "neutral", "target_span": [0, 1]}) == [
        Labelled("аб", "neutral", "mts", (0, 1))
    ]
    assert labelled({"text": "а", "targets": {"vtb": "negative", "mts": "positive"}}) == [
        Labelled("а", "negative", "vtb"),
        Labelled("а", "positive", "mts"),
    ]
    assert labelled({"text": "а", "emotions": ["anger"]}) == [Labelled("а", "negative")]
    assert labelled({"text": "а", "emotions": []}) == [Labelled("а", "neutral")]
    assert labelled({"text": "а", "emotions": ["joy", "anger"]}) == []
    assert named({"text": "а", "targets": ["vtb"]}) == [("а", frozenset({"vtb"}))]
    assert named({"text": "а", "target": "билайн"}) == [("а", frozenset({"beeline"}))]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (b"{", "not JSON"),
        ([], "expected an object"),
        ({"label": "neutral"}, '"text"'),
        ({"text": "а"}, "no labels"),
        ({"text": "а", "label": "good"}, "unknown label 'good'"),
        ({"text": "а", "label": ["neutral"]}, "unknown label"),
        ({"text": "а", "target": "x", "label": "skip"}, "unknown label 'skip'"),
        ({"text": "а", "target": " ", "label": "neutral"}, "must be a name"),
        ({"text": "а", "target": "x", "label": "neutral", "target_span": [0, 2]}, "does not lie in the text"),
        ({"text": "а", "targets": ["vtb"]}, "object {name: label}"),
        ({"text": "а", "emotions": ["boredom"]}, "emotions of CEDR"),
    ],
)
def test_an_unreadable_row_is_named_with_file_and_line(row: Any, words: str) -> None:
    good = {"text": "а", "label": "neutral"}
    first, wrong = (found for _, found in read(lines(good, b"  ", row), "x.jsonl", labelled))
    assert isinstance(first, list)
    assert isinstance(wrong, Unreadable)
    assert wrong.place == "x.jsonl:3"
    assert words in wrong.detail


def test_objects_are_found_as_labelled_by_the_watchlist_or_by_name() -> None:
    finder = Finder(lambda text: [Match("lyutik", 3, 8, "Лютик", "alias")], {"lyutik"})
    text = "Бк Лютик, сбера и Ромашкой"
    assert finder.places(Labelled(text, "neutral", "lyutik", (0, 2))) == ("labelled", ((0, 2),))
    assert finder.places(Labelled(text, "neutral", "lyutik")) == ("watchlist", ((3, 8),))
    assert finder.places(Labelled(text, "neutral", "sberbank")) == ("name", ((10, 15),))
    assert finder.places(Labelled(text, "neutral", "Ромашка")) == ("name", ((18, 26),))
    assert finder.places(Labelled(text, "neutral", "Кактус")) == ("nowhere", ())


def test_five_and_three_classes_of_whole_texts() -> None:
    rows = [
        Labelled(text, label, fine=True)
        for text, label in [
            ("всё плохо", "negative"),
            ("хорошо", "neutral"),
            ("привет", "speech"),
            ("ъъъ", "skip"),
            ("дом", "neutral"),
        ]
    ]
    found = tables(rows)
    assert set(found) == {"five_classes", "three_classes"}
    five, three = found["five_classes"], found["three_classes"]
    assert (five["rows"], five["accuracy"]) == (5, 0.8)
    assert (three["rows"], three["accuracy"]) == (3, 0.6667)
    assert five["confusion"]["neutral"] == dict(zip(CLASSES, (0, 1, 1, 0, 0), strict=True))
    assert five["classes"]["speech"]["f1"] == 1
    assert three["ece"] == pytest.approx(abs(3 * 0.8 - 2) / 3, abs=1e-4)


def test_three_classes_alone_where_no_row_is_speech_or_skip() -> None:
    assert set(tables([Labelled("хорошо", "positive", fine=True)])) == {"three_classes"}
    assert set(tables([Labelled("хорошо", "positive")])) == {"three_classes"}


def test_toward_objects_in_the_order_of_the_rows_with_shares_of_the_models() -> None:
    text = "Астра хорошо а Ива плохо ?"
    rows = [
        Labelled(text, "negative", "Ива"),
        Labelled("дом", "neutral"),
        Labelled(text, "negative", "Астра"),
        Labelled("Ива хорошо", "positive", "Ива"),
    ]
    found = judged(rows, Both())
    assert [item.row for item in found] == rows
    assert [item.answer for item in found] == ["negative", "neutral", "positive", "positive"]
    report = sentiment.tables(found, np.arange(4))["toward_object"]
    assert (report["rows"], report["accuracy"]) == (3, 0.6667)
    assert report["models"] == {"strong": 0.6667, "fast": 0.3333}
    (mistake,) = sentiment.mistakes(found, 5)
    assert (mistake["target"], mistake["answer"], mistake["model"]) == ("Астра", "positive", "strong")
    assert sentiment.found(found) == {"name": 3}


def test_files_are_reported_apart_where_there_are_several() -> None:
    items = [("a", Labelled("хорошо", "positive")), ("b", Labelled("плохо", "positive"))] * 300
    found = list(sentiment.ask(Words(), items, Finder()))
    report = sentiment.by_file(found, np.arange(len(found)))
    assert [report["files"][name]["three_classes"]["accuracy"] for name in "ab"] == [1, 0]
    assert report["tables"]["three_classes"]["accuracy"] == 0.5
    assert sentiment.by_file(found[:1], np.arange(1))["files"] == {}


def test_mentions_count_only_objects_that_were_judged() -> None:
    posts = mentions.merged("f", [("Ива", frozenset({"iva"})), ("Ива", frozenset({"oak"}))])
    posts += [
        mentions.Post("f", "лес", frozenset({"iva", "fern"})),
        mentions.Post("f", "ива дуб", frozenset()),
    ]
    places = {
        "Ива": [Match("iva", 0, 3, "Ива", "alias"), Match("iva", 0, 3, "Ива", "hashtag")],
        "лес": [Match("elm", 0, 3, "лес", "translit")],
        "ива дуб": [Match("iva", 0, 3, "ива", "alias")],
    }
    pairs = mentions.compare(posts, places.__getitem__, {"iva", "oak", "elm"})
    report = mentions.report(posts, pairs, {"iva", "oak", "elm"})
    counts = {kind: report["all"][kind] for kind in ("hit", "missed", "false")}
    assert counts == {"hit": 1, "missed": 2, "false": 1}
    assert (report["all"]["recall"], report["all"]["precision"]) == (0.3333, 0.5)
    assert report["unjudged"] == {"elm": 1}
    assert report["not_watched"] == {"fern": 1}
    assert report["rules"]["alias"] == {"hit": 1, "false": 1, "alone": 0, "precision": 0.5}
    shown = mentions.mistakes(posts, pairs, 9)
    assert [(item["outcome"], item["object"]) for item in shown] == [
        ("missed", "oak"),
        ("missed", "iva"),
        ("false", "iva"),
    ]


def entity(start: int, end: int, type_: Any, normal: str = "н") -> Entity:
    return Entity(text="т", normal=normal, type=type_, start=start, end=end)


def test_entities_differ_by_place_type_and_normal_form() -> None:
    natasha = [(entity(0, 1, "PER"),), (entity(0, 2, "LOC"), entity(3, 4, "ORG")), ()]
    molva = [(entity(0, 1, "PER", "другое"),), (entity(0, 2, "LOC"), entity(3, 4, "LOC")), ()]
    report = entities.identity(["а", "б", "в"], molva, natasha, 1)
    assert (report["differing"], report["differing_spans"], len(report["examples"])) == (2, 1, 1)
    assert report["types"]["LOC"] == {"names": 1, "precision": 0.5, "recall": 1.0, "f1": 0.6667}
    assert report["types"]["ORG"]["precision"] is None


def test_labelled_names_by_type() -> None:
    rows = entities.named_text({"text": "Иван тут", "target_span": [0, 4], "target_type": "PERSON"})
    rows += entities.named_text({"text": "врач", "target_span": [0, 4], "target_type": "PROFESSION"})
    rows += entities.named_text({"text": "Тула", "entities": [{"span": [0, 4], "type": "LOC"}]})
    found = [(entity(0, 4, "PER"),), (entity(0, 2, "ORG"),), (entity(0, 4, "LOC"), entity(1, 2, "ORG"))]
    recall = entities.gold_recall(rows, found)
    assert recall["PERSON"] == {"names": 1, "exact": 1.0, "overlap": 1.0, "typed": 1.0}
    assert recall["PROFESSION"] == {"names": 1, "exact": 0.0, "overlap": 1.0}
    scores = entities.gold_scores(rows, found)
    assert scores["LOC"]["f1"] == 1
    assert scores["ORG"] == {"names": 0, "precision": 0.0, "recall": None, "f1": 0.0}


def test_near_duplicates_of_training_texts_count_as_seen() -> None:
    long = "Сегодня утром приложение банка опять не открывалось, на кассе стояла длинная очередь"
    found = seen.among(["RT @a: " + long + "!!", "Новое", "Старое"], [long + " до обеда"], ["старое"])
    assert found.seen.tolist() == [True, False, False]
    assert len(set(found.groups.tolist())) == 3


def test_what_training_saw_is_what_its_split_says() -> None:
    if not DATA.is_dir():
        pytest.skip(f"no data sets in {DATA}: set MOLVA_DATA")
    parts = split("open", DATA)
    texts = [example.text for example in (*parts.train[::50], *parts.held_out)]
    found = seen.membership(texts, "open", DATA)
    learned = {letters(example.text) for example in parts.train}
    assert found.seen.tolist() == [letters(text) in learned for text in texts]
