"""What is usually said of an object: words, names and authors of its last week's negative mentions.

Learned from every closed hour, forgotten with a half-life of 7 days; an explanation compares a run with it.
"""

from __future__ import annotations

from collections import Counter
from math import log
from typing import Any, Final

from pipeline.core.sketches import Authors
from pipeline.core.tally import Tally
from pipeline.core.wave_words import stem

HALF_LIFE: Final = 7
"""Days."""
WORDS: Final = 250
NAMES: Final = 100
POST: Final = 100
"""Weights are whole numbers of hundredths of a post, so that a dump loses nothing."""
RAISED: Final = 3
"""An hour counts as at most so many usual ones (and 2 posts): a wave must not become its own background."""
FEW: Final = 2
BASELINE: Final = 24
"""Hours after which there is a baseline."""
_KEPT_PER_DAY: Final = 0.5 ** (1 / HALF_LIFE)


class Terms:
    """Decaying weights of words or names; the greatest ``limit`` of them stay."""

    __slots__ = ("floor", "limit", "weights")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.weights: dict[str, int] = {}
        self.floor = 0
        """As much weight a term may have that is not here: the greatest that was dropped."""

    def add(self, counts: Counter[str], scale: float) -> None:
        """Add posts per term, each worth ``scale``."""
        for term, posts in counts.items():
            self.weights[term] = self.weights.get(term, 0) + round(posts * scale)
        if len(self.weights) > 2 * self.limit:
            self._prune()

    def decay(self) -> None:
        """A day passes."""
        self.weights = {term: int(w * _KEPT_PER_DAY) for term, w in self.weights.items() if w > 1}
        self.floor = int(self.floor * _KEPT_PER_DAY)
        if len(self.weights) > self.limit:
            self._prune()

    def _prune(self) -> None:
        order = sorted(self.weights, key=lambda term: (-self.weights[term], term))
        self.floor = max(self.floor, self.weights[order[self.limit]])
        self.weights = {term: self.weights[term] for term in order[: self.limit]}

    def get(self, term: str) -> int:
        """The term's weight, or the most that it can be."""
        return self.weights.get(term, self.floor)

    def dump(self) -> list[Any]:
        """As JSON values; the inverse of `load`."""
        return [self.floor, self.weights]

    def load(self, values: list[Any]) -> None:
        """Restore what `dump` gave, also after a way through JSON."""
        self.floor, self.weights = values


class Background:
    """An object's last week."""

    __slots__ = ("authors", "daily", "days", "hours", "learned", "names", "negatives", "today", "words")

    def __init__(self) -> None:
        self.learned = 0
        """Hours, ever."""
        self.hours = 0
        """Decayed hours, negatives, and authors counted hour by hour; all in hundredths."""
        self.negatives = 0
        self.authors = 0
        self.days = 0
        """Decayed days, and authors counted day by day."""
        self.daily = 0
        self.today = Authors()
        self.words = Terms(WORDS)
        self.names = Terms(NAMES)

    @property
    def ready(self) -> bool:
        """Whether there is a baseline."""
        return self.learned >= BASELINE

    def learn(self, tally: Tally) -> None:
        """Take in a closed hour, an empty one too."""
        self.hours += POST
        self.learned += 1
        if tally.negatives:
            self._learn_posts(tally)
        if self.learned % 24 == 0:
            self._end_day()

    def _learn_posts(self, tally: Tally) -> None:
        most = max(FEW, RAISED * self.negatives / self.hours) if self.ready else tally.negatives
        share = min(1.0, most / tally.negatives)
        self.negatives += round(POST * share * tally.negatives)
        self.authors += round(POST * share * tally.authors.count())
        self.today.merge(tally.authors)
        if not len(tally.sample):
            return
        scale = POST * share * tally.negatives / len(tally.sample)
        self.words.add(word_posts(tally), scale)
        self.names.add(name_posts(tally), scale)

    def _end_day(self) -> None:
        count = float(self.today.count())
        if self.days:
            count = min(count, max(FEW, RAISED * self.daily / self.days))
        self.days += POST
        self.daily += round(POST * count)
        self.today = Authors()
        for name in ("hours", "negatives", "authors", "days", "daily"):
            setattr(self, name, int(getattr(self, name) * _KEPT_PER_DAY))
        self.words.decay()
        self.names.decay()

    def usual_authors(self, hours: float) -> float:
        """Unique authors that ``hours`` usually have; 0 before there is a baseline.

        Authors return, so they grow slower than time: by a power of it (Heaps' law) that the means of an
        hour and of a day determine.
        """
        if not self.ready or not self.authors or not self.daily:
            return 0.0
        hourly, daily = self.authors / self.hours, self.daily / self.days
        power = min(1.0, max(0.0, log(daily / hourly) / log(24)))
        return hourly * float(hours ** (power if hours > 1 else 1.0))

    def usual_negatives(self, hours: float) -> float:
        """Negative mentions that ``hours`` usually have."""
        return self.negatives / self.hours * hours if self.hours else 0.0

    def dump(self) -> list[Any]:
        """As JSON values; the inverse of `load`."""
        today = self.today.dump() if self.today.hashes else []
        counts = [self.learned, self.hours, self.negatives, self.authors, self.days, self.daily]
        return [*counts, today, self.words.dump(), self.names.dump()]

    @classmethod
    def load(cls, values: list[Any]) -> Background:
        """Restore what `dump` gave, also after a way through JSON."""
        one = cls()
        one.learned, one.hours, one.negatives, one.authors, one.days, one.daily, today, words, names = values
        one.today = Authors.load(today)
        one.words.load(words)
        one.names.load(names)
        return one


def word_posts(tally: Tally) -> Counter[str]:
    """Sampled posts by the stem of a word that they have."""
    return Counter(key for post in tally.sample for key in {stem(word) for word in post.words})


def name_posts(tally: Tally) -> Counter[str]:
    """Sampled posts by a name that they have."""
    return Counter(name for post in tally.sample for name in dict.fromkeys(post.names))
