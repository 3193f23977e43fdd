"""A source of lists: reads each at its interval as far as there is news, and now and then to its end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol

from agents.base import BadConfiguration, Collected, Found, Progress, Rejected, SourceUnavailable
from agents.listing.cursor import REMEMBERED, Cursor, ListState, PastCursor
from agents.listing.entries import Entry, fresh_of
from agents.pace import Pace, put_off, trouble_of
from agents.surroundings import Surroundings
from agents.web import Validators
from schemas.base import LIVE

PASSES: Final = 3
"""How often in a row a list is read that changes while it is read."""
PAST_PAGES: Final = 10_000
INTERVAL_IN_GRACE: Final = timedelta(minutes=10)


class Unreadable(SourceUnavailable):
    """A list that cannot be read before a person mends something; the message says what."""


class Page(NamedTuple):
    """One page of a list, newest first; ``validators`` are those of its answer."""

    items: Sequence[Entry | Rejected]
    validators: Validators = Validators()


class Listing(Protocol):
    """A list, such as the reviews of an app in a country."""

    @property
    def name(self) -> str:
        """Its name in the cursor."""
        ...

    def pages(self, known: Validators, most: int) -> AsyncIterator[Page]:
        """At most ``most`` pages, newest entries first; none where the first is as ``known`` tells.

        Raises:
            Unreadable: a person must mend something.
            SourceUnavailable: it cannot be read now.
        """
        ...


class Place:
    """A list, what is known of it, and when it is due."""

    def __init__(self, listing: Listing, state: ListState, pace: Pace) -> None:
        self.listing = listing
        self.state = state
        self.pace = pace


class ListingSource:
    """The new and the edited entries of ``listings``; deletions are not claimed.

    A reading ends at a page without news, unless the list is to be read to its end. Where news stood on
    several pages, they are read again until there is none: an entry that vanished meanwhile has moved others
    to pages that were read already.
    """

    timeline = LIVE

    def __init__(
        self,
        listings: Sequence[Listing],
        around: Surroundings,
        *,
        interval: timedelta,
        sweep: timedelta,
        pages: int,
        remembered: int = REMEMBERED,
    ) -> None:
        """Read each list every ``interval``, up to ``pages`` pages, and every ``sweep`` all of these.

        ``remembered`` entries of each are known by their digest; a reading goes no deeper.
        """
        self.name = around.agent
        self.grace = around.grace + min(interval, INTERVAL_IN_GRACE)
        self._listings = tuple(listings)
        self._around = around
        self._interval = interval
        self._sweep = sweep
        self._most = pages
        self._remembered = remembered

    async def posts(self, cursor: str | None) -> AsyncIterator[Collected]:
        """See `agents.base.Source.posts`."""
        places, saved = self._places(Cursor.read(cursor)), ""
        unread = {place.listing.name for place in places}
        while True:
            place = min(places, key=lambda each: each.pace.due)
            if (wait := (place.pace.due - self._around.clock()).total_seconds()) > 0:
                await self._around.sleep(wait)
            found = 0
            try:
                async with aclosing(self._reading(place)) as reading:  # type: ignore[type-var]
                    async for items in reading:
                        for item in items:
                            yield item
                        found += len(items)
                        if (now := _saved(places)) != saved:
                            saved = now
                            yield Progress(saved, caught_up=not unread)
                place.pace.visited(found)
            except SourceUnavailable as error:
                put_off(place.pace, error, self._around)
            unread.discard(place.listing.name)
            if not unread:
                _require_some(places)
            trouble = trouble_of(each.pace.trouble for each in places)
            yield Progress(None, caught_up=not unread, trouble=trouble)

    async def history(self, since: datetime, until: datetime, cursor: str | None) -> AsyncIterator[Collected]:
        """See `agents.base.History`: list by list, each from its newest entry back to ``since``."""
        done = PastCursor.read(cursor).done
        for listing in self._listings:
            if listing.name in done:
                continue
            async with aclosing(listing.pages(Validators(), PAST_PAGES)) as pages:  # type: ignore[type-var]
                async for page in pages:
                    fresh = fresh_of(page.items, {}, self._around.clock())
                    for item in fresh.items:
                        if isinstance(item, Rejected) or since <= item.post.created_at < until:
                            yield item
                    dates = [item.post.created_at for item in fresh.items if isinstance(item, Found)]
                    if dates and max(dates) < since:
                        break
            done = (*done, listing.name)
            yield Progress(PastCursor(done=done).model_dump_json())

    def _places(self, known: Cursor) -> list[Place]:
        around, every = self._around, self._interval
        return [
            Place(
                listing,
                known.lists.get(listing.name, ListState()),
                Pace(around.clock, around.jitter, fastest=every, slowest=every),
            )
            for listing in self._listings
        ]

    async def _reading(self, place: Place) -> AsyncIterator[list[Found | Rejected]]:
        """What is new in a list, page by page; after each, `Place.state` may be saved."""
        state, now = place.state, self._around.clock()
        whole = state.unfinished or state.swept is None or now - state.swept >= self._sweep
        least = self._most if whole else 1
        known = Validators() if whole else Validators(state.etag, state.modified)
        newest = None
        for _ in range(PASSES):
            number = with_news = 0
            shown: list[str] = []
            async with aclosing(place.listing.pages(known, self._most)) as pages:  # type: ignore[type-var]
                async for page in pages:
                    number += 1
                    newest = newest or page.validators
                    fresh = fresh_of(page.items, place.state.seen, self._around.clock())
                    shown += fresh.shown
                    seen = place.state.with_seen(fresh.known, shown, self._remembered)
                    place.state = seen.changed(unfinished=True) if fresh.items else seen
                    with_news += bool(fresh.items)
                    yield fresh.items
                    if (not fresh.items and number >= least) or len(shown) >= self._remembered:
                        break
            if with_news < 2:
                break
            least, known = number, Validators()
        place.state = _read_through(place.state, newest, now if whole else None)
        yield []


def _read_through(state: ListState, newest: Validators | None, swept: datetime | None) -> ListState:
    """The state after a reading that came to its end."""
    if newest is not None:
        state = state.changed(etag=newest.etag, modified=newest.modified)
    return state.changed(unfinished=False, swept=swept or state.swept)


def _saved(places: Sequence[Place]) -> str:
    lists = {place.listing.name: place.state for place in places}
    return Cursor(lists=lists).written()


def _require_some(places: Sequence[Place]) -> None:
    """Go on where at least one list can be read, or may be soon.

    Raises:
        BadConfiguration: a person must mend every one of them.
    """
    why = [place.pace.trouble for place in places]
    if all(isinstance(error, Unreadable) for error in why):
        raise BadConfiguration("; ".join(map(str, why)))
