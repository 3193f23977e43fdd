"""Where the object of a labelled row stands in its text: as labelled, by the watchlist, or by its name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.core.mentions import Match
from pipeline.nlp import annotator, corpora
from pipeline.nlp.corpora import NAMES_2016
from pipeline.nlp.scoring.rows import Labelled, Span

How = Literal["labelled", "watchlist", "name", "nowhere"]
_KNOWN = frozenset(NAMES_2016.values())


@dataclass(frozen=True)
class Finder:
    """``find`` is the watchlist's matcher and ``watched`` the ids of its objects."""

    find: Callable[[str], Sequence[Match]] = lambda text: ()
    watched: Collection[str] = ()

    def places(self, row: Labelled) -> tuple[How, tuple[Span, ...]]:
        """How the object was found, and its places in the text.

        Objects that are not watched are looked for by their names: the banks and operators of the tweets by
        the patterns that training uses, others by the words of the target with any ending.
        """
        if row.span is not None:
            return "labelled", (row.span,)
        if row.target in self.watched:
            how: How = "watchlist"
            spans = tuple((m.start, m.end) for m in self.find(row.text) if m.object_id == row.target)
        else:
            how = "name"
            search = corpora.find_name if row.target in _KNOWN else annotator.find_name
            spans = tuple(search(row.target, row.text))
        return (how, spans) if spans else ("nowhere", ())
