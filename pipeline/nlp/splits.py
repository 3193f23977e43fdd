"""Near-duplicate groups: retweets and copies of one text must not stand on both sides of a split."""

from __future__ import annotations

import heapq
import re
from collections.abc import Sequence
from dataclasses import replace
from zlib import crc32

from pipeline.nlp.example import Example
from schemas.base import Label

_NOT_SAID = re.compile(r"https?://\S*|www\.\S*|@\w+|\bRT\b|&(?:\w+;)+")
_NOT_LETTERS = re.compile(r"[\W\d_]+")
_WINDOW = 24
_KEPT = 6


def letters(text: str) -> str:
    """What identifies a text: its letters, without links, handles, ``RT``, digits, punctuation, case."""
    return _NOT_LETTERS.sub("", _NOT_SAID.sub(" ", text)).lower().replace("ё", "е")


def group(texts: Sequence[str]) -> list[str]:
    """The group of each text, named by its first member in alphabetical order.

    Texts are of one group where their letters are the same or they share one of their fingerprints
    (`_fingerprints`), and so on transitively: copies with a comment before, a cut end, a changed word.
    """
    forms = [letters(text) for text in texts]
    parents = list(range(len(forms)))

    def root(index: int) -> int:
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    first: dict[str | int, int] = {}
    for index, form in enumerate(forms):
        keys: list[str | int] = [form, *_fingerprints(form)]
        for key in keys:
            parents[root(index)] = root(first.setdefault(key, index))
    names: dict[int, str] = {}
    for index, form in enumerate(forms):
        names[root(index)] = min(form, names.get(root(index), form))
    return [names[root(index)] for index in range(len(forms))]


def _fingerprints(form: str) -> list[int]:
    """The smallest hashes of its runs of 24 letters: texts that share most runs share one of these."""
    data = form.encode("utf-16-le", "replace")
    runs = {crc32(data[at : at + 2 * _WINDOW]) for at in range(0, len(data) - 2 * _WINDOW + 1, 2)}
    return heapq.nsmallest(_KEPT, runs)


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
    contradict each other, or an object only stands by (`Example.aside`), it is left out.
    """
    by_text: dict[str, list[Example]] = {}
    for example in examples:
        by_text.setdefault(letters(example.text), []).append(example)
    chosen = []
    for same in by_text.values():
        polar: set[Label] = {example.label for example in same} - {"neutral"}
        if len(polar) < 2 and not any(example.aside for example in same):
            label = polar.pop() if polar else "neutral"
            chosen.append(replace(same[0], label=label, spans=()))
    return chosen
