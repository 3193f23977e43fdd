"""What a bucket or a run holds beyond counts: what explains a spike (`pipeline.core.explanation`).

Filled mention by mention while a bucket is pending, merged bucket by bucket into a run. Adding and merging
do not depend on order, so that every interleaving of raw partitions gives the same explanation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import log10
from typing import Any, Final, TypeVar

from pipeline.core.sample import Sample, priority, sampled
from pipeline.core.sketches import Authors, Posts, fingerprint
from pipeline.core.windows import seconds
from schemas import Mention, TopPost, TopSource
from schemas.signals import AspectName

__all__ = ["Tally", "fingerprint"]

TOP: Final = 5
TYPICAL: Final = 5
FIRST: Final = 6
SOURCES: Final = 64
CHANNELS: Final = 64
_NOISE: Final = re.compile(r"https?://\S+|@\w+|^rt\b")
_WORD: Final = re.compile(r"\w+")

Name = TypeVar("Name", bound=str)


class Tally:
    """Mentions of one object in one span of event time; all but the counts is about the negative ones."""

    __slots__ = (
        *("aspects", "authors", "channels", "duplicates", "first", "names", "negatives", "posts", "sample"),
        *("sources", "total", "typical"),
    )

    def __init__(self) -> None:
        self.negatives = 0
        self.total = 0
        self.duplicates = 0
        """Near-duplicates of an earlier post."""
        self.sources: dict[str, int] = {}
        self.channels: dict[str, int] = {}
        """By ``<source>:<channel id>``."""
        self.names: dict[str, str] = {}
        """Of the channels."""
        self.aspects: dict[AspectName, int] = {}
        self.authors = Authors()
        self.posts = Posts(TOP)
        """Those that tell the most: very negative and of great reach."""
        self.typical = Posts(TYPICAL)
        """Random ones; a text is the likelier here, the more posts it has."""
        self.first = Posts(FIRST)
        """The earliest ones."""
        self.sample = Sample()

    def add(self, mention: Mention) -> None:
        """Count one mention."""
        self.total += 1
        if mention.sentiment.label != "negative":
            return
        self.negatives += 1
        signals, source, chance = mention.signals, mention.source, priority(mention.post_id)
        _count(self.sources, source)
        for aspect in signals.aspects:
            _count(self.aspects, aspect.name)
        if mention.channel:
            self._count_channel(f"{source}:{mention.channel.id}", mention.channel.name)
        self.duplicates += signals.cluster not in ("", mention.post_id)
        followers = (mention.author.followers or 0) if mention.author else 0
        author = fingerprint(f"{source}:{mention.author.id}" if mention.author else f"post/{mention.post_id}")
        self.authors.add(author, followers)
        self.sample.offer(chance, lambda: sampled(mention, author))
        text = fingerprint(signals.cluster or _words(mention) or mention.post_id)
        for posts, order in (
            (self.posts, -_rank(mention, followers)),
            (self.typical, chance),
            (self.first, seconds(mention.created_at)),
        ):
            posts.offer(text, order, mention.post_id, lambda: _top_post(mention))

    def merge(self, later: Tally) -> None:
        """Add the counts of another span, which stays as it is."""
        self.negatives += later.negatives
        self.total += later.total
        self.duplicates += later.duplicates
        self.authors.merge(later.authors)
        self.sample.merge(later.sample)
        for posts, others in zip(self._kinds(), later._kinds(), strict=True):
            posts.merge(others)
        _add(self.sources, later.sources)
        _add(self.channels, later.channels)
        _add(self.aspects, later.aspects)
        for channel, name in later.names.items():
            self.names[channel] = max(name, self.names.get(channel, ""))
        self._prune()

    def top_posts(self) -> tuple[TopPost, ...]:
        """Up to five posts, the most telling first."""
        return tuple(self.posts.ordered())

    def top_sources(self) -> tuple[TopSource, ...]:
        """Up to five sources, the most negative mentions first."""
        return tuple(TopSource(source=name, negatives=n) for name, n in ranked(self.sources)[:TOP])

    def dump(self) -> list[Any]:
        """As JSON values; the inverse of `load`."""
        posts = {post.post_id: post for kind in self._kinds() for _, post in kind.items.values()}
        table = [posts[post_id] for post_id in sorted(posts)]
        places = {post.post_id: place for place, post in enumerate(table)}
        channels = [[key, count, self.names.get(key, "")] for key, count in sorted(self.channels.items())]
        return [
            *(self.negatives, self.total, self.duplicates, self.sources, channels, self.aspects),
            self.authors.dump(),
            [_fields(post) for post in table],
            [kind.dump(places) for kind in self._kinds()],
            self.sample.dump(),
        ]

    @classmethod
    def load(cls, values: list[Any]) -> Tally:
        """Restore what `dump` gave, also after a way through JSON; or a dump of version 1 (five values)."""
        tally = cls()
        if len(values) == 5:
            return tally._load_first_version(values)
        tally.negatives, tally.total, tally.duplicates, tally.sources, channels, tally.aspects = values[:6]
        authors, table, kinds, sample = values[6:]
        tally.channels = {key: count for key, count, _ in channels}
        tally.names = {key: name for key, _, name in channels if name}
        tally.authors = Authors.load(authors)
        posts = [_post(fields) for fields in table]
        for kind, items in zip(tally._kinds(), kinds, strict=True):
            kind.load(items, posts)
        tally.sample = Sample.load(sample)
        return tally

    def _load_first_version(self, values: list[Any]) -> Tally:
        self.negatives, self.total, posts, self.sources, hashes = values
        self.authors = Authors.load(hashes)
        self.posts.items = {text: (-rank, _post(fields)) for text, rank, *fields in posts}
        return self

    def _kinds(self) -> tuple[Posts, Posts, Posts]:
        return self.posts, self.typical, self.first

    def _count_channel(self, key: str, name: str) -> None:
        _count(self.channels, key)
        if name > self.names.get(key, ""):
            self.names[key] = name
        if len(self.channels) > 2 * CHANNELS:
            self._prune()

    def _prune(self) -> None:
        if len(self.sources) > SOURCES:
            self.sources = dict(ranked(self.sources)[:SOURCES])
        if len(self.channels) > CHANNELS:
            self.channels = dict(ranked(self.channels)[:CHANNELS])
            self.names = {key: name for key, name in self.names.items() if key in self.channels}


def ranked(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """The greatest first, equals by name."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _count(counts: dict[Name, int], name: Name) -> None:
    counts[name] = counts.get(name, 0) + 1


