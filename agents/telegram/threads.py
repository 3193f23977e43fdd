"""Comments under a channel's posts, thread by thread, where the group that holds them may not be read.

One question tells the newest comment of up to 50 posts; only threads with news are then read. Edits and
deletions of comments are not told this way.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

from telethon.tl import functions, types

from agents.base import Collected
from agents.telegram.account import Account
from agents.telegram.cursor import MAX_THREADS
from agents.telegram.failures import Unreadable
from agents.telegram.messages import albums, is_post, post_of
from agents.telegram.room import Room

PAGE: Final = 100


class Threads:
    """The comments of ``channel``; ``room`` is the group where they stand, ``state.threads`` how far."""

    def __init__(self, room: Room, channel: Room) -> None:
        self.room = room
        self._channel = channel

    async def begin(self, account: Account) -> None:
        """Begin with the newest posts that have comments."""
        peer = self._peer()
        request = functions.messages.GetHistoryRequest(peer, 0, None, 0, PAGE, 0, 0, 0)
        answer = await account.ask(request, self._channel.name)
        self.room.state = self.room.state.changed(threads={})
        self.note(answer.messages)

    def note(self, messages: list[Any]) -> None:
        """Remember the posts that may have comments."""
        posts = {each.id: 0 for each in messages if is_post(each) and each.replies and each.replies.comments}
        self.room.state = self.room.state.noting(posts)

    async def steps(self, account: Account) -> AsyncIterator[list[Collected]]:
        """New comments, a page at a time; raises what `Account.ask` does."""
        known = dict(self.room.state.threads or {})
        if not known:
            return
        request = functions.messages.GetMessagesViewsRequest(self._peer(), list(known), increment=False)
        answer = await account.ask(request, self._channel.name)
        for (post, last), views in zip(known.items(), answer.views, strict=False):
            newest = 0 if views.replies is None else views.replies.max_id or 0
            while newest > last:
                items, read = await self._page(account, post, last)
                if read <= last:
                    read = newest  # the newest ones were deleted
                last = read
                self._read(post, last)
                yield items

    async def _page(self, account: Account, post: int, last: int) -> tuple[list[Collected], int]:
        """The next comments under a post, and the newest of them."""
        request = functions.messages.GetRepliesRequest(
            self._peer(), post, last + 1, None, -PAGE, PAGE, 0, last, 0
        )
        try:
            answer = await account.ask(request, self._channel.name)
        except Unreadable:  # the post was deleted, or its comments were closed
            return [], last
        found = [message for message in answer.messages if message.id > last]
        batch = self.room.batch(answer, self._tops(found, post))
        items: list[Collected] = [post_of(each, batch) for each in albums(filter(is_post, found))]
        return items, max((message.id for message in found), default=last)

    def _tops(self, messages: list[Any], post: int) -> dict[int, int]:
        """The copy of the post in the group: what comments answer to that answer to no other comment."""
        tops = {}
        for message in messages:
            header = message.reply_to
            if isinstance(header, types.MessageReplyHeader) and header.reply_to_msg_id:
                tops[header.reply_to_top_id or header.reply_to_msg_id] = post
        return tops

    def _read(self, post: int, last: int) -> None:
        threads = {**(self.room.state.threads or {}), post: last}
        assert len(threads) <= MAX_THREADS
        self.room.state = self.room.state.changed(threads=threads)

    def _peer(self) -> types.InputPeerChannel:
        state = self._channel.state
        return types.InputPeerChannel(state.id, state.access_hash)
