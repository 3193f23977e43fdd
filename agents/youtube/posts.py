"""Videos and comments of the API -> posts. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final
from zlib import crc32

from agents.base import Found, Rejected
from agents.discussions.posting import count_of, iso_moment, item_of, milliseconds, part_of, text_of
from agents.html import plain_text
from agents.listing import tidy
from agents.youtube.options import SOURCE
from schemas.base import LIVE

SITE: Final = "https://www.youtube.com"
ROUNDING: Final = timedelta(seconds=1)

Resource = dict[str, Any]


def id_of(resource: Resource) -> str:
    """The id of a video or comment; of a result of a search that of its video."""
    found = resource.get("id")
    return text_of(part_of(resource, "id").get("videoId")) if isinstance(found, dict) else text_of(found)


def words_of(video: Resource) -> str:
    """Title and description."""
    told = part_of(video, "snippet")
    return "\n".join(filter(None, (tidy(told.get("title")), tidy(told.get("description")))))


def mark_of(video: Resource) -> int:
    """Tells what versions of a video say apart; never 0."""
    return crc32(words_of(video).encode("utf-8", "replace")) | 1


def comments_of(video: Resource) -> int | None:
    """How many comments YouTube counts; None where they are switched off or hidden."""
    return count_of(part_of(video, "statistics").get("commentCount"))


def video_post(video: Resource, own: Collection[str], now: datetime, *, edited: bool) -> Found | Rejected:
    """A video; ``edited``: its words are others than before, found out ``now``."""
    told, counts, number = part_of(video, "snippet"), part_of(video, "statistics"), id_of(video)
    channel, name = text_of(told.get("channelId")), tidy(told.get("channelTitle"))
    is_own = channel in own
    place = {"id": channel, "name": name, "own": is_own} if channel else None
    document = {
        "source": SOURCE,
        "native_id": number,
        "url": f"{SITE}/watch?v={number}",
        "channel": place and {**place, "kind": "channel"},
        "author": place,
        "created_at": iso_moment(told.get("publishedAt")),
        "collected_at": now,
        "text": words_of(video),
        "language": (text_of(told.get("defaultAudioLanguage")) or text_of(told.get("defaultLanguage")))[:16]
        or None,
        "media": [{"kind": "video", "url": f"{SITE}/watch?v={number}"}],
        "engagement": {
            "likes": count_of(counts.get("likeCount")),
            "comments": count_of(counts.get("commentCount")),
            "views": count_of(counts.get("viewCount")),
        },
        "timeline": LIVE,
        "revision": milliseconds(now) if edited else 0,
        "extras": _extras(told),
    }
    return item_of(document, video, f"{SOURCE}:{number}")


def _extras(told: Resource) -> dict[str, Any]:
    live = text_of(told.get("liveBroadcastContent"))
    tags = told.get("tags")
    extras = {
        "live": live if live != "none" else "",
        "tags": [tidy(tag)[:100] for tag in tags[:30]] if isinstance(tags, list) else [],
    }
    return {key: value for key, value in extras.items() if value}


def version_of(comment: Resource) -> tuple[str, str]:
    """Tells the versions of a comment apart."""
    told = part_of(comment, "snippet")
    return id_of(comment), text_of(told.get("updatedAt")) or text_of(told.get("publishedAt"))


def changed_at(comment: Resource) -> float:
    """When its version was made, Unix seconds; 0 where that is not told."""
    moment = iso_moment(version_of(comment)[1])
    return 0.0 if moment is None else moment.timestamp()


def comment_post(comment: Resource, video: str, own: Collection[str], now: datetime) -> Found | Rejected:
    """A comment, or an answer to one; held ones are never told."""
    told, number = part_of(comment, "snippet"), id_of(comment)
    made, changed = iso_moment(told.get("publishedAt")), iso_moment(told.get("updatedAt"))
    edited = changed if made and changed and changed - made >= ROUNDING else None
    parent = text_of(told.get("parentId"))
    document = {
        "source": SOURCE,
        "native_id": number,
        "kind": "comment",
        "url": f"{SITE}/watch?v={video}&lc={number}",
        "channel": _channel(told, own),
        "author": _author(told, own),
        "created_at": made,
        "collected_at": now,
        "text": _said(told),
        "reply_to": f"{SOURCE}:{parent or video}",
        "thread_root": f"{SOURCE}:{video}",
        "engagement": {"likes": count_of(told.get("likeCount"))},
        "timeline": LIVE,
        "revision": milliseconds(edited) if edited else 0,
        "edited_at": edited,
    }
    return item_of(document, comment, f"{SOURCE}:{video}#{number}")


def _said(told: Resource) -> str:
    """The words as they were written; else as they are shown, which is HTML."""
    original = text_of(told.get("textOriginal"))
    return tidy(original) if original else plain_text(text_of(told.get("textDisplay")))


def _author(told: Resource, own: Collection[str]) -> dict[str, Any] | None:
    """None where the account is gone."""
    name, number = tidy(told.get("authorDisplayName")), text_of(part_of(told, "authorChannelId").get("value"))
    if not name and not number:
        return None
    handle = name.removeprefix("@") if name.startswith("@") else ""
    return {"id": number or name, "name": name, "handle": handle, "own": number in own}


def _channel(told: Resource, own: Collection[str]) -> dict[str, Any] | None:
    number = text_of(told.get("channelId"))
    return {"id": number, "kind": "channel", "own": number in own} if number else None
