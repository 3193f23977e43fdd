"""What a bucket or a run holds beyond counts: the posts, sources and authors that explain a spike.

Filled mention by mention while a bucket is pending, merged bucket by bucket into a run. Adding and merging
do not depend on order, so that every interleaving of raw partitions gives the same explanation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import blake2b
from math import log10
from typing import Any, Final

from schemas import Mention, TopPost, TopSource

TOP: Final = 5
SKETCH: Final = 256
SOURCES: Final = 64
_NOISE: Final = re.compile(r"https?://\S+|@\w+|^rt\b")
_WORD: Final = re.compile(r"\w+")


def fingerprint(text: str) -> int:
    """64 bits that stand for ``text``, the same in every process."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


class Authors:
    """How many different authors: exact below 256, then estimated by the smallest hashes (error about 6 %).

    K minimum values: Bar-Yossef et al., "Counting distinct elements in a data stream", 2002.
    """

    __slots__ = ("hashes",)

    def __init__(self, hashes: Iterable[int] = ()) -> None:
        self.hashes = set(hashes)

    def add(self, hashes: Iterable[int]) -> None:
        """Count the authors with these fingerprints."""
        self.hashes.update(hashes)
        if len(self.hashes) > SKETCH:
            self.hashes = set(sorted(self.hashes)[:SKETCH])

    def count(self) -> int:
        """Different authors seen."""
        if len(self.hashes) < SKETCH:
            return len(self.hashes)
        return round((SKETCH - 1) * 2**64 / max(self.hashes))


class Tally:
    """Mentions of one object in one span of event time."""

    __slots__ = ("authors", "negatives", "posts", "sources", "total")

    def __init__(self) -> None:
        self.negatives = 0
        self.total = 0
        self.posts: dict[int, tuple[float, TopPost]] = {}
        """Rank and post, by the fingerprint of the text without links and names: no five retweets of one."""
        self.sources: dict[str, int] = {}
        self.authors = Authors()

    def add(self, mention: Mention) -> None:
        """Count one mention."""
        self.total += 1
        if mention.sentiment.label != "negative":
            return
        self.negatives += 1
        self.sources[mention.source] = self.sources.get(mention.source, 0) + 1
        author = f"{mention.source}:{mention.author.id}" if mention.author else f"post/{mention.post_id}"
        self.authors.add((fingerprint(author),))
        words = " ".join(_WORD.findall(_NOISE.sub(" ", mention.excerpt.casefold())))
        self._offer(fingerprint(words or mention.post_id), _rank(mention), _top_post(mention))

    def merge(self, later: Tally) -> None:
        """Add the counts of another span."""
        self.negatives += later.negatives
        self.total += later.total
        self.authors.add(later.authors.hashes)
        for source, negatives in later.sources.items():
            self.sources[source] = self.sources.get(source, 0) + negatives
        for words, (rank, post) in later.posts.items():
            self._offer(words, rank, post)
        if len(self.sources) > SOURCES:
            self.sources = dict(self._ranked_sources()[:SOURCES])

    def top_posts(self) -> tuple[TopPost, ...]:
        """Up to five posts, the most telling first."""
        return tuple(post for _, post in sorted(self.posts.values(), key=_order))

    def top_sources(self) -> tuple[TopSource, ...]:
        """Up to five sources, the most negative mentions first."""
        return tuple(TopSource(source=name, negatives=n) for name, n in self._ranked_sources()[:TOP])

    def _ranked_sources(self) -> list[tuple[str, int]]:
        return sorted(self.sources.items(), key=lambda item: (-item[1], item[0]))

    def _offer(self, words: int, rank: float, post: TopPost) -> None:
        held = self.posts.get(words)
        if held is None or _order((rank, post)) < _order(held):
            self.posts[words] = (rank, post)
            if len(self.posts) > TOP:
                del self.posts[max(self.posts, key=lambda key: _order(self.posts[key]))]

    def dump(self) -> list[Any]:
        """As JSON values; the inverse of `load`."""
        posts = [[words, rank, *_fields(post)] for words, (rank, post) in sorted(self.posts.items())]
        return [self.negatives, self.total, posts, self.sources, sorted(self.authors.hashes)]

    @classmethod
    def load(cls, values: list[Any]) -> Tally:
        """Restore what `dump` gave, also after a way through JSON."""
        tally = cls()
        tally.negatives, tally.total, posts, tally.sources, hashes = values
        tally.authors = Authors(hashes)
        names = tuple(TopPost.model_fields)
        for words, rank, *fields in posts:
            tally.posts[words] = (rank, TopPost(**dict(zip(names, fields, strict=True))))
        return tally


def _order(item: tuple[float, TopPost]) -> tuple[float, str]:
    return -item[0], item[1].post_id


def _rank(mention: Mention) -> float:
    """How telling a negative post is: how negative, and how many people it reaches."""
    engagement = mention.engagement
    reach = sum(x or 0 for x in (engagement.likes, engagement.reposts, engagement.comments))
    reach += (mention.author.followers or 0) if mention.author else 0
    return round(mention.sentiment.negative * (1.0 + log10(1.0 + reach)), 6)


def _top_post(mention: Mention) -> TopPost:
    author = mention.author
    return TopPost(
        post_id=mention.post_id,
        url=mention.url,
        excerpt=mention.excerpt,
        author=(author.handle or author.name or author.id) if author else "",
        followers=author.followers if author else None,
        p_negative=mention.sentiment.negative,
    )


def _fields(post: TopPost) -> list[Any]:
    return [getattr(post, name) for name in TopPost.model_fields]
