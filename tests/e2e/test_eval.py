"""``molva eval`` as a user types it, with the shipped models on rows made up here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import molva, write_rows

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

WHOLE = [
    {"text": "Спасибо за помощь, всё быстро решили, вы лучшие!", "label": "positive"},
    {"text": "Ужасное обслуживание, больше сюда ни ногой", "label": "negative"},
    {"text": "Отделение на Ленина работает с девяти до шести", "label": "neutral"},
    {"text": "С днём рождения тебя, мой хороший!", "label": "speech"},
    {"text": "ыыы ап лол", "label": "skip"},
    {"text": "Очень довольна новым тарифом", "emotions": ["joy"]},
    {"text": "И смех и слёзы", "emotions": ["joy", "sadness"]},
]
TOWARD: list[Mapping[str, Any]] = [
    {"text": "Ромашка опять тормозит, ненавижу", "target": "romashka", "label": "negative"},
    {"text": "Обожаю Лютик, вы лучшие", "targets": {"Лютик": "positive"}},
    {
        "text": "Иванов выступил в Казани",
        "target": "Иванов",
        "target_span": [0, 6],
        "target_type": "PERSON",
        "label": "neutral",
    },
    {"text": "сбербанк ужасен, терминал не работает", "target": "сбербанк", "label": "negative"},
]
WATCHLIST = """
- id: romashka
  kind: brand
  name: Ромашка
  aliases: [Ромашка]
- id: lyutik
  kind: competitor
  name: Лютик
  aliases: [Лютик]
"""


@pytest.fixture(scope="module")
def watchlist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("eval") / "watchlist.yaml"
    path.write_text(WATCHLIST, encoding="utf-8")
    return path


def evaluated(*arguments: str | Path, code: int = 0) -> dict[str, Any]:
    done = molva("eval", *arguments, "--json")
    assert done.returncode == code, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.mark.parametrize("command", [[], ["sentiment"], ["mentions"], ["entities"]], ids=" ".join)
def test_eval_explains_itself_with_an_example(command: Sequence[str]) -> None:
    done = molva("eval", *command, "--help")
    assert done.returncode == 0
    assert "Usage: molva eval" in done.stdout
    assert not command or "Example:" in done.stdout


def test_sentiment_of_rows_of_every_kind(tmp_path: Path, watchlist: Path) -> None:
    files = [write_rows(tmp_path / "whole.jsonl", WHOLE), write_rows(tmp_path / "toward.jsonl", TOWARD)]
    options = ("--tier", "fast", "--watchlist", watchlist, "--data", tmp_path, "--mistakes", "3")
    report = evaluated("sentiment", *files, *options)
    tables = report["tables"]
    assert {name: tables[name]["rows"] for name in tables} == {
        "toward_object": 4,
        "five_classes": 5,
        "three_classes": 4,
    }
    assert tables["toward_object"]["classes"]["negative"]["recall"] == 1
    assert report["files"][str(files[0])]["three_classes"] == tables["three_classes"]
    assert (report["without_label"], report["unreadable"]) == (1, 0)
    assert report["objects_found"] == {"name": 2, "watchlist": 1, "labelled": 1}
    assert tables["toward_object"]["models"] == {report["name"]: 1.0}
    assert report["training"]["checked"] is False
    assert "rusentne2023" in report["training"]["why"]


def test_sentiment_in_words(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "rows.jsonl", WHOLE)
    done = molva("eval", "sentiment", file, "--tier", "fast", "--data", tmp_path)
    assert done.returncode == 0, done.stderr
    for words in ("five classes", "confusion", "reliability", "macro F1", "ECE", "not checked"):
        assert words in done.stdout
    assert "обслуживание" not in done.stdout


def test_unreadable_rows_are_named_and_the_others_scored(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    rows = [json.dumps(WHOLE[0]), "{", json.dumps({"text": "а", "label": "so-so"})]
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    done = molva("eval", "sentiment", file, "--tier", "fast", "--data", tmp_path, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["rows"] == 1
    assert f"{file}:2: not JSON" in done.stderr
    assert f"{file}:3: unknown label 'so-so'" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["sentiment", "no-such.jsonl", "--tier", "fast"], 2, "no-such.jsonl"),
        (["sentiment", "-", "--tier", "fast"], 1, "no row to score"),
        (["sentiment", "-", "--tier", "slow"], 2, "slow"),
        (["mentions", "-"], 2, "--watchlist"),
        (["mentions", "-", "--watchlist", "no-such.yaml"], 2, "no-such.yaml"),
        (["entities", "-"], 1, "no posts"),
    ],
    ids=str,
)
def test_wrong_use_ends_with_one_message(arguments: Sequence[str], code: int, words: str) -> None:
    done = molva("eval", *arguments, stdin="")
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_held_out_without_training_data_is_refused(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "rows.jsonl", WHOLE)
    done = molva("eval", "sentiment", file, "--tier", "fast", "--held-out", "--data", tmp_path)
    assert done.returncode == 2
    assert "--held-out needs the training data" in done.stderr


def test_mentions(tmp_path: Path, watchlist: Path) -> None:
    rows = [
        {"text": "Ромашка и Лютик", "targets": {"romashka": "neutral"}},
        {"text": "Лютику плохо", "targets": ["lyutik"]},
        {"text": "Лютый мороз", "target": "lyutik", "label": "neutral"},
        {"text": "Кактус", "target": "kaktus", "label": "neutral"},
    ]
    file = write_rows(tmp_path / "rows.jsonl", rows)
    report = evaluated("mentions", file, "--watchlist", watchlist, "--mistakes", "5")
    assert [report["all"][kind] for kind in ("hit", "missed", "false")] == [2, 1, 1]
    assert report["objects"]["romashka"]["recall"] == 1
    assert report["not_watched"] == {"kaktus": 1}
    assert [item["outcome"] for item in report["mistakes"]] == ["missed", "false"]
    done = molva("eval", "mentions", file, "--watchlist", watchlist)
    assert "by rule" in done.stdout
    assert "мороз" not in done.stdout


def test_entities(tmp_path: Path) -> None:
    report = evaluated("entities", write_rows(tmp_path / "rows.jsonl", TOWARD))
    assert report["identity"]["differing"] == 0
    assert report["identity"]["posts"] == 4
    assert report["labelled"]["PERSON"] == {"names": 1, "exact": 1.0, "overlap": 1.0, "typed": 1.0}
