"""The ``telegram`` agent: reads its channels when they are due, or as soon as news of them is pushed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

from agents.base import DEFAULT_GRACE, BadConfiguration, Collected, Progress
from agents.pace import put_off, trouble_of
from agents.surroundings import Surroundings
from agents.telegram.account import ANSWER_SECONDS, Account
from agents.telegram.channel import SLOWEST, Channel
from agents.telegram.cursor import Cursor, RoomState, Saved
from agents.telegram.failures import Postponed, Troubled, Unreadable
from agents.telegram.options import Options
from agents.telegram.past import period
from agents.telegram_names import own_channels
from agents.waiting import either
from pipeline.core.accounts import Owners
from schemas.base import LIVE


class TelegramSource:
    """The channels of the options and the watchlist's own ones, read with one account."""

    timeline = LIVE
    grace = DEFAULT_GRACE + SLOWEST

    def __init__(
        self, options: Options, around: Surroundings, *, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        self.name = around.agent
        self._options = options
        self._around = around
        self._answer_seconds = answer_seconds
        own = own_channels(around.watchlist)
        self._handles = tuple(dict.fromkeys((*options.channels, *own)))
        if not self._handles:
            raise BadConfiguration(
                f"{self.name} has nothing to read: give it `channels`, or the watchlist accounts of telegram"
            )
        self._owners = None if around.watchlist is None else Owners(around.watchlist)

    async def posts(self, cursor: str | None) -> AsyncIterator[Collected]:
        """See `agents.base.Source.posts`."""
        known = Cursor.read(cursor)
        async with self._account() as account:
            channels, saved = self._channels(known, account), Saved(cursor)
            unread = set(self._handles)
            while True:
                channel = await _next(channels, account, self._around)
                found = 0
                try:
                    async for items in channel.steps(account):
                        for item in items:
                            yield item
                        found += len(items)
                        yield Progress(saved.changed(_state(channels, account)), caught_up=not unread)
                    channel.pace.visited(found, channel.room.pause)
                except Troubled as error:
                    put_off(channel.pace, error, self._around, _wait(error))
                if unread:
                    unread.discard(channel.handle)
                    _require_some(channels)
                trouble = trouble_of(each.pace.trouble for each in channels)
                yield Progress(None, caught_up=not unread, trouble=trouble)

    async def history(self, since: datetime, until: datetime, cursor: str | None) -> AsyncIterator[Collected]:
        """See `agents.base.History`: channel by channel, each from ``since`` on."""
        async with self._account() as account:
            channels, saved = self._channels(Cursor.read(cursor), account, since), Saved(cursor)
            for channel in channels:
                try:
                    async for items, whole in period(channel, account, until):
                        for item in items:
                            yield item
                        if whole:
                            yield Progress(saved.changed(_state(channels, account)))
                except Unreadable as error:
                    put_off(channel.pace, error, self._around, _wait(error))

    def _account(self) -> Account:
        return Account(self._options, self._around, answer_seconds=self._answer_seconds)

    def _channels(self, known: Cursor, account: Account, since: datetime | None = None) -> list[Channel]:
        names: dict[int, str] = {}
        channels = [
            Channel(
                handle,
                known.rooms.get(handle, RoomState()),
                self._options,
                self._around,
                names=names,
                owners=self._owners,
                since=since,
            )
            for handle in self._handles
        ]
        if known.account not in (0, account.me):
            for channel in channels:
                channel.forget_hashes()
        return channels


def _wait(error: Troubled) -> timedelta:
    """How long Telegram wants to be left alone."""
    return error.wait if isinstance(error, Postponed) else timedelta()


def _state(channels: Sequence[Channel], account: Account) -> str:
    return Cursor(account=account.me, rooms={each.handle: each.state for each in channels}).written()


async def _next(channels: Sequence[Channel], account: Account, around: Surroundings) -> Channel:
    """The channel that is due, once it is.

    Raises:
        SourceUnavailable: the connection is gone.
    """
    while True:
        account.require()
        moved, account.moved = account.moved, set()
        account.woken.clear()
        for channel in channels:
            if not moved.isdisjoint(channel.ids):
                channel.pace.pushed()
        first = min(channels, key=lambda each: each.pace.due)
        wait = (first.pace.due - around.clock()).total_seconds()
        if wait <= 0:
            return first
        await either(around.sleep(wait), account.woken.wait(), account.lost())


def _require_some(channels: Sequence[Channel]) -> None:
    """Go on where at least one channel can be read, or may be one day.

    Raises:
        BadConfiguration: none of them can.
    """
    why = [channel.pace.trouble for channel in channels]
    if all(isinstance(error, Unreadable) for error in why):
        raise BadConfiguration("none of the channels can be read: " + "; ".join(map(str, why)))
