"""A random sample of a run's negative mentions: what each says, when, by whom, in which wave of copies.

Words, names, waves and signs of coordination are judged by it. It holds every mention up to `SAMPLE` of
them, so an explanation is exact for most spikes and estimated for the greatest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import chain
from typing import Any, Final, NamedTuple

from pipeline.core.sketches import fingerprint
from pipeline.core.wave_words import content_words
from pipeline.core.windows import seconds
from schemas import Mention

SAMPLE: Final = 100
YOUNG: Final = timedelta(days=30)
MAX_NAMES: Final = 6
"""Names kept of one mention."""


class Sampled(NamedTuple):
    """One negative mention, without its text."""

    second: int
    """When it was published, since 1970."""
    cluster: str
    """Its wave of near-duplicates; its own post id where it is in none."""
    author: int
    """32 bits that stand for the author, or for the post where the author is unknown."""
    young: int
    """Whether the account was younger than 30 days: 1, 0, or -1 where nobody tells."""
    told: int
    """1: passed on from elsewhere (a repost, or news); 0: said in the author's own name."""
    words: tuple[str, ...]
    names: tuple[str, ...]


class Sample:
    """The mentions with the smallest hashes: a uniform sample that merges in any order."""

    __slots__ = ("_last", "items")

    def __init__(self) -> None:
        self.items: dict[int, Sampled] = {}
        """By the hash of the post."""
        self._last = -1

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Sampled]:
        """The mentions, by their hashes."""
        return (self.items[priority] for priority in sorted(self.items))

    def offer(self, priority: int, mention: Callable[[], Sampled]) -> None:
        """Take the mention with this hash if it belongs to the sample; it is read only then."""
        items = self.items
        if len(items) < SAMPLE:
            items[priority] = mention()
            self._last = max(self._last, priority)
        elif priority < self._last and priority not in items:
            items[priority] = mention()
            del items[self._last]
            self._last = max(items)

    def merge(self, other: Sample) -> None:
        """Offer what ``other`` holds."""
        for priority, sampled in other.items.items():
            self.offer(priority, lambda sampled=sampled: sampled)  # type: ignore[misc]

    def dump(self) -> list[Any]:
        """As JSON values, every text once; the inverse of `load`."""
        order = sorted(self.items)
        texts = dict.fromkeys(chain.from_iterable(_texts(self.items[priority]) for priority in order))
        places = {text: place for place, text in enumerate(texts)}
        start = min((sampled.second for sampled in self.items.values()), default=0)
        rows = [_row(priority, self.items[priority], start, places) for priority in order]
        return [start, "\n".join(texts), rows]

    @classmethod
    def load(cls, values: list[Any]) -> Sample:
        """Restore what `dump` gave, also after a way through JSON."""
        sample = cls()
        start, joined, rows = values
        texts = joined.split("\n")
        for priority, second, author, young, told, cluster, words, *names in rows:
            sample.items[priority] = Sampled(
                start + second,
                texts[cluster],
                author,
                young,
                told,
                tuple(texts[place] for place in words),
                tuple(texts[place] for place in names),
            )
        sample._last = max(sample.items, default=-1)
        return sample


def sampled(mention: Mention, author: int) -> Sampled:
    """What the sample keeps of a mention; ``author`` is the fingerprint of its author."""
    created = mention.author.created_at if mention.author else None
    told = mention.kind == "repost" or mention.signals.type == "news" or mention.excerpt.startswith("RT @")
    return Sampled(
        second=seconds(mention.created_at),
        cluster=mention.signals.cluster or mention.post_id,
        author=author >> 32,
        young=-1 if created is None else int(mention.created_at - created < YOUNG),
        told=int(told),
        words=content_words(mention.excerpt, (span.text for span in mention.spans)),
        names=tuple(" ".join(name.split()) for name in mention.names[:MAX_NAMES]),
    )


def priority(post_id: str) -> int:
    """The hash by which posts are sampled: 52 bits, exact in any JSON reader."""
    return fingerprint(post_id) >> 12


def _texts(sampled: Sampled) -> tuple[str, ...]:
    return (sampled.cluster, *sampled.words, *sampled.names)


def _row(priority: int, sampled: Sampled, start: int, places: dict[str, int]) -> list[Any]:
    return [
        priority,
        sampled.second - start,
        sampled.author,
        sampled.young,
        sampled.told,
        places[sampled.cluster],
        [places[word] for word in sampled.words],
        *(places[name] for name in sampled.names),
    ]
