"""The examples of the strong tier's training: what is asked, which head answers, and the labels that are
right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

from pipeline.nlp.contrast import contrasts
from pipeline.nlp.example import Example
from pipeline.nlp.parts import Split, Which, split
from pipeline.nlp.splits import group, position
from pipeline.nlp.tiers import CLASSES, LABELS, Question, Spans

Head = Literal["text", "object"]

DEVELOPMENT = 0.05
"""Share of the training groups that calibrates and chooses; not learned from."""

JOINED = 0.25
"""Pairs of examples with two objects and two verdicts (`contrasts`), tried per short labelled example."""

LATIN_SHARE = 0.06
LOWER_SHARE = 0.1


@dataclass(frozen=True)
class Item:
    """A question, the head that answers it, and the indexes of its answers that count as right."""

    question: Question
    head: Head
    right: tuple[int, ...]
    corpus: str


@dataclass(frozen=True)
class Material:
    """What is learned from, what calibrates, and what nothing but the report sees."""

    train: list[Item]
    joined: list[Item]
    """Two texts in one, with two objects and two verdicts; made of those of ``train``."""
    development: list[Item]
    held_out: list[Item]


def material(which: Which, data_dir: Path, seed: int) -> Material:
    """The data of a model, split as the fast tier splits it (`parts.split`).

    Raises:
        FileNotFoundError: a data set is not in the directory.
    """
    parts = split(which, data_dir, seed)
    aside = is_development(parts, seed)
    learned = [example for example, out in zip(parts.train, aside, strict=True) if not out]
    joined, _ = contrasts(learned, [0] * len(learned), seed, JOINED)
    return Material(
        train=[_item(e) for e in learned],
        joined=[_item(e) for e in joined],
        development=[_item(e) for e, out in zip(parts.train, aside, strict=True) if out],
        held_out=[_item(e) for e in parts.held_out],
    )


def is_development(parts: Split, seed: int) -> list[bool]:
    """Which of the training examples are of the development part; none of the project's own."""
    names = group([example.text for example in parts.train])
    return [
        not example.frame and position(name, seed + 1) < DEVELOPMENT
        for example, name in zip(parts.train, names, strict=True)
    ]


def _item(example: Example) -> Item:
    if example.about:
        question = Question(example.text, example.spans, example.about)
        return Item(question, "object", (LABELS.index(example.label),), example.corpus)
    if example.fine:
        right: tuple[int, ...] = (CLASSES.index(example.fine),)
    else:
        label = LABELS.index(example.label)
        right = (label, 3, 4) if example.label == "neutral" else (label,)
    return Item(Question(example.text), "text", right, example.corpus)


def varied(items: Sequence[Item], random: Random) -> list[Item]:
    """The items, a part of them in lower case and a part in Latin letters, as people also write."""
    return [_vary(item, random.random()) for item in items]


def _vary(item: Item, chance: float) -> Item:
    if chance >= LATIN_SHARE + LOWER_SHARE:
        return item
    text, spans, name = item.question
    if chance < LATIN_SHARE:
        text, spans = _romanised(text, spans)
    elif len(text.lower()) == len(text):
        text = text.lower()
    return Item(Question(text, spans, name), item.head, item.right, item.corpus)


_LATIN = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
        "a b v g d e e zh z i y k l m n o p r s t u f h c ch sh sch | y ' e yu ya".replace("|", "").split(
            " "
        ),
        strict=True,
    )
)
_LATIN |= {letter.upper(): latin.capitalize() for letter, latin in _LATIN.items()}


def _romanised(text: str, spans: Spans) -> tuple[str, tuple[tuple[int, int], ...]]:
    places = [0]
    pieces = []
    for char in text:
        pieces.append(_LATIN.get(char, char))
        places.append(places[-1] + len(pieces[-1]))
    return "".join(pieces), tuple((places[start], places[end]) for start, end in spans)
