"""The ``telegram-web`` agent: reads the preview pages of its channels when they are due."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from agents.base import DEFAULT_GRACE, BadConfiguration, Collected, Progress, Refused, SourceUnavailable
from agents.pace import put_off, trouble_of
from agents.surroundings import Surroundings
from agents.telegram_names import own_channels
from agents.telegram_web.channel import Channel, Unreadable
from agents.telegram_web.cursor import ChannelState, Cursor
from agents.telegram_web.options import Options
from agents.telegram_web.past import period
from pipeline.core.accounts import Owners
from schemas.base import LIVE

INTERVAL_IN_GRACE: Final = timedelta(minutes=10)


class TelegramWebSource:
    """The channels of the options and the watchlist's own ones."""

    timeline = LIVE
    grace = DEFAULT_GRACE + INTERVAL_IN_GRACE

    def __init__(self, options: Options, around: Surroundings) -> None:
        self.name = around.agent
        self._options = options
        self._around = around
        own = own_channels(around.watchlist)
        self._handles = tuple(dict.fromkeys((*options.channels, *own)))
        if not self._handles:
            raise BadConfiguration(
                f"{self.name} has nothing to read: give it `channels`, or the watchlist accounts of telegram"
            )
        self._owners = None if around.watchlist is None else Owners(around.watchlist)

    async def posts(self, cursor: str | None) -> AsyncIterator[Collected]:
        """See `agents.base.Source.posts`."""
        channels, saved = self._channels(Cursor.read(cursor)), ""
        unread = set(self._handles)
        while True:
            channel = min(channels, key=lambda each: each.pace.due)
            if (wait := (channel.pace.due - self._around.clock()).total_seconds()) > 0:
                await self._around.sleep(wait)
            found = 0
            try:
                async for items in channel.steps():
                    for item in items:
                        yield item
                    found += len(items)
                    now = _saved(channels)
                    yield Progress(None if now == saved else now, caught_up=not unread)
                    saved = now
                channel.pace.visited(found)
            except Refused as error:
                put_off(channel.pace, error, self._around)
                if error.retry_after is not None:
                    for each in channels:
                        each.pace.postpone(error.retry_after)
            except SourceUnavailable as error:
                put_off(channel.pace, error, self._around)
            if unread:
                unread.discard(channel.handle)
                _require_some(channels)
            trouble = trouble_of(each.pace.trouble for each in channels)
            yield Progress(None, caught_up=not unread, trouble=trouble)

    async def history(self, since: datetime, until: datetime, cursor: str | None) -> AsyncIterator[Collected]:
        """See `agents.base.History`: channel by channel, each from its newest post before ``until`` back."""
        channels = self._channels(Cursor.read(cursor))
        for channel in channels:
            try:
                async for items in period(channel, since, until):
                    for item in items:
                        yield item
                    yield Progress(_saved(channels))
            except Unreadable as error:
                put_off(channel.pace, error, self._around)

    def _channels(self, known: Cursor) -> list[Channel]:
        return [
            Channel(
                handle,
                known.channels.get(handle, ChannelState()),
                self._around,
                site=self._options.site,
                history=self._options.history,
                owners=self._owners,
            )
            for handle in self._handles
        ]


def _saved(channels: Sequence[Channel]) -> str:
    return Cursor(channels={each.handle: each.state for each in channels}).written()


def _require_some(channels: Sequence[Channel]) -> None:
    """Go on where at least one channel can be read, or may be one day.

    Raises:
        BadConfiguration: none of them can.
    """
    why = [channel.pace.trouble for channel in channels]
    if all(isinstance(error, Unreadable) for error in why):
        raise BadConfiguration("none of the channels can be read: " + "; ".join(map(str, why)))
