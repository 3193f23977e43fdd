"""A period of the past of one channel: its end is found by halving, then it is read from there backwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final

from agents.base import Collected
from agents.telegram_web.channel import Channel
from agents.telegram_web.cursor import Hole
from agents.telegram_web.page import Page

PAGE: Final = 20


async def period(channel: Channel, since: datetime, until: datetime) -> AsyncIterator[list[Collected]]:
    """The channel's posts from ``since`` to before ``until``, newest first.

    Raises:
        SourceUnavailable: what `Channel.page` raises.
    """
    if not channel.state.last:
        newest = await channel.page()
        channel.recognise(newest)
        high = await _end(channel, newest, until)
        channel.state = channel.state.changed(last=max(high, 1), hole=Hole(low=0, high=high))
        yield []
    while (hole := channel.state.hole) is not None:
        items = await channel.fill(hole)
        if channel.reached is not None and channel.reached < since:
            channel.state = channel.state.changed(hole=None)
        yield items


async def _end(channel: Channel, newest: Page, until: datetime) -> int:
    """A number above all posts before ``until``, and at most a page or so above the last of them."""
    if not newest.posts:
        return 0
    if not _is_after(newest, until):
        return newest.posts[-1].number + 1
    low, high = 0, newest.posts[0].number
    while high - low > PAGE:
        middle = (low + high) // 2
        page = await channel.page(before=middle)
        if page.posts and _is_after(page, until):
            high = page.posts[0].number
        else:
            low = middle
    return high


def _is_after(page: Page, until: datetime) -> bool:
    moment = page.posts[0].moment
    return moment is not None and moment >= until
