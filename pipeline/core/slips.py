"""An index of the aliases' letters that tells for which name a word can be a misspelling.

The index is that of symmetric deletion (W. Garbe's SymSpell): two words one error apart share a form with one
letter left out. Only the first `PREFIX` letters are indexed, so all endings of a name share their few keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pipeline.core.lexicon import Entry, Key
from pipeline.core.misspelling import MIN_LETTERS, is_slip, sound, sounds_alike

PREFIX: Final = 6
_EDGE: Final = 3
"""An error leaves the first or the last letters of a word as they are: a quick way out for most words."""
_HEARD: Final = "\x00"
"""Before the keys that are sounds, not letters."""


class Slips:
    """Built from a lexicon; works on skeletons of single words."""

    def __init__(self, keys: Mapping[str, Key]) -> None:
        self._entries: list[Entry] = []
        self._spellings: list[list[str]] = []
        self._by_letters: dict[str, tuple[int, ...]] = {}
        self._heads: set[str] = set()
        self._tails: set[str] = set()
        numbers: dict[Entry, int] = {}
        for letters, key in keys.items():
            if len(letters) >= MIN_LETTERS and letters.isalpha():
                for entry in dict.fromkeys(entry for _, entry in key.names() if entry.misspelled):
                    self._add(letters, entry, numbers.setdefault(entry, len(numbers)))

    @property
    def size(self) -> int:
        """How many keys the index has."""
        return len(self._by_letters)

    def meant(self, word: str) -> Entry | None:
        """The name that ``word`` (not itself one) can be a misspelling of; None: of none or of several."""
        if word[:_EDGE] not in self._heads and word[-_EDGE:] not in self._tails:
            return None
        heard = sound(word)
        numbers = {number for key in _keys(word, heard) for number in self._by_letters.get(key, ())}
        if not numbers:
            return None
        meant = [self._entries[number] for number in sorted(numbers) if self._means(word, heard, number)]
        return meant[0] if len({entry.object_id for entry in meant}) == 1 else None

    def _add(self, letters: str, entry: Entry, number: int) -> None:
        if number == len(self._entries):
            self._entries.append(entry)
            self._spellings.append([])
        self._spellings[number].append(letters)
        self._heads.add(letters[:_EDGE])
        self._tails.add(letters[-_EDGE:])
        single = (number,)
        for key in _keys(letters, sound(letters)):
            known = self._by_letters.get(key)
            if known is None:
                self._by_letters[key] = single
            elif number not in known:
                self._by_letters[key] = known + single

    def _means(self, word: str, heard: str, number: int) -> bool:
        entry = self._entries[number]
        careful = entry.is_person or entry.rule == "translit"
        return any(
            is_slip(word, name, careful=careful) or sounds_alike(word, heard, name)
            for name in self._spellings[number]
        )


def _keys(word: str, heard: str) -> list[str]:
    start = word[:PREFIX]
    keys = [start[:at] + start[at + 1 :] for at in range(len(start))]
    keys += start, _HEARD + heard[: PREFIX - 1]
    return keys
