"""One look at a feed or sitemap of the ``rss`` agent: asked for, parsed, whole articles read."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from agents.base import Clock, Found, SourceUnavailable
from agents.rss import sitemap_document, sitemaps
from agents.rss.feed_client import MAX_BYTES, Answer, Unchanged, fetch
from agents.rss.feed_entries import Entry, entries_of
from agents.rss.feed_state import FeedState, newest, room_of, unseen
from agents.rss.feeds import Feed
from agents.rss.full_text import Extractor, NoText, with_full_text
from agents.rss.sitemaps import Gathered
from agents.web import Forbidden, Validators, Web, shown
from pipeline.metrics import Metrics

MOST_ARTICLES: Final = 100
"""Of one document; the other entries keep their summaries, those of sitemaps wait for the next look."""

log = logging.getLogger("molva.agent.rss")


class Look(NamedTuple):
    """What a look brought; ``entries`` is None where the document is as it was."""

    validators: Validators
    """None where the next look must bring the document again, whether it has changed or not."""
    entries: list[Entry] | None
    headers: Mapping[str, str]
    body: bytes
    server_time: datetime | None
    maps: tuple[str, ...] | None = None
    """Of an index of sitemaps, the keys of those that were read; it may show less than there is."""


class Reading:
    """Looks at feeds through ``web``; close it after use."""

    def __init__(
        self,
        name: str,
        web: Web,
        metrics: Metrics,
        clock: Clock,
        feeds: Sequence[Feed],
        cursor_bytes: int | None = None,
    ) -> None:
        """``cursor_bytes``: the most that the cursor of all ``feeds`` may take, if that is limited."""
        self._name = name
        self._web = web
        self._metrics = metrics
        self._clock = clock
        self._extractor = Extractor() if any(feed.full_text for feed in feeds) else None
        self._feeds, self._cursor_bytes = len(feeds), cursor_bytes

    def room(self, feed: Feed) -> int:
        """How many of its entries are remembered; of a document half as many are looked at."""
        return room_of(feed, self._feeds, self._cursor_bytes)

    async def close(self) -> None:
        """End the process that reads articles."""
        if self._extractor is not None:
            await self._extractor.close()

    async def look(self, feed: Feed, state: FeedState, now_known: Callable[[], FeedState]) -> Look:
        """Ask for the document.

        Args:
            state: where it begins; ``now_known``: the state at a later moment, which pushes may have moved.

        Raises:
            SourceUnavailable, Forbidden: see `agents.feed_client.fetch`.
        """
        is_map = feed.format == "sitemap"
        known = Validators(state.etag, state.modified)
        limit = sitemap_document.MAX_BYTES if is_map else MAX_BYTES
        answer = await fetch(self._web, feed, known, max_bytes=limit, any_type=is_map)
        if isinstance(answer, Unchanged):
            return Look(known, None, {}, b"", answer.server_time)
        maps = None
        if is_map:
            made, maps = await self._of_sitemap(feed, state, answer)
        else:
            made = await self._of_feed(feed, answer.body, answer.content_type, answer.url)
        ready = await self.completed(feed, made, now_known())
        waits = feed.full_text and len(ready) < len(made)
        validators = answer.validators if maps is None and not waits else Validators()
        return Look(validators, ready, answer.headers, answer.body, answer.server_time, maps)

    async def pushed(self, feed: Feed, body: bytes, content_type: str, state: FeedState) -> list[Entry]:
        """The entries of a document that a hub brought; raises as `look`."""
        return await self.completed(feed, await self._of_feed(feed, body, content_type), state)

    async def completed(self, feed: Feed, entries: list[Entry], state: FeedState) -> list[Entry]:
        """The entries, new ones with their whole texts; what has no text at all is left out."""
        if self._extractor is not None and feed.full_text:
            new = [entry.key for entry in unseen(state, entries, self._clock())]
            wanted = set(new[-MOST_ARTICLES:] if feed.format == "sitemap" else new[:MOST_ARTICLES])
            entries = [
                await self._completed(entry, self._extractor) if entry.key in wanted else entry
                for entry in entries
            ]
        if feed.format == "feed":
            return entries
        seen = {text.partition(":")[0] for text in state.seen}
        return [entry for entry in entries if _says(entry) or entry.baseline or entry.key in seen]

    async def _of_feed(self, feed: Feed, body: bytes, content_type: str, url: str = "") -> list[Entry]:
        made = await asyncio.to_thread(
            entries_of, body, feed, collected_at=self._clock(), content_type=content_type, location=url
        )
        chosen = newest(made, self.room(feed) // 2)
        self._left_out(feed, len(made) - len(chosen))
        return chosen

    async def _of_sitemap(
        self, feed: Feed, state: FeedState, answer: Answer
    ) -> tuple[list[Entry], tuple[str, ...] | None]:
        """The addresses, and of an index the keys of its sitemaps."""
        now = self._clock()
        sitemap = await asyncio.to_thread(sitemap_document.parse, answer.body)
        gathered: Gathered = await sitemaps.read_all(
            self._web, sitemap, state, now - sitemaps.WINDOW, self.room(feed) // 2
        )
        for url, why in gathered.failures:
            self._metrics.agent_errors.labels(self._name, type(why).__name__).inc()
            log.warning("%s: its sitemap %s cannot be read: %s", shown(str(feed.url)), shown(url), why)
        self._left_out(feed, gathered.left_out)
        made = await asyncio.to_thread(sitemaps.entries, gathered.places, feed, collected_at=now)
        return made, gathered.maps if sitemap.is_index else None

    def _left_out(self, feed: Feed, count: int) -> None:
        if count:
            self._metrics.agent_skipped.labels(self._name, "too-many").inc(count)
            log.info("%s: %s entries are too many, and not looked at", shown(str(feed.url)), count)

    async def _completed(self, entry: Entry, extractor: Extractor) -> Entry:
        if not isinstance(entry.item, Found) or entry.baseline:
            return entry
        try:
            post = await with_full_text(entry.item.post, self._web, extractor)
        except NoText as error:
            self._metrics.agent_skipped.labels(self._name, "no-article").inc()
            log.info("%s: %s", entry.item.origin, error)
            return entry._replace(baseline=entry.baseline or not _says(entry))  # asking again will not help
        except (SourceUnavailable, Forbidden) as error:
            self._metrics.agent_errors.labels(self._name, type(error).__name__).inc()
            log.info("%s: %s", entry.item.origin, error)
            return entry
        return entry._replace(item=entry.item._replace(post=post))


def _says(entry: Entry) -> bool:
    return not isinstance(entry.item, Found) or bool(entry.item.post.text)
