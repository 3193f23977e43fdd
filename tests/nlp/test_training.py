"""Training from end to end on made-up texts, and the parts that keep it honest."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from pipeline.nlp import fitting, parts, training
from pipeline.nlp.contrast import contrasts
from pipeline.nlp.corpora import CORPORA, Corpus, Example, find_name
from pipeline.nlp.sentiment import FILE, SentimentModel
from pipeline.nlp.splits import as_texts, distinct, group, letters, position
from pipeline.nlp.tiers import CLASSES
from schemas.base import Label

WORDS: dict[Label, list[str]] = {
    "negative": ["ужасно", "плохо", "кошмар", "хамят", "ненавижу"],
    "neutral": ["сегодня", "отделение", "график", "адрес", "сообщение"],
    "positive": ["отлично", "спасибо", "супер", "люблю", "радует"],
}
CHATTER = {
    "speech": ["привет", "здравствуй", "поздравляю", "пока"],
    "skip": ["хм", "эээ", "ммм", "угу"],
}
FILLERS = [
    "банк",
    "вчера",
    "мне",
    "карта",
    "очень",
    "снова",
    "касса",
    "офис",
    "номер",
    "утро",
    "город",
    "связь",
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three small sets in the formats of the real ones."""
    folder = tmp_path_factory.mktemp("data")
    chooser = random.Random(1)

    def sentence(label: Label) -> str:
        words = chooser.sample(WORDS[label], 2) + chooser.sample(FILLERS, 5)
        chooser.shuffle(words)
        return " ".join(words)

    labels = [label for label in WORDS for _ in range(60)]
    texts = [{"text": sentence(label), "label": label} for label in labels]
    texts += [
        {"text": " ".join([*chooser.sample(CHATTER[fine], 2), *chooser.sample(FILLERS, 3)]), "label": fine}
        for fine in CHATTER
        for _ in range(60)
    ]
    tweets = [{"text": f"Сбербанк {sentence(label)}", "targets": {"sberbank": label}} for label in labels]
    news = [
        {"text": f"Иванов {sentence(label)}", "target": "Иванов", "target_span": [0, 6], "label": label}
        for label in labels
    ]
    for name, rows in (("rusentitweet", texts), ("tweets_banks_2014", tweets), ("rusentne2023", news)):
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / CORPORA[name].file).write_text(lines, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def corpora() -> list[Corpus]:
    return [CORPORA[name] for name in ("rusentitweet", "tweets_banks_2014", "rusentne2023")]


def test_training_learns_reports_and_repeats(data: Path, corpora: list[Corpus], tmp_path: Path) -> None:
    said: list[str] = []
    report = training.train("open", data, tmp_path / "a", 3, said.append, corpora)
    again = training.train("open", data, tmp_path / "b", 3, said.append, corpora)
    assert report == again
    assert (tmp_path / "a" / FILE).read_bytes() == (tmp_path / "b" / FILE).read_bytes()
    assert set(report.scores) == {"rusentitweet", "rusentitweet, five classes", "banks", "news"}
    assert min(score.macro for score in report.scores.values()) > 0.8
    assert set(report.scores["rusentitweet, five classes"].f1) == set(CLASSES)
    assert said[0].endswith("held out")
    model = SentimentModel.load(tmp_path / "a" / FILE)
    assert model.whole(["ужасно, плохо", "отлично, спасибо"]).argmax(axis=1).tolist() == [0, 2]
    stored = json.loads((tmp_path / "a" / training.REPORT).read_text(encoding="utf-8"))
    assert stored == json.loads(json.dumps(report.as_json()))
    card = (tmp_path / "a" / training.CARD).read_text(encoding="utf-8")
    assert all(f"| {name} |" in card for name in report.data)
    assert report.table().row_count == 4


def test_no_text_of_the_data_is_in_what_is_written(data: Path, corpora: list[Corpus], tmp_path: Path) -> None:
    training.train("open", data, tmp_path, 3, lambda line: None, corpora)
    written = b"".join(file.read_bytes() for file in tmp_path.iterdir() if file.name != training.CARD)
    assert all(word.encode() not in written for words in WORDS.values() for word in words if len(word) > 5)


def test_missing_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="rusentne2023"):
        training.train("open", tmp_path, tmp_path / "out", report=lambda line: None)


