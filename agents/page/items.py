"""What a page says of its reviews, however it was read, and the posts that they become. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

from agents.base import Rejected
from agents.listing import Entry, Unreadable
from agents.page.dates import moment_of
from agents.page.options import Options, ReviewList, address_of
from agents.page.ratings import stars_of

MAX_NATIVE_ID: Final = 300
MAX_MEDIA: Final = 64
ENOUGH: Final = 5
"""On a page with as many items, a field that none of them has is a change of the layout."""


class LayoutChanged(Unreadable):
    """A page on which selectors do not find what they should: it looks different now, or they are wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A company's reply, as text."""

    text: str
    author: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A review, as text; empty where the page has nothing."""

    id: str = ""
    link: str = ""
    title: str = ""
    text: str = ""
    author: str = ""
    author_id: str = ""
    date: str = ""
    rating: str = ""
    best: float | None = None
    media: tuple[str, ...] = ()
    replies: tuple[Said, ...] = ()


class Reading:
    """How the items of one list become entries."""

    def __init__(self, options: Options, each: ReviewList, page: str, now: datetime) -> None:
        """Read a page that stood at the address ``page`` at the moment ``now``."""
        self._options = options
        self._list = each
        self._page = page
        self._now = now
        self._zone = ZoneInfo(options.zone)

    def entries(self, items: Sequence[Item]) -> list[Entry | Rejected]:
        """The reviews and, each before its review, the replies, as the newest come first.

        Raises:
            LayoutChanged: a field that is configured stands in no item, or ids in several.
        """
        self._require_fields(items)
        found: list[Entry | Rejected] = []
        dates = [moment_of(item.date, self._now, self._zone) for item in items]
        if items and any(item.date for item in items) and not any(dates):
            raise LayoutChanged(f"{self._page}: no date can be read, such as {items[0].date[:80]!r}")
        for item, created in zip(items, dates, strict=True):
            if item.date and created is None:
                payload = json.dumps(asdict(item), ensure_ascii=False, sort_keys=True)
                detail = f"the date {item.date[:80]!r} cannot be read"
                rejected = Rejected(payload.encode("utf-8", "replace"), self._page, "invalid", detail)
                found.append(rejected)
                continue
            native_id = self._native_id(item)
            found += [self._reply(said, number, native_id) for number, said in enumerate(item.replies)][::-1]
            found.append(self._review(item, native_id, created))
        return found

    def _require_fields(self, items: Sequence[Item]) -> None:
        fields = self._options.fields
        for name in ("id", "date", "text", "rating", "author"):
            least = 1 if name in ("id", "date") else ENOUGH
            wanted = getattr(fields, name)
            if wanted and len(items) >= least and not any(getattr(item, name) for item in items):
                told = " or ".join(f"`{each.pick}`" for each in wanted)
                raise LayoutChanged(
                    f"{self._page}: none of the {len(items)} items has its `{name}` at {told}: new layout?"
                )
        texts: dict[str, str] = {}
        for item in items:
            if item.id and texts.setdefault(item.id, item.text) != item.text:
                raise LayoutChanged(f"{self._page}: two different items have the id {item.id[:80]!r}")

    def _native_id(self, item: Item) -> str:
        """The item's own id, else a hash of its list, its author and its text."""
        if 0 < len(item.id) <= MAX_NATIVE_ID:
            return item.id
        content = (
            (item.id,) if item.id else (address_of(self._list), item.author_id or item.author, item.text)
        )
        return "sha256-" + hashlib.sha256("\x1f".join(content).encode("utf-8", "replace")).hexdigest()[:32]

    def _review(self, item: Item, native_id: str, created: datetime | None) -> Entry:
        best = item.best or self._options.best
        name = item.author or item.author_id
        text = item.text if item.text.startswith(item.title) else f"{item.title}\n{item.text}".strip()
        media = [{"kind": "photo", "url": self._whole(each)} for each in item.media]
        document = {
            "source": self._options.called,
            "native_id": native_id,
            "kind": "review",
            "url": self._whole(item.link),
            "channel": self._channel(),
            "author": {"id": item.author_id or name, "name": item.author} if name else None,
            "text": text,
            "rating": stars_of(item.rating, best) if item.rating else None,
            "media": media[:MAX_MEDIA],
        }
        return Entry(document=document, created_at=created, origin=self._origin(native_id))

    def _reply(self, said: Said, number: int, review: str) -> Entry:
        native_id = f"{review}/reply" + (f"-{number + 1}" if number else "")
        full = f"{self._options.called}:{review}"
        name = said.author or self._list.name
        document = {
            "source": self._options.called,
            "native_id": native_id,
            "kind": "comment",
            "url": self._page[:4096],
            "channel": self._channel(),
            "author": {"id": name, "name": name, "own": self._list.own} if name else None,
            "text": said.text,
            "reply_to": full,
            "thread_root": full,
        }
        created = moment_of(said.date, self._now, self._zone) if said.date else None
        return Entry(document=document, created_at=created, origin=self._origin(native_id))

    def _channel(self) -> Mapping[str, Any]:
        each = self._list
        return {"id": address_of(each), "name": each.name, "kind": "reviews", "own": each.own}

    def _origin(self, native_id: str) -> str:
        return f"{self._page}#{native_id}"

    def _whole(self, link: str) -> str:
        """An absolute address; of what is none, that of the page."""
        try:
            found = urljoin(self._page, link)
        except ValueError:
            found = self._page
        return (found if found.startswith(("http://", "https://")) else self._page)[:4096]
