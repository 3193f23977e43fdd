"""Which messages of a discussion group are Telegram's copies of the channel's posts: where threads begin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from telethon.tl import functions, types

from agents.telegram.account import Account

REMEMBERED: Final = 2000
KEPT: Final = 50
"""Copies of a group that a restart remembers: the newest."""
AT_ONCE: Final = 100


class Copies:
    """Message of the group -> post of the channel, as far as they were met; asked for where they were not."""

    def __init__(self, channel: int, known: Iterable[int] = ()) -> None:
        """``known``: the newest copies of an earlier run."""
        self._channel = channel
        self._posts: dict[int, int] = {}
        self._known = frozenset(known)

    def kept(self) -> tuple[int, ...]:
        """The newest copies, as the cursor has them."""
        met = {number for number, post in self._posts.items() if post}
        return tuple(sorted(met | self._known)[-KEPT:])

    def post_of(self, message: Any) -> int:
        """The post that a message is a copy of; 0: none."""
        header = getattr(message, "fwd_from", None)
        place = getattr(header, "saved_from_peer", None)
        if header is not None and isinstance(place, types.PeerChannel) and place.channel_id == self._channel:
            return int(header.saved_from_msg_id or 0)
        return 0

    def has(self, number: int) -> bool:
        """Whether a message of the group is known as a copy."""
        return number in self._known or bool(self._posts.get(number))

    async def found(
        self, account: Account, group: Any, messages: Iterable[Any], about: str
    ) -> dict[int, int]:
        """The copies that ``messages`` are or answer to; raises what `Account.ask` does."""
        tops: dict[int, None] = {}
        for message in messages:
            if post := self.post_of(message):
                self.remember(message.id, post)
            tops |= dict.fromkeys(_answered(message))
        unknown = [number for number in tops if number not in self._posts]
        for start in range(0, len(unknown), AT_ONCE):
            part = unknown[start : start + AT_ONCE]
            asked = [types.InputMessageID(number) for number in part]
            answer = await account.ask(functions.channels.GetMessagesRequest(group, asked), about)
            met = {message.id: self.post_of(message) for message in answer.messages}
            for number in part:
                self.remember(number, met.get(number, 0))
        return {number: post for number in tops if (post := self._posts.get(number, 0))}

    def remember(self, number: int, post: int) -> None:
        """Note a message of the group: the post that it is a copy of, or 0."""
        self._posts.pop(number, None)
        self._posts[number] = post
        if len(self._posts) > REMEMBERED:
            del self._posts[next(iter(self._posts))]


def _answered(message: Any) -> tuple[int, ...]:
    """The message that it answers, and the first of its thread, in the same group."""
    header = getattr(message, "reply_to", None)
    if not isinstance(header, types.MessageReplyHeader) or header.reply_to_peer_id is not None:
        return ()
    return tuple(number for number in (header.reply_to_msg_id, header.reply_to_top_id) if number)
