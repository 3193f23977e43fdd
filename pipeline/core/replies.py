"""Whom a post speaks to without naming: it answers an object's own post, or stands on its wall.

Enrichment asks once per post, in the order of the stream, and adds a mention without spans (rule ``reply``).
"""

from __future__ import annotations

from typing import Final

from pipeline.core.standing import Places
from pipeline.core.watchlist import Watchlist
from schemas import RawPost

RULE: Final = "reply"
CAPACITY: Final = 100_000
"""Own posts and posts of their threads that are remembered (about 20 MB); then the longest unasked go."""


class OwnThreads:
    """Remembers the objects' own posts and who answers them; bounded and without a clock.

    Deterministic: the answer depends on the posts fed before. What a channel or an id tells needs no memory,
    so it is the same however the posts are spread over workers; an answer that only its ``reply_to`` or
    ``thread_root`` gives away is recognised by the worker that saw the own post.
    """

    def __init__(self, watchlist: Watchlist, capacity: int = CAPACITY) -> None:
        self.places = Places(watchlist)
        self._capacity = capacity
        self._threads: dict[str, tuple[str, ...]] = {}

    def __len__(self) -> int:
        return len(self._threads)

    def addressed(self, post: RawPost) -> tuple[str, ...]:
        """The objects that the post is addressed to, never those that wrote it; remembers the post."""
        writers, place = self.places.standing(post)
        answered: dict[str, None] = {}
        for parent in filter(None, (post.reply_to, post.thread_root)):
            parent = _full_id(parent, post.source)
            answered |= dict.fromkeys(self._recall(parent))
            answered |= dict.fromkeys(self.places.of_id(parent.removeprefix(f"{post.source}:"), post.source))
        if writers or answered:
            self._remember(post.id, tuple(writers) or tuple(answered))
        return tuple(found for found in dict.fromkeys((*answered, *place)) if found not in writers)

    def _recall(self, post_id: str) -> tuple[str, ...]:
        owners = self._threads.pop(post_id, ())
        if owners:
            self._threads[post_id] = owners
        return owners

    def _remember(self, post_id: str, owners: tuple[str, ...]) -> None:
        self._threads.pop(post_id, None)
        self._threads[post_id] = owners
        if len(self._threads) > self._capacity:
            del self._threads[next(iter(self._threads))]


def _full_id(post_id: str, source: str) -> str:
    return post_id if post_id.startswith(f"{source}:") else f"{source}:{post_id}"
