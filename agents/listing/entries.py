"""Entries of a list -> posts, and revisions of posts where an entry is known and says something else now."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from agents.base import Found, Rejected
from agents.listing.cursor import Known
from schemas import RawPost
from schemas.base import LIVE
from schemas.codec import InvalidRecord, validate

EPOCH: Final = datetime.fromtimestamp(0, UTC)
MILLISECOND: Final = timedelta(milliseconds=1)
CONTENT: Final = ("text", "rating", "media")
"""What makes a version; counts that change make none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a list.

    Attributes:
        document: the fields of its raw post, without its times and its version.
        created_at: None where it is not told; then it is the moment at which it was found.
        edited_at: when this version was made, where the source tells it of every version.
    """

    document: Mapping[str, Any]
    created_at: datetime | None
    origin: str
    edited_at: datetime | None = None

    @property
    def key(self) -> str:
        """Tells it from the others of its list."""
        return _digest(self.document["native_id"])

    @property
    def digest(self) -> str:
        """Tells its versions apart."""
        return _digest(repr([self.document.get(part) for part in CONTENT]))


class Fresh(NamedTuple):
    """What is new on a page: items to yield, and by key what is to be remembered of them."""

    items: list[Found | Rejected]
    known: dict[str, Known]
    shown: tuple[str, ...]
    """The keys of all entries of the page, in its order."""


def fresh_of(entries: Iterable[Entry | Rejected], seen: Mapping[str, Known], now: datetime) -> Fresh:
    """The entries that ``seen`` does not have, oldest first, and new versions of those that it has."""
    fresh = Fresh([], {}, ())
    shown: dict[str, None] = {}
    for entry in entries:
        key = entry.key if isinstance(entry, Entry) else _digest(entry.payload.decode("utf-8", "replace"))
        digest = entry.digest if isinstance(entry, Entry) else "rejected"
        shown[key] = None
        before = fresh.known.get(key) or seen.get(key)
        if before is not None and (before.digest == digest or _is_stale(entry, before)):
            continue
        item, created = _item(entry, before, now) if isinstance(entry, Entry) else (entry, now)
        fresh.items.append(item)
        fresh.known[key] = Known(digest, milliseconds(created))
    fresh.items.reverse()
    return Fresh(fresh.items, fresh.known, tuple(shown))


def _is_stale(entry: Entry | Rejected, before: Known) -> bool:
    """Whether it says when it was made, and that this was the first version: a cache gave an old page."""
    if isinstance(entry, Rejected) or entry.edited_at is None:
        return False
    return milliseconds(entry.edited_at) <= before.created_ms


def _item(entry: Entry, before: Known | None, now: datetime) -> tuple[Found | Rejected, datetime]:
    if before is None:
        created = _whole(entry.created_at or now)
        return post_of(entry, created, 0, now), created
    created = EPOCH + before.created_ms * MILLISECOND
    told = entry.edited_at
    return post_of(entry, created, milliseconds(told or now), now, edited_at=told), created


def post_of(
    entry: Entry, created_at: datetime, revision: int, now: datetime, edited_at: datetime | None = None
) -> Found | Rejected:
    """A version of the entry's post; a dead letter where it breaks the contract."""
    document = {
        **entry.document,
        "created_at": created_at,
        "collected_at": now,
        "timeline": LIVE,
        "revision": revision,
        "edited_at": edited_at,
    }
    try:
        return Found(validate(RawPost, document), entry.origin)
    except InvalidRecord as error:
        payload = json.dumps(document, ensure_ascii=False, default=str).encode("utf-8", "replace")
        return Rejected(payload, entry.origin, error.reason, error.detail)


def milliseconds(moment: datetime) -> int:
    """Unix milliseconds."""
    return (moment - EPOCH) // MILLISECOND


def _whole(moment: datetime) -> datetime:
    """The moment in whole milliseconds, as a cursor keeps it."""
    return EPOCH + milliseconds(moment) * MILLISECOND


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]
