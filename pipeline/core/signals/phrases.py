"""Lexicons of phrases, found in one pass: the language that they are written in and its automaton.

A phrase is words with white space between; ``*`` at a word's end stands for any ending, ``|`` parts
alternatives (white space may follow it), ``...`` stands for up to three words between, ``?`` after a word
makes it optional. A semicolon parts phrases: ``закры* ... счет|карт*; не ходите`` holds two.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import exp
from typing import Final, NamedTuple

import ahocorasick

_GAP: Final = "..."
_BETWEEN: Final = r"(?:\w+ ){0,3}"


class Found(NamedTuple):
    """A phrase of the lexicon ``tag`` stands in the text; ``words`` as they stand there."""

    tag: str
    words: str


class _Rule(NamedTuple):
    tag: str
    pattern: re.Pattern[str] | None
    """None: the anchor is the whole phrase."""


class Phrases:
    """All lexicons in one automaton: a pass over a text costs about a microsecond whatever their number."""

    def __init__(self, lexicons: Mapping[str, str]) -> None:
        anchors: dict[str, list[_Rule]] = {}
        for tag, lexicon in lexicons.items():
            for phrase in re.sub(r"\|\s+", "|", lexicon).split(";"):
                if phrase.strip():
                    rule, keys = _compile(tag, phrase.split())
                    for key in keys:
                        anchors.setdefault(key, []).append(rule)
        self._automaton = ahocorasick.Automaton()
        for key, rules in anchors.items():
            self._automaton.add_word(key, (len(key), tuple(rules)))
        self._automaton.make_automaton()

    def find(self, text: str) -> list[Found]:
        """The phrases that stand in a text, in the order of their ends.

        Args:
            text: words with one space before, between and after them.
        """
        found: list[Found] = []
        seen: set[re.Pattern[str]] = set()
        for end, (size, rules) in self._automaton.iter(text):
            for tag, pattern in rules:
                if pattern is None:
                    start = end - size + 2
                    found.append(Found(tag, text[start : text.index(" ", start)]))
                elif pattern not in seen:
                    seen.add(pattern)
                    if match := pattern.search(text):
                        found.append(Found(tag, match.group()))
        return found


def _compile(tag: str, elements: list[str]) -> tuple[_Rule, list[str]]:
    if elements[0] == _GAP or elements[-1] == _GAP or all(item.endswith("?") for item in elements):
        raise ValueError(f"{tag}: a phrase needs a word at each end: {' '.join(elements)}")
    certain = [item for item in elements if item != _GAP and not item.endswith("?")]
    anchor = min(certain, key=_frequency)
    if len(elements) == 1:
        return _Rule(tag, None), [_key(word) for word in anchor.split("|")]
    return _Rule(tag, re.compile(_expression(elements))), [_key(word) for word in anchor.split("|")]


def _frequency(element: str) -> float:
    """How often an element is expected to stand in a text, relatively: short words are frequent."""
    return sum(exp(-len(word)) for word in element.split("|"))


def _key(word: str) -> str:
    return f" {word[:-1]}" if word.endswith("*") else f" {word} "


def _expression(elements: list[str]) -> str:
    pieces = [r"(?<= )"]
    for index, element in enumerate(elements):
        last = "" if index == len(elements) - 1 else " "
        if element == _GAP:
            pieces.append(_BETWEEN)
        elif element.endswith("?"):
            pieces.append(f"(?:{_word(element[:-1])}{last or ' '})?")
        else:
            pieces.append(_word(element) + last)
    return "".join(pieces) + r"(?= )"


def _word(element: str) -> str:
    words = [
        re.escape(word.removesuffix("*")) + (r"\w*" if word.endswith("*") else "")
        for word in element.split("|")
    ]
    return f"(?:{'|'.join(words)})"
