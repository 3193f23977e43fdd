"""The matcher: which objects of the watchlist a text mentions, where, and why. Pure; built once per process.

One Aho-Corasick pass over the text's skeleton finds what is spelled out, ``hidden.py`` what is misspelt or
disguised; surroundings and context words decide; of candidates that overlap the longest wins.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import NamedTuple

import ahocorasick

from pipeline.core.aliases import Inflect
from pipeline.core.fold import skeleton
from pipeline.core.hidden import HiddenNames
from pipeline.core.lexicon import Entry, Key, Lexicon
from pipeline.core.placing import Candidate, Surroundings, is_word, starts_word
from pipeline.core.vocabulary import Segmenter, Vocabulary
from pipeline.core.watchlist import Watchlist

CONTEXT_CHARS = 300
"""How far to either side of an alias its context words are looked for."""

_LINK = skeleton("http")
"""An address often follows a word without a space."""

_NEVER = "\x00"
"""A skeleton holds no NUL."""

Positions = dict[int, list[int]]
"""Context word -> where in the skeleton it ends, ascending."""


class Match(NamedTuple):
    """One object at one place; offsets count characters of the text that was given."""

    object_id: str
    start: int
    end: int
    alias: str
    """The alias or account of the watchlist."""
    rule: str
    """``alias``, ``inflected``, ``derived``, ``translit``, ``homoglyph``, ``layout``, ``separated``,
    ``masked``, ``misspelled``, ``truncated``, ``hashtag``, ``handle``, ``account``: docs/watchlist.md."""


class Matcher:
    """Finds the objects of a watchlist.

    Args:
        inflect: gives the forms of a phrase (`Inflector.forms`).
        vocabulary: the ordinary words (`Inflector`). Without it, no misspellings, glued hashtags, adjectives
            or cut off names are found, which need proof that they are not words.
    """

    def __init__(self, watchlist: Watchlist, inflect: Inflect, vocabulary: Vocabulary | None = None) -> None:
        self._segmenter = Segmenter(vocabulary)
        self._automaton = ahocorasick.Automaton()
        keys = Lexicon(watchlist, inflect).keys
        for spelling, key in keys.items():
            self._automaton.add_word(spelling, key)
        self._automaton.add_word(_NEVER, Key(len(_NEVER)))  # an empty automaton cannot be searched
        self._automaton.make_automaton()
        self._hidden = HiddenNames(self._automaton, keys, vocabulary, self._segmenter)

    @property
    def size(self) -> tuple[int, int]:
        """How many spellings and context words it knows, and how many keys its index of misspellings has."""
        return len(self._automaton), self._hidden.size

    def find(self, text: str) -> list[Match]:
        """The mentions in a text of any length, in order of appearance; they do not overlap.

        Two objects with the same alias at the same place are two matches.
        """
        folded = skeleton(text)
        hits, positions = self._scan(folded, tagged="#" in text or "@" in text)
        hidden = self._hidden.find(text, folded)
        if not (hits or hidden):
            return []
        around = Surroundings(text, folded, self._segmenter)
        kept = [
            found
            for start, end, key in hits
            for found in around.candidates(start, end, key)
            if _context_holds(found.entry, start, end, positions)
        ]
        for begin, stop, start, end, entry, rule in hidden:
            if around.is_open(begin, stop) and _context_holds(entry, start, end, positions):
                kept.append(Candidate(begin, stop, entry, rule))
        return [
            Match(entry.object_id, start, end, entry.alias, rule)
            for start, end, entry, rule in _longest(kept)
            if entry.object_id
        ]

    def _scan(self, folded: str, *, tagged: bool) -> tuple[list[tuple[int, int, Key]], Positions]:
        """The spellings in a skeleton that may stand where they do, and where context words end."""
        hits: list[tuple[int, int, Key]] = []
        positions: Positions = {}
        for last, key in self._automaton.iter(folded):
            start, end = last + 1 - key.size, last + 1
            word = is_word(folded, start, end)
            if key.entries and (word or tagged or folded.startswith(_LINK, end)):
                hits.append((start, end, key))
            if key.contexts and word:
                _note(key.contexts, end, positions)
            if key.open_contexts and starts_word(folded, start):
                _note(key.open_contexts, end, positions)
        return hits, positions


def by_object(matches: Iterable[Match]) -> dict[str, list[Match]]:
    """The matches of each object, objects in the order in which they first appear."""
    grouped: dict[str, list[Match]] = {}
    for match in matches:
        grouped.setdefault(match.object_id, []).append(match)
    return grouped


def _note(contexts: Iterable[int], end: int, positions: Positions) -> None:
    for context in contexts:
        positions.setdefault(context, []).append(end)


def _context_holds(entry: Entry, start: int, end: int, positions: Positions) -> bool:
    if not (entry.required or entry.excluded):
        return True
    if entry.required and not any(_is_near(positions.get(word), start, end) for word in entry.required):
        return False
    return not any(_is_near(positions.get(word), start, end) for word in entry.excluded)


def _is_near(places: list[int] | None, start: int, end: int) -> bool:
    """Whether one of ``places`` lies within `CONTEXT_CHARS` of ``start:end``, but not in it."""
    if not places:
        return False
    before = bisect_right(places, start) - 1
    after = bisect_right(places, end)
    return (before >= 0 and places[before] >= start - CONTEXT_CHARS) or (
        after < len(places) and places[after] <= end + CONTEXT_CHARS
    )


def _longest(candidates: list[Candidate]) -> list[Candidate]:
    """Of candidates that overlap, the longest; several objects may share the very same place."""
    if len(candidates) < 2:
        return candidates
    ranked = sorted(
        candidates, key=lambda found: (found.start - found.end, found.start, not found.entry.object_id)
    )
    starts: list[int] = []
    kept: list[list[Candidate]] = []
    for found in ranked:
        at = bisect_left(starts, found.start)
        if at < len(starts) and starts[at] == found.start and kept[at][0].end == found.end:
            if all(found.entry.object_id != other.entry.object_id for other in kept[at]):
                kept[at].append(found)
        elif (at == len(starts) or found.end <= starts[at]) and (
            at == 0 or kept[at - 1][0].end <= found.start
        ):
            starts.insert(at, found.start)
            kept.insert(at, [found])
    return [found for group in kept for found in group]
