"""A name that the end of a shortened post cut off: "верните деньги, Сберба…"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final, NamedTuple

from pipeline.core.fold import plain
from pipeline.core.lexicon import Entry
from pipeline.core.vocabulary import Vocabulary

MIN_LETTERS: Final = 4
_ENOUGH: Final = 0.5
_MAX_COMPLETIONS: Final = 2_000
_END: Final = re.compile(r"(?<![\w@])#?([^\W\d_]{4,40}+)(?:…|\.\.\.)(?=\s*+(?:https?://\S*+\s*+)*+$)")


class Cut(NamedTuple):
    """The name that a cut word began."""

    start: int
    end: int
    entry: Entry


def cut_off(
    text: str, completions: Callable[[str], Iterable[tuple[str, Entry]]], vocabulary: Vocabulary
) -> Cut | None:
    """The name cut off at the end of ``text``, if only one object's name and no ordinary word begins so.

    Args:
        completions: the `plain` spellings that begin with the given letters, and what they stand for.
        vocabulary: ordinary words; the name itself may be one of them.
    """
    end = _END.search(text)
    if end is None:
        return None
    prefix = plain(end[1])
    found = list(islice(completions(prefix), _MAX_COMPLETIONS))
    meant = {entry.object_id for _, entry in found}
    if len(meant) != 1 or "" in meant:
        return None
    name, entry = min(found, key=lambda item: len(item[0]))
    if prefix == name or len(prefix) < max(MIN_LETTERS, _ENOUGH * len(name)):
        return None
    spellings = {spelling for spelling, _ in found}
    for word in islice(vocabulary.beginning(end[1].lower()), _MAX_COMPLETIONS):
        if plain(word) not in spellings and not plain(word).startswith(name):
            return None
    return Cut(end.start(1), end.end(1), entry)
