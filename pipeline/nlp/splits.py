"""Near-duplicate groups: retweets and copies of one text must not stand on both sides of a split."""

from __future__ import annotations

import re
from collections.abc import Sequence
from zlib import crc32

from pipeline.nlp.corpora import Example
from schemas.base import Label

_NOT_LETTERS = re.compile(r"https?://\S+|www\.\S+|@\w+|\bRT\b|&\w+;|[\W\d_]+")
_PIECE = 40


def letters(text: str) -> str:
    """What identifies a text: its letters, without links, handles, ``RT``, digits, punctuation, case."""
    return _NOT_LETTERS.sub("", text).lower().replace("ё", "е")


def group(texts: Sequence[str]) -> list[str]:
    """The group of each text, named by its first member in alphabetical order.

    Texts are of one group where their letters are the same, or the first or last 40 of them (a retweet is cut
    at its end, a repost has a comment before it), and so on transitively.
    """
    forms = [letters(text) for text in texts]
    parents = list(range(len(forms)))

    def root(index: int) -> int:
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    first: dict[str, int] = {}
    for index, form in enumerate(forms):
        keys = [form] if len(form) < _PIECE else [form, f"^{form[:_PIECE]}", f"{form[-_PIECE:]}$"]
        for key in keys:
            parents[root(index)] = root(first.setdefault(key, index))
    names: dict[int, str] = {}
    for index, form in enumerate(forms):
        names[root(index)] = min(form, names.get(root(index), form))
    return [names[root(index)] for index in range(len(forms))]


def position(name: str, seed: int) -> float:
    """A group's place in [0, 1): the same in every run with the same seed, whatever else is in the data."""
    return crc32(name.encode("utf-8", "replace"), seed) / 2**32


def distinct(examples: Sequence[Example]) -> list[Example]:
    """The first example of each pair of text (its letters) and object."""
    chosen: dict[tuple[str, str], Example] = {}
    for example in examples:
        chosen.setdefault((letters(example.text), example.about), example)
    return list(chosen.values())


def as_texts(examples: Sequence[Example]) -> list[Example]:
    """One example per text for the sentiment of the text as a whole.

    A text that is labelled toward objects takes the polarity of those labels that are not neutral; where they
    contradict each other, it is left out.
    """
    by_text: dict[str, list[Example]] = {}
    for example in examples:
        by_text.setdefault(letters(example.text), []).append(example)
    chosen = []
    for same in by_text.values():
        polar: set[Label] = {example.label for example in same} - {"neutral"}
        if len(polar) < 2:
            label = polar.pop() if polar else "neutral"
            chosen.append(Example(same[0].corpus, same[0].text, label, same[0].about))
    return chosen
