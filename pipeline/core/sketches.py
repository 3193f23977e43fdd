"""Bounded summaries that do not depend on the order of what they saw: authors, and the posts that lead.

Tallies are made of them; each of them merges with another of its kind by offering it what the other kept.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any, Final

from schemas import TopPost

SKETCH: Final = 256
LEADERS: Final = 24


def fingerprint(text: str) -> int:
    """64 bits that stand for ``text``, the same in every process."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


class Authors:
    """How many different authors, and how many followers they have.

    Counts are exact below 256 authors, then estimated by the smallest hashes (error about 6 %): K minimum
    values, Bar-Yossef et al., "Counting distinct elements in a data stream", 2002. The followers of the 24
    greatest are always exact; of the others, beyond 256, the sketch is a random sample.
    """

    __slots__ = ("hashes", "leaders")

    def __init__(self) -> None:
        self.hashes: dict[int, int] = {}
        """Fingerprint -> followers (0: unknown), the smallest fingerprints only."""
        self.leaders: dict[int, int] = {}
        """The same of those with the most followers."""

    def add(self, author: int, followers: int) -> None:
        """Count the author with this fingerprint."""
        hashes = self.hashes
        known = hashes.get(author)
        if known is None or followers > known:
            hashes[author] = followers
            if len(hashes) > SKETCH:
                del hashes[max(hashes)]
        if followers:
            self._lead(author, followers)

    def merge(self, other: Authors) -> None:
        """Count the authors that ``other`` counted."""
        for author, followers in other.hashes.items():
            if followers >= self.hashes.get(author, 0):
                self.hashes[author] = followers
        if len(self.hashes) > SKETCH:
            kept = sorted(self.hashes)[:SKETCH]
            self.hashes = {author: self.hashes[author] for author in kept}
        for author, followers in other.leaders.items():
            self._lead(author, followers)

    def _lead(self, author: int, followers: int) -> None:
        leaders = self.leaders
        if followers <= leaders.get(author, 0):
            return
        leaders[author] = followers
        if len(leaders) > LEADERS:
            del leaders[min(leaders, key=lambda one: (leaders[one], one))]

    def count(self) -> int:
        """Different authors seen."""
        if len(self.hashes) < SKETCH:
            return len(self.hashes)
        return round((SKETCH - 1) * 2**64 / max(self.hashes))

    def reach(self) -> int:
        """Followers of all of them; an author who is followed by an unknown number counts none."""
        if len(self.hashes) < SKETCH:
            return sum(self.hashes.values())
        others = [followers for author, followers in self.hashes.items() if author not in self.leaders]
        rest = max(0, self.count() - len(self.leaders))
        return sum(self.leaders.values()) + round(rest * sum(others) / max(1, len(others)))

    def dump(self) -> list[Any]:
        """As JSON values; the inverse of `load`."""
        order = sorted(self.hashes)
        packed = b64encode(b"".join(author.to_bytes(8, "big") for author in order)).decode()
        followers = [self.hashes[author] for author in order]
        return [packed, followers if any(followers) else [], sorted(self.leaders.items())]

    @classmethod
    def load(cls, values: list[Any]) -> Authors:
        """Restore what `dump` gave, also after a way through JSON; or a list of fingerprints (version 1)."""
        authors = cls()
        if values and isinstance(values[0], str):
            packed, followers, leaders = values
            raw = b64decode(packed)
            order = [int.from_bytes(raw[i : i + 8], "big") for i in range(0, len(raw), 8)]
            authors.hashes = dict(zip(order, followers or [0] * len(order), strict=True))
            authors.leaders = dict(leaders)
        else:
            authors.hashes = dict.fromkeys(values, 0)
        return authors


class Posts:
    """The ``limit`` posts that come first by an order, one per text: of each text the first one.

    A text that is pushed out never belongs to the first again unless a later post of it does, so what is
    kept does not depend on the order of the offers.
    """

    __slots__ = ("items", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.items: dict[int, tuple[float, TopPost]] = {}
        """Order and post, by the fingerprint of the text."""

    def offer(self, text: int, order: float, post_id: str, post: Callable[[], TopPost]) -> None:
        """Keep the post if it is among the first; ``post`` is made only then."""
        items = self.items
        held = items.get(text)
        if held is not None:
            if (order, post_id) < (held[0], held[1].post_id):
                items[text] = order, post()
            return
        if len(items) < self.limit:
            items[text] = order, post()
            return
        last = max(items, key=lambda key: (items[key][0], items[key][1].post_id))
        if (order, post_id) < (items[last][0], items[last][1].post_id):
            del items[last]
            items[text] = order, post()

    def merge(self, other: Posts) -> None:
        """Offer what ``other`` kept."""
        for text, (order, post) in other.items.items():
            self.offer(text, order, post.post_id, lambda post=post: post)  # type: ignore[misc]

    def ordered(self) -> list[TopPost]:
        """The posts, the first one first."""
        return [post for _, post in sorted(self.items.values(), key=lambda item: (item[0], item[1].post_id))]

    def dump(self, places: Mapping[str, int]) -> list[list[Any]]:
        """As JSON values, each post by its place in the table of posts; the inverse of `load`."""
        return [[text, order, places[post.post_id]] for text, (order, post) in sorted(self.items.items())]

    def load(self, values: list[list[Any]], posts: list[TopPost]) -> None:
        """Restore what `dump` gave, also after a way through JSON."""
        self.items = {text: (order, posts[place]) for text, order, place in values}
