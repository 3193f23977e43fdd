"""What the matcher must know of ordinary words, so that it does not take one for a disguised name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

MAX_KNOWN: Final = 65_536
MAX_TAIL: Final = 60
MAX_WORD: Final = 24
_EVERYDAY: Final = """
    а в и к о с у я бы во да до же за из их ко ли мы на не ни но ну об он от по со та те то ты уж эх ух ой ох
"""
_SHORT: Final = frozenset(_EVERYDAY.split())
"""Words of one and two letters in glued tags; a dictionary has far too many of them."""


class Vocabulary(Protocol):
    """A dictionary of word forms, lower case (`pipeline.nlp.inflection.Inflector` in production)."""

    def knows(self, word: str) -> bool:
        """Whether the word form is in the dictionary."""
        ...

    def beginning(self, prefix: str) -> Iterator[str]:
        """The word forms that begin so, in a fixed order."""
        ...


class Segmenter:
    """Tells ordinary words, also in rows without spaces; without a vocabulary it knows only the shortest."""

    def __init__(self, vocabulary: Vocabulary | None) -> None:
        self._vocabulary = vocabulary
        self._known: dict[str, bool] = {}

    def knows(self, word: str) -> bool:
        """Whether ``word`` (lower case) is an ordinary word; short ones only if they are everyday ones."""
        if len(word) < 3:
            return word in _SHORT
        known = self._known.get(word)
        if known is None:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            known = self._known[word] = self._vocabulary is not None and self._vocabulary.knows(word)
        return known

    def splits(self, letters: str) -> bool:
        """Whether ``letters`` (lower case) can be read as words one after the other; empty: yes."""
        if len(letters) > MAX_TAIL:
            return False
        reached = [True] + [False] * len(letters)
        for end in range(1, len(letters) + 1):
            reached[end] = any(
                reached[start] and self.knows(letters[start:end])
                for start in range(max(0, end - MAX_WORD), end)
            )
        return reached[-1]
