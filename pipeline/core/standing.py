"""Whose words a post is, and in whose own community it stands: enrichment asks once per post. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from pipeline.core.accounts import Owners
from pipeline.core.watchlist import Watchlist
from schemas import Author, Channel, RawPost

_OTHERS: Final = frozenset({"subreddit", "group", "chat", "forum"})
"""Kinds of channels where everybody posts: one does not speak through what has lost its author."""
_WALL = re.compile(r"(?:wall|photo|video|topic|clip|market)?(-?\d+)_\w+")
_CHANNEL = re.compile(r"([A-Za-z][\w.]{2,63})/\d+(?:[/?].*)?")


class Standing(NamedTuple):
    """Ids of watchlist objects; both are empty for most posts."""

    spoken_by: Sequence[str] = ()
    """The objects whose own account wrote the post."""
    community_of: Sequence[str] = ()
    """The objects in whose own community it stands."""


class Places:
    """What the watchlist's accounts tell of a post; without memory, so the same on every worker."""

    def __init__(self, watchlist: Watchlist) -> None:
        self._owners = Owners(watchlist)

    def standing(self, post: RawPost) -> Standing:
        """Both at once."""
        community = self.community(post)
        return Standing(self._speakers(post, community), community)

    def community(self, post: RawPost) -> tuple[str, ...]:
        """The owners of the place where the post stands; a name counts only for an ``own`` channel."""
        channel = post.channel
        names = () if channel is None else (channel.handle, channel.id, channel.name if channel.own else "")
        return self._owners.of(post.source, names) or self.of_id(post.native_id, post.source)

    def of_id(self, native_id: str, source: str) -> tuple[str, ...]:
        """The owners of the wall or channel that a native id names: wall-123_456, teplobank/17."""
        found = _WALL.fullmatch(native_id) or _CHANNEL.fullmatch(native_id)
        return () if found is None else self._owners.of(source, (found[1],))

    def _speakers(self, post: RawPost, community: tuple[str, ...]) -> tuple[str, ...]:
        """Whose own words the post is.

        Who writes under the channel's id, or of whom the agent knows that the company writes, speaks for the
        channel; so does what a channel publishes without an author, unless it is a place where all publish:
        there its author was deleted.
        """
        author, channel = post.author, post.channel
        if author is None:
            alone = post.channel is None or post.channel.kind not in _OTHERS
            return community if alone and post.kind in ("post", "repost") else ()
        # display names are free to choose: they count only where there is nothing better
        name = "" if author.handle else author.name
        written = self._owners.of(post.source, (author.handle, author.id, name))
        if written or not (author.own or (channel is not None and author.id == channel.id)):
            return written
        return community


def by_account(spoken_by: Sequence[str], community_of: Sequence[str], *, as_channel: bool) -> bool:
    """Whether the watchlist of then may have marked a stored author: by an account, or as the channel itself.

    Today's watchlist says that again, or takes it back. Of another author who speaks for the community alone
    the agent has told that the company writes, and no watchlist says it again.
    """
    return bool(spoken_by) and (as_channel or not set(spoken_by) <= set(community_of))


def marked(post: RawPost, standing: Standing) -> RawPost:
    """The post with ``author.own`` and ``channel.own`` where the watchlist's accounts tell so.

    What the agent has marked stays so.
    """
    update: dict[str, Author | Channel] = {}
    if standing.spoken_by and post.author is not None and not post.author.own:
        update["author"] = post.author.model_copy(update={"own": True})
    if standing.community_of and post.channel is not None and not post.channel.own:
        update["channel"] = post.channel.model_copy(update={"own": True})
    return post.model_copy(update=update) if update else post