def test_own_sentences_are_never_held_out_and_frames_stay_together(data: Path, corpora: list[Corpus]) -> None:
    made = parts.split("open", data, 3, [*corpora, CORPORA["own"]])
    own = [
        (example, fold)
        for example, fold in zip(made.train, made.folds, strict=True)
        if example.corpus == "own"
    ]
    assert len(own) > 3_000
    assert len({example.frame for example, _ in own}) == len({(example.frame, fold) for example, fold in own})
    assert all(example.corpus != "own" for example in made.held_out)


def test_five_classes_are_kept(data: Path) -> None:
    rows = CORPORA["rusentitweet"].read(data)
    assert {row.fine for row in rows} == set(CLASSES)
    assert {row.label for row in rows if row.fine in ("speech", "skip")} == {"neutral"}


def test_a_soft_label_is_learned_as_its_probable_classes() -> None:
    folds = np.tile([0, 1, 2], 40)
    design = sp.csr_matrix(np.repeat(np.eye(3), 40, axis=0)[np.argsort(folds, kind="stable")])
    share = np.array([[0.9, 0.1], [0.5, 0.5], [0.1, 0.9]])
    targets = design @ share
    head = fitting.fit(fitting.Task(design, targets, np.ones(120), folds), 1.0, 0)
    first, middle, last = (head.weights[:, 0] + head.bias[0]).tolist()
    assert first < middle < last


def test_offsets_raise_the_measure() -> None:
    labels = np.repeat([0, 1, 2], [10, 80, 10])
    scores = np.eye(3)[labels] * 0.3
    scores[:, 1] += 0.35

    def macro(some: fitting.Array) -> float:
        return float(fitting.f1(some.argmax(axis=1), labels, 3).mean())

    found = fitting.offsets(scores, macro)
    assert macro(scores) < 0.4
    assert macro(scores + found) == 1


def test_near_duplicates_stay_together() -> None:
    text = "Сбербанк попал под новые санкции Евросоюза, сообщает агентство из Брюсселя"
    copies = [
        text,
        f"RT @news: {text} http://t.co/1",
        f"RT @other: {text[:60]}…",
        f"ну вот и дождались, граждане: {text}",
        "Совсем другое дело",
    ]
    names = group(copies)
    assert len(set(names[:4])) == 1
    assert names[4] != names[0]
    assert position(names[0], 7) == position(group(copies[::-1])[-1], 7)


def test_letters_ignore_what_differs_between_copies() -> None:
    assert letters("RT @user: Привет, ЁЖ! http://t.co/x 123") == letters("привет еж")


def test_distinct_keeps_objects_apart() -> None:
    rows = [
        Example("cedr", "Текст", "neutral", "a"),
        Example("cedr", "текст!", "positive", "a"),
        Example("cedr", "Текст", "negative", "b"),
    ]
    assert distinct(rows) == [rows[0], rows[2]]


def test_a_contradictory_text_is_no_example_for_whole_texts() -> None:
    def row(text: str, label: Label, about: str) -> Example:
        return Example("rusentne2023", text, label, about)

    rows = [
        row("раз", "neutral", "a"),
        row("раз", "positive", "b"),
        row("два", "negative", "a"),
        row("два", "positive", "b"),
    ]
    assert [(example.text, example.label) for example in as_texts(rows)] == [("раз", "positive")]


def test_contrasts_keep_their_label_and_place() -> None:
    rows = [
        Example("cedr", f"{name} {word}", label, name, ((0, len(name)),))
        for name, word, label in (("Альфа", "супер", "positive"), ("Бета", "ужас", "negative")) * 10
        for label in [label]
    ]
    made, folds = contrasts(rows, [0, 0, 1, 1] * 5, seed=1)
    assert made
    assert len(made) == len(folds)
    for example in made:
        ((start, end),) = example.spans
        assert example.text[start:end] == example.about
        assert ("супер" in example.text, "ужас" in example.text) == (True, True)
        assert example.label == ("positive" if example.about == "Альфа" else "negative")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("sberbank", "в Сбере и sberbanke", ["Сбере", "sberbanke"]),
        ("mts", "@ru_mts и мтсовский", ["mts", "мтсовский"]),
        ("tele2", "Теле2, tele 2", ["Теле2", "tele 2"]),
        ("bankmoskvy", "Банк Москвы", ["Банк Москвы"]),
    ],
)
def test_names_of_the_tweets(name: str, text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in find_name(name, text)] == expected
