"""What the ``rss`` agent remembers of its feeds, and what of a document is new or edited by it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from agents.base import Found
from agents.rss.feed_entries import Entry
from schemas.base import UtcDatetime

MIN_SEEN: Final = 200
MAX_EDITS: Final = 10
"""Of an entry whose feed does not date its edits: one that changes at each look is no edited article."""


class FeedState(BaseModel):
    """What the agent remembers of a feed: part of its cursor."""

    model_config = ConfigDict(frozen=True)

    etag: str = ""
    modified: str = ""
    seen: tuple[str, ...] = ()
    """Entries that were published, newest last; as many as the document has, at least 200. Of each
    ``key:digest:edits:created``, without what follows the last part that is needed."""
    failures: int = 0
    due: UtcDatetime | None = None
    read: UtcDatetime | None = None
    """When the latest document was read."""


class RssCursor(BaseModel):
    """The agent's cursor: its feeds by URL."""

    version: Literal[1] = 1
    feeds: dict[str, FeedState] = {}


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


def unseen(state: FeedState, entries: Sequence[Entry], now: datetime) -> list[Entry]:
    """The entries that are new, and those that were edited, as revisions; see `absorbed`."""
    return absorbed(state, entries, now)[1]


def absorbed(state: FeedState, entries: Sequence[Entry], now: datetime) -> tuple[FeedState, list[Entry]]:
    """The state behind a document, and what of the document is new or edited.

    An entry is edited when its text is another. When that was: its ``updated``, if that is later than the
    document before, else ``now``. An entry of a cursor that knows no digests is taken as unchanged.
    """
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
    kept = [text for text in state.seen if text.partition(":")[0] not in current]
    written = [seen.written(key) for key, seen in current.items()]
    seen = tuple([*kept, *written][-max(MIN_SEEN, len(current)) :])
    return state.model_copy(update={"seen": seen, "read": now}), list(fresh.values())


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
