"""A period of the past of one channel and its comments."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import NamedTuple

from agents.base import Collected
from agents.telegram.account import Account
from agents.telegram.channel import Channel
from agents.telegram.cursor import MAX_THREADS
from agents.telegram.room import Room
from agents.telegram.threads import Threads


class Part(NamedTuple):
    """Some items; where ``whole``, the channel's state may be saved after them."""

    items: list[Collected]
    whole: bool


async def period(channel: Channel, account: Account, until: datetime) -> AsyncIterator[Part]:
    """Messages of a channel made with ``since``, up to ``until``; comments by their own dates.

    Raises:
        AgentError: what `Account.ask` raises.
    """
    if channel.room.state.looked is None:
        await channel.look(account)
        yield Part([], True)
    threads = channel.comments if isinstance(channel.comments, Threads) else None
    async for items in _pages(channel.room, account, until):
        yield Part(items, threads is None)
        if threads is not None:
            async for comments in _under(threads, channel.room, account):
                yield Part(comments, False)
            yield Part([], True)
    if isinstance(channel.comments, Room):
        async for items in _pages(channel.comments, account, until):
            yield Part(items, True)


async def _pages(room: Room, account: Account, until: datetime) -> AsyncIterator[list[Collected]]:
    while room.state.filling:
        items = await room.fill(account)
        if any(message.date >= until for message in room.read):
            room.state = room.state.changed(goal=0)
        yield items


async def _under(threads: Threads, room: Room, account: Account) -> AsyncIterator[list[Collected]]:
    """The comments under the posts of the last page."""
    posts = list(room.read)
    for start in range(0, len(posts), MAX_THREADS):
        threads.room.state = threads.room.state.changed(threads={})
        threads.note(posts[start : start + MAX_THREADS])
        async for comments in threads.steps(account):
            yield comments
    threads.room.state = threads.room.state.changed(threads={})
