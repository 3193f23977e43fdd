"""Reads the labelled data sets of ``../shared/data`` as examples for training and evaluation.

Their texts stay where they are: only hashed, aggregated weights leave the training.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pipeline.nlp.example import Corpus, Example, Parsed, Verdict
from pipeline.nlp.own_examples import CORPUS as OWN
from schemas.base import Label

__all__ = ["CORPORA", "FULL", "NAMES_2016", "OPEN", "Corpus", "Example", "find_name"]

_POLARITY: dict[str, Label] = {
    "joy": "positive",
    "sadness": "negative",
    "anger": "negative",
    "fear": "negative",
    "positive": "positive",
    "negative": "negative",
    "neutral": "neutral",
    "speech": "neutral",
    "skip": "neutral",
}

_NAMES = {
    "sberbank": r"сбер|cбер|sber",
    "vtb": r"втб|vtb|вэтэбэ",
    "gazprom": r"газпром|gazprom|гпб\b",
    "alfabank": r"альфа|alfa|альфу|альфе",
    "bankmoskvy": r"банк\w* москв|бм\b|bank of moscow|bm\b|банкмоскв|bankmosk|москвы\b",
    "raiffeisen": r"рай+ф|raif",
    "uralsib": r"ура[лд]с[иы]б|uralsib",
    "rshb": r"рос+ель?хоз|рсхб|rshb|rosselhoz|сельхоз",
    "beeline": r"бил+а[йи]н|beeli|билайн|пчелайн|билан|бииилайн",
    "mts": r"мтс|mts|мтесе|эмтээс",
    "megafon": r"мега|mega|мгф\b",
    "tele2": r"теле\W?2|tele\W?2|теледва|теле два",
    "rostelecom": r"ростел|rostel|ртк\b",
    "komstar": r"комстар|comstar|komstar",
    "skylink": r"ска[йи]\W?линк|sky\W?link",
}
NAMES_2016 = {
    "сбербанк": "sberbank",
    "втб": "vtb",
    "газпромбанк": "gazprom",
    "альфабанк": "alfabank",
    "банкмосквы": "bankmoskvy",
    "райффайзенбанк": "raiffeisen",
    "уралсиб": "uralsib",
    "россельхозбанк": "rshb",
    "билайн": "beeline",
    "мтс": "mts",
    "мегафон": "megafon",
    "теледва": "tele2",
    "ростелеком": "rostelecom",
    "комстар": "komstar",
    "скайлинк": "skylink",
}
_PATTERNS = {name: re.compile(rf"(?<![^\W_])(?:{body})\w*", re.I) for name, body in _NAMES.items()}


def find_name(name: str, text: str) -> tuple[tuple[int, int], ...]:
    """Where one of the banks and operators of the tweets stands in a text (tolerant of misspelling)."""
    return tuple(match.span() for match in _PATTERNS[name].finditer(text))


def _tweet(row: dict[str, Any]) -> Parsed:
    for name, label in row["targets"].items():
        yield Verdict(label, name, find_name(name, row["text"]))


def _target(row: dict[str, Any]) -> Parsed:
    name = NAMES_2016[row["target"]]
    yield Verdict(row["label"], name, find_name(name, row["text"]))


def _entity(row: dict[str, Any]) -> Parsed:
    start, end = row["target_span"]
    yield Verdict(row["label"], row["target"], ((start, end),))


def _text(row: dict[str, Any]) -> Parsed:
    yield Verdict(_POLARITY[row["label"]], fine=row["label"])


def _emotions(row: dict[str, Any]) -> Parsed:
    """Emotions to polarity; surprise and mixed feelings have none, so such rows are left out."""
    polarities = {_POLARITY[emotion] for emotion in row["emotions"] if emotion != "surprise"}
    if not row["emotions"]:
        yield Verdict("neutral")
    elif len(polarities) == 1:
        yield Verdict(polarities.pop())


_NONE = "none stated; research"
CORPORA: dict[str, Corpus] = {
    corpus.name: corpus
    for corpus in (
        Corpus("rusentne2023", "rusentne2023_train.jsonl", "MIT", "news", _entity),
        Corpus("cedr", "cedr_train.jsonl", "Apache-2.0", "texts", _emotions),
        Corpus("rusentitweet", "rusentitweet_train.jsonl", _NONE, "texts", _text),
        Corpus("tweets_banks_2014", "tweets_banks_2014.jsonl", _NONE, "banks", _tweet),
        Corpus("tweets_telecoms_2014", "tweets_telecoms_2014.jsonl", _NONE, "telecom", _tweet),
        Corpus("sentirueval2016_banks", "sentirueval2016_banks_train.jsonl", _NONE, "banks", _target),
        Corpus("sentirueval2016_telecom", "sentirueval2016_telecom_train.jsonl", _NONE, "telecom", _target),
        OWN,
    )
}
OPEN: Sequence[str] = ("rusentne2023", "cedr", OWN.name)
FULL: Sequence[str] = tuple(CORPORA)
