"""What a preview page shows -> posts. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from agents.base import Found, Rejected
from agents.telegram_names import SOURCE, channel_handle, marked, native_id
from agents.telegram_web.page import Page, Shown
from schemas import RawPost
from schemas.base import LIVE
from schemas.codec import InvalidRecord, validate

MAX_MEDIA: Final = 64


def digest(shown: Shown) -> str:
    """Tells versions of a post apart: its words, links and media; nothing that changes by itself."""
    media = [(each.kind, each.alt) for each in shown.media if each.kind != "link"]
    content = repr((shown.text, shown.links, media))
    return hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:12]


def post_of(
    shown: Shown, page: Page, *, called: str, handle: str, own: bool, now: datetime, revision: int = 0
) -> Found | Rejected:
    """The post; ``revision``: when the edit was noticed, as the page does not tell when it was made."""
    origin = f"{SOURCE}:{native_id(called, shown.number)}"
    channel = _channel(page, handle, own)
    document = {
        "source": SOURCE,
        "native_id": native_id(called, shown.number),
        "kind": "repost" if shown.forwarded_from else "post",
        "url": f"https://t.me/{handle}/{shown.number}",
        "channel": channel,
        "author": {
            **{key: channel[key] for key in ("id", "handle", "own")},
            "name": f"{page.title} ({shown.signature})" if shown.signature else page.title,
            "verified": page.verified,
        },
        "created_at": shown.moment,
        "collected_at": now,
        "text": shown.text,
        "reply_to": _named(shown.reply_url),
        "repost_of": _named(shown.forwarded_url),
        "media": [{"kind": each.kind, "url": each.url, "alt": each.alt} for each in shown.media][:MAX_MEDIA],
        "engagement": {
            "views": shown.views,
            "likes": sum(shown.reactions.values()) if shown.reactions else None,
        },
        "timeline": LIVE,
        "revision": revision,
        "extras": _extras(shown),
    }
    try:
        return Found(validate(RawPost, document), origin)
    except InvalidRecord as error:
        payload = f"{shown.moment} {document['url']}\n{shown.text}".encode("utf-8", "replace")
        return Rejected(payload, origin, error.reason, error.detail)


def _channel(page: Page, handle: str, own: bool) -> dict[str, Any]:
    return {
        "id": marked(page.peer) if page.peer else handle,
        "name": page.title,
        "handle": page.handle or handle,
        "kind": "channel",
        "followers": page.followers,
        "own": own,
    }


def _named(url: str) -> str | None:
    """The full id of the message at an address; None for people's, which have none."""
    parts = urlsplit(url).path.strip("/").split("/")
    if len(parts) < 2 or not parts[-1].isdecimal():
        return None
    if parts[0] == "c" and len(parts) == 3:
        return f"{SOURCE}:{native_id(f'c/{parts[1]}', int(parts[-1]))}"
    try:
        return f"{SOURCE}:{native_id(channel_handle(parts[0]), int(parts[-1]))}"
    except ValueError:
        return None


def _extras(shown: Shown) -> Mapping[str, Any]:
    extras = {
        "reactions": shown.reactions,
        "links": list(shown.links),
        "forwarded_from": shown.forwarded_from,
        "edited": shown.edited,
    }
    return {key: value for key, value in extras.items() if value}
