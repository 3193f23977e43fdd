"""An item of Hacker News -> a post. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit
from zlib import crc32

from agents.base import Found, Rejected
from agents.discussions.posting import count_of, item_of, milliseconds, moment_of, text_of
from agents.hackernews.api import Item
from agents.hackernews.options import SOURCE
from agents.html import plain_text
from schemas.base import LIVE

SITE: Final = "https://news.ycombinator.com"
KINDS: Final = ("story", "job", "poll", "comment")
"""Answers of a poll are part of it; kinds that are not known yet are posts."""
LONGEST_URL: Final = 4096


def number_of(item: Item) -> int:
    return item["id"] if isinstance(item.get("id"), int) else 0


def is_deleted(item: Item) -> bool:
    return item.get("deleted") is True


def is_dead(item: Item) -> bool:
    """Hidden by flags or a moderator; it may come back."""
    return item.get("dead") is True


def kids_of(item: Item) -> list[int]:
    kids = item.get("kids")
    return [each for each in kids if isinstance(each, int)] if isinstance(kids, list) else []


def words_of(item: Item, answers: Sequence[str] = ()) -> str:
    """The title, the text and the answers of a poll as plain text."""
    lines = [plain_text(text_of(item.get("title"))), plain_text(text_of(item.get("text"))), *answers]
    return "\n".join(filter(None, lines))


def digest_of(item: Item) -> int:
    """Tells the versions of an item apart; above the marks of the cursor."""
    said = (words_of(item), text_of(item.get("url")))
    return crc32(repr(said).encode("utf-8", "replace")) | 4


def post_of(
    item: Item,
    *,
    root: int,
    own: Collection[str],
    now: datetime,
    edited: bool = False,
    answers: Sequence[str] = (),
) -> Found | Rejected:
    """The post; ``edited``: it says something else than before, found out ``now``."""
    number = number_of(item)
    document = {
        "source": SOURCE,
        "native_id": str(number),
        "kind": "comment" if item.get("type") == "comment" else "post",
        "url": f"{SITE}/item?id={number}",
        "channel": {"id": SOURCE, "name": "Hacker News", "kind": "forum"},
        "author": _author(item, own),
        "created_at": moment_of(item.get("time")),
        "collected_at": now,
        "text": words_of(item, answers),
        **_place(item, root, number),
        "media": _media(item),
        "engagement": {"likes": count_of(item.get("score")), "comments": count_of(item.get("descendants"))},
        "timeline": LIVE,
        "revision": milliseconds(now) if edited else 0,
        "extras": _extras(item),
    }
    return item_of(document, item, f"{SOURCE}:{number}")


def _author(item: Item, own: Collection[str]) -> dict[str, Any] | None:
    name = text_of(item.get("by"))
    if not name:
        return None
    return {"id": name, "name": name, "handle": name, "own": name.lower() in own}


def _place(item: Item, root: int, number: int) -> dict[str, str]:
    """Where it stands in its thread."""
    parent = item.get("parent")
    place = {"reply_to": f"{SOURCE}:{parent}"} if isinstance(parent, int) and parent else {}
    if root and root != number:
        place["thread_root"] = f"{SOURCE}:{root}"
    return place


def _media(item: Item) -> list[dict[str, str]]:
    url = text_of(item.get("url"))
    found = [{"kind": "link", "url": url}] if 0 < len(url) <= LONGEST_URL else []
    return [*found, {"kind": "poll"}] if item.get("type") == "poll" else found


def _extras(item: Item) -> dict[str, Any]:
    title, url = text_of(item.get("title")).lower(), text_of(item.get("url"))
    kind = text_of(item.get("type"))
    asked = "ask" if title.startswith("ask hn") else "show" if title.startswith("show hn") else ""
    extras = {"type": asked or kind, "site": _site(url)}
    return {key: value for key, value in extras.items() if value}


def _site(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "")[:253]
    except ValueError:
        return ""
