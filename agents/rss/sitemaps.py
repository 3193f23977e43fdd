"""New addresses of a site as posts, from its sitemap or from those of an index of sitemaps."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from agents.base import Found, Rejected, SourceUnavailable
from agents.rss.feed_document import NotAFeed
from agents.rss.feed_entries import Entry, bounded_id, key_of
from agents.rss.feed_state import FeedState, map_key
from agents.rss.feeds import Feed
from agents.rss.sitemap_document import MAX_BYTES, Place, Sitemap, parse
from agents.web import Forbidden, Reply, Web
from schemas import RawPost
from schemas.base import LIVE
from schemas.codec import InvalidRecord, validate

WINDOW: Final = timedelta(days=3)
"""Addresses that are dated before it are not looked at."""
FIRST: Final = timedelta(days=1)
"""Of a sitemap that is new to the agent, addresses that are dated within it are published."""
MAX_SITEMAPS: Final = 20
"""Of an index, in one look: those that changed last."""
MISSING: Final = (404, 410)


class Gathered(NamedTuple):
    """What a look at a sitemap brought, or at the sitemaps of an index."""

    places: list[Place]
    left_out: int = 0
    """Addresses that were too many."""
    maps: tuple[str, ...] = ()
    """The keys of the sitemaps of the index that were read."""
    failures: tuple[tuple[str, Exception], ...] = ()
    """The addresses of those that were not, and why."""


async def read_all(web: Web, sitemap: Sitemap, state: FeedState, since: datetime, most: int) -> Gathered:
    """The addresses of a sitemap; of an index, those of its sitemaps that changed since ``since``.

    Args:
        state: tells which sitemaps are new to the agent.
        most: how many addresses are looked at; see `newest`.

    Raises:
        SourceUnavailable: none of the sitemaps of an index can be read.
    """
    if not sitemap.is_index:
        return _added(Gathered([]), sitemap, state.read is None, since, most)
    gathered = Gathered([])
    for url in _changed(sitemap.places, since):
        key = map_key(url)
        try:
            reply = await web.get(url, max_bytes=MAX_BYTES, retries=1)
            inner = await asyncio.to_thread(_inner, reply)
        except (SourceUnavailable, Forbidden) as error:
            gathered = gathered._replace(failures=(*gathered.failures, (url, error)))
            continue
        gathered = await asyncio.to_thread(_added, gathered, inner, key not in state.maps, since, most)
        gathered = gathered._replace(maps=(*gathered.maps, key))
    if gathered.failures and not gathered.maps:
        _, why = gathered.failures[-1]
        raise SourceUnavailable(f"no sitemap of the index can be read: {why}") from why
    return gathered


def newest(places: Iterable[Place], since: datetime, most: int) -> tuple[list[Place], int]:
    """What is looked at, without dates first, then oldest first; and how many addresses are left out by that.

    A third of ``most`` is for the newest of those that are dated from ``since`` on, the rest for the first of
    those without a date.
    """
    dated: list[tuple[datetime, Place]] = []
    undated: list[Place] = []
    for place in places:
        if place.moment is None:
            undated.append(place)
        elif place.moment >= since:
            dated.append((place.moment, place))
    dated.sort(key=lambda each: each[0])
    for_dated = most // 3
    chosen = [*undated[: most - for_dated], *(place for _, place in dated[-for_dated:])]
    return chosen, len(undated) + len(dated) - len(chosen)


def _changed(sitemaps: Sequence[Place], since: datetime) -> list[str]:
    """The sitemaps of an index that are read, as they stand in it: which addresses come first is the same
    at each look."""
    changed = [
        (each.modified or since, -number, each.url)
        for number, each in enumerate(sitemaps)
        if each.modified is None or each.modified >= since
    ]
    chosen = sorted(changed, reverse=True)[:MAX_SITEMAPS]
    return [url for _, _, url in sorted(chosen, key=lambda each: -each[1])]


def _inner(reply: Reply) -> Sitemap:
    if reply.status in MISSING:
        return Sitemap(False, [])
    if reply.status != 200:
        raise SourceUnavailable(f"HTTP {reply.status}")
    inner = parse(reply.body)
    if inner.is_index:
        raise NotAFeed("an index within an index is not read")
    return inner


def _added(before: Gathered, sitemap: Sitemap, first: bool, since: datetime, most: int) -> Gathered:
    places = (place._replace(first=first) for place in sitemap.places)
    chosen, left_out = newest([*before.places, *places], since, most)
    return before._replace(places=chosen, left_out=before.left_out + left_out)


def entries(places: Iterable[Place], feed: Feed, *, collected_at: datetime) -> list[Entry]:
    """The posts of addresses; those without news titles have no text yet.

    Of sitemaps that are new to the agent, what is old, or of no date, is only remembered.
    """
    made = []
    for place in places:
        old = place.moment is None or place.moment < collected_at - FIRST
        made.append(_entry(place, feed, collected_at)._replace(baseline=place.first and old))
    return made


def _entry(place: Place, feed: Feed, collected_at: datetime) -> Entry:
    moment = place.moment or collected_at
    document = {
        "source": feed.source,
        "native_id": bounded_id(place.url),
        "url": place.url,
        "channel": {
            "id": feed.address,
            "name": feed.name or place.publication or str(feed.url.host),
            "kind": feed.kind,
            "own": feed.own,
        },
        "created_at": min(moment, collected_at),
        "collected_at": collected_at,
        "text": place.title,
        "language": place.language[:16] or None,
        "timeline": LIVE,
    }
    origin = f"{feed.address}#{place.url}"
    try:
        return Entry(key_of(place.url), Found(validate(RawPost, document), origin))
    except InvalidRecord as error:
        payload = f"{moment} {place.url}\n{place.title}".encode("utf-8", "replace")
        return Entry(key_of(place.url), Rejected(payload, origin, error.reason, error.detail))
