"""What the ``rss`` agent remembers of its feeds, and what of a document is new or edited by it. Pure."""

from __future__ import annotations

import heapq
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, field_validator

from agents.base import Found
from agents.rss.feed_entries import Entry, key_of
from agents.rss.feeds import Feed
from schemas.base import UtcDatetime

LOGIN: Final = re.compile(r"^(\w+://)[^/?#@]*@")
MIN_SEEN: Final = 200
MAX_SEEN: Final = {"feed": 2000, "sitemap": 6000}
"""Entries that are remembered of a document, by its format: twice as many as are looked at."""
SEEN_BYTES: Final = {"feed": 44, "sitemap": 21}
"""What one takes in a row of the fleet's cursors at most."""
MAX_MAPS: Final = 100
STATE_BYTES: Final = 6000
"""What the rest of a feed's state takes there at most."""
MAX_EDITS: Final = 10
"""Of an entry whose feed does not date its edits: one that changes at each look is no edited article."""


class FeedState(BaseModel):
    """What the agent remembers of a feed: part of its cursor."""

    model_config = ConfigDict(frozen=True)

    etag: str = ""
    modified: str = ""
    seen: tuple[str, ...] = ()
    """Entries that were published, newest last; twice as many as the document has, at least 200. Of each
    ``key:digest:edits:created``, without what follows the last part that is needed."""
    maps: tuple[str, ...] = ()
    """Of an index of sitemaps, those that were read, as `map_key`; the latest last."""
    failures: int = 0
    due: UtcDatetime | None = None
    read: UtcDatetime | None = None
    """When the latest document was read."""

    def within(self, room: int) -> Self:
        """The state with no more entries than there is room for now: others may have joined the agent."""
        return self.model_copy(update={"seen": self.seen[-room:]})


def feed_key(url: str) -> str:
    """What a feed is called in the cursor: its URL may hold a key, and held a password in times of old."""
    return key_of(LOGIN.sub(r"\1", url))


class RssCursor(BaseModel):
    """The agent's cursor: its feeds by `feed_key`; it may be given their URLs, as in cursors of old."""

    version: Literal[1] = 1
    feeds: dict[str, FeedState] = {}

    @field_validator("feeds")
    @classmethod
    def _keyed(cls, feeds: dict[str, FeedState]) -> dict[str, FeedState]:
        return {feed_key(name) if "://" in name else name: state for name, state in feeds.items()}

    def of(self, url: str) -> FeedState:
        """The state of a feed."""
        return self.feeds.get(feed_key(url), FeedState())


class _Seen(NamedTuple):
    digest: str = ""
    edits: int = 0
    created: int | None = None
    """Unix seconds, where the feed does not tell when the entry was published."""

    @classmethod
    def of(cls, text: str) -> _Seen:
        digest, edits, created = [*text.split(":"), "", "", ""][1:4]
        return cls(digest, int(edits or 0), int(created) if created else None)

    def written(self, key: str) -> str:
        parts = (key, self.digest, str(self.edits or ""), "" if self.created is None else str(self.created))
        return ":".join(parts).rstrip(":")


def room_of(feed: Feed, feeds: int, cursor_bytes: int | None) -> int:
    """How many entries of ``feed`` are remembered: what fits into its share of a cursor of ``feeds`` feeds.

    Of a document half as many are looked at (`newest`), so that those which one document lacks stay known.
    """
    if cursor_bytes is None:
        return MAX_SEEN[feed.format]
    return min(MAX_SEEN[feed.format], (cursor_bytes // feeds - STATE_BYTES) // SEEN_BYTES[feed.format])


def map_key(url: str) -> str:
    """What a sitemap of an index is remembered by."""
    return key_of(url)[:8]


def newest(entries: Sequence[Entry], most: int) -> list[Entry]:
    """The ``most`` newest of a document's entries, in its order; of those without a date the first."""
    if len(entries) <= most:
        return list(entries)
    kept = heapq.nlargest(most, range(len(entries)), key=lambda number: (_date_of(entries[number]), -number))
    return [entries[number] for number in sorted(kept)]


def unseen(state: FeedState, entries: Sequence[Entry], now: datetime) -> list[Entry]:
    """The entries that are new, and those that were edited, as revisions; see `absorbed`."""
    return _compared(state, entries, now)[1]


def absorbed(
    state: FeedState, entries: Sequence[Entry], now: datetime, *, room: int, whole: bool = True
) -> tuple[FeedState, list[Entry]]:
    """The state behind a document, and what of the document is new or edited.

    Args:
        room: see `room_of`.
        whole: the document tells all that the feed has now; else nothing is forgotten that there is room for.

    An entry is edited when its text is another. When that was: its ``updated``, if that is later than the
    document before, else ``now``. An entry of a cursor that knows no digests is taken as unchanged.
    """
    current, fresh = _compared(state, entries, now)
    kept = [text for text in state.seen if text.partition(":")[0] not in current]
    written = [seen.written(key) for key, seen in current.items()]
    size = min(room, max(MIN_SEEN, 2 * len(current))) if whole else room
    return state.model_copy(update={"seen": tuple([*kept, *written][-size:]), "read": now}), fresh


def _compared(
    state: FeedState, entries: Sequence[Entry], now: datetime
) -> tuple[dict[str, _Seen], list[Entry]]:
    """What is to be remembered of the entries, by key, and those that are new or edited."""
    known = {text.partition(":")[0]: _Seen.of(text) for text in state.seen}
    current: dict[str, _Seen] = {}
    fresh: dict[str, Entry] = {}
    for entry in entries:
        before = known.get(entry.key)
        if before is None:
            current[entry.key] = _first(entry)
            if not entry.baseline:
                fresh[entry.key] = entry
            continue
        current[entry.key] = before._replace(digest=before.digest or entry.digest)
        revised = _revised(entry, before, state.read, now)
        if revised is not None:
            fresh[entry.key] = revised
            current[entry.key] = before._replace(
                digest=entry.digest, edits=before.edits + (entry.updated is None)
            )
    return current, list(fresh.values())


def _date_of(entry: Entry) -> float:
    """Unix seconds; 0 where the feed tells none."""
    if not isinstance(entry.item, Found) or entry.item.post.created_at == entry.item.post.collected_at:
        return 0.0
    return entry.item.post.created_at.timestamp()


def _first(entry: Entry) -> _Seen:
    created = None
    if isinstance(entry.item, Found) and not entry.dated and entry.digest:
        created = int(entry.item.post.created_at.timestamp())
    return _Seen(entry.digest, 0, created)


def _revised(entry: Entry, before: _Seen, read: datetime | None, now: datetime) -> Entry | None:
    """The entry as a revision of what was published; None: it is as it was, or cannot be one."""
    if not before.digest or not entry.digest or before.digest == entry.digest:
        return None
    if not isinstance(entry.item, Found) or before.edits >= MAX_EDITS:
        return None
    post = entry.item.post
    created = post.created_at
    if not entry.dated:
        if before.created is None:
            return None
        created = datetime.fromtimestamp(before.created, now.tzinfo)
    told = entry.updated
    late = told is not None and told > created and (read is None or told >= read - timedelta(minutes=1))
    edited = told if told is not None and late and told <= now + timedelta(days=1) else max(now, created)
    update = {"created_at": created, "edited_at": edited, "revision": int(edited.timestamp() * 1000)}
    return entry._replace(item=entry.item._replace(post=post.model_copy(update=update)))
