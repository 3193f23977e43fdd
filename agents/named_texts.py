"""Which texts of a stream are kept: a cheap look for the watchlist's names before a post is made of them.

Streams of everything that is said on a platform hold thousands of posts for one that names what is watched.
The matcher is the one that annotates posts later, so nothing that it would find is left out here.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.core.mentions import Matcher
from pipeline.core.watchlist import Watchlist
from pipeline.nlp.inflection import Inflector


class NamedTexts:
    """Finds the texts that name an object of the watchlist; built once per source (about 0.2 s)."""

    def __init__(self, watchlist: Watchlist) -> None:
        inflector = Inflector()
        self._find = Matcher(watchlist, inflector.forms, inflector).find

    def __contains__(self, text: object) -> bool:
        return isinstance(text, str) and bool(text) and bool(self._find(text))

    def among(self, texts: Sequence[str]) -> list[bool]:
        """For each text whether it names an object; may run in a thread."""
        return [text in self for text in texts]


def in_language(languages: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether one of the languages that a post claims is wanted: ``ru-RU`` is ``ru``; none may be any."""
    if not wanted or not languages:
        return True
    return any(each.partition("-")[0].lower() in wanted for each in languages)