def _add(counts: dict[Name, int], more: Mapping[Name, int]) -> None:
    for name, negatives in more.items():
        counts[name] = counts.get(name, 0) + negatives


def _words(mention: Mention) -> str:
    """The text without links and names: no five retweets of one."""
    return " ".join(_WORD.findall(_NOISE.sub(" ", mention.excerpt.casefold())))


def _rank(mention: Mention, followers: int) -> float:
    """How telling a negative post is: how negative, and how many people it reaches."""
    engagement = mention.engagement
    reach = (engagement.likes or 0) + (engagement.reposts or 0) + (engagement.comments or 0) + followers
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
        created_at=mention.created_at,
        source=mention.source,
    )


_FIELDS: Final = ("post_id", "url", "excerpt", "author", "followers", "p_negative", "source", "created_at")
_FIRST_FIELDS: Final = _FIELDS[:6]


def _fields(post: TopPost) -> list[Any]:
    created = post.created_at.isoformat() if post.created_at else None
    return [*(getattr(post, name) for name in _FIELDS[:-1]), created]


def _post(fields: list[Any]) -> TopPost:
    names = _FIELDS if len(fields) == len(_FIELDS) else _FIRST_FIELDS
    return TopPost.model_validate(dict(zip(names, fields, strict=True)))
