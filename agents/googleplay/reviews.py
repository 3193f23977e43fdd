"""A review as the Google Play Developer API gives it -> the review and the company's reply. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from agents.base import Rejected
from agents.listing import Entry, tidy

SOURCE: Final = "googleplay"
LAST_SECOND: Final = 253_000_000_000


def entries_of(review: Any, channel: Mapping[str, Any]) -> list[Entry | Rejected]:
    """The reply, where there is one, then the review: newest first."""
    number = review.get("reviewId") if isinstance(review, dict) else None
    said = _comment(review, "userComment")
    moment = None if said is None else _moment(said.get("lastModified"))
    origin = f"{SOURCE}:{channel['id']}#{number or '?'}"
    if not isinstance(number, str) or not number or said is None or moment is None:
        payload = json.dumps(review, ensure_ascii=False, sort_keys=True).encode("utf-8", "replace")
        return [Rejected(payload, origin, "invalid", "a review without an id, a comment or a date")]
    document = {
        **_common(channel, number),
        "native_id": number,
        "kind": "review",
        "author": _author(review, number),
        "text": tidy(_text(said)),
        "language": _short(said.get("reviewerLanguage")) or None,
        "rating": _stars(said.get("starRating")),
        "engagement": {"likes": _count(said.get("thumbsUpCount"))},
        "extras": _extras(said),
    }
    found = Entry(document=document, created_at=moment, edited_at=moment, origin=origin)
    reply = _reply(review, number, channel, origin)
    return [found] if reply is None else [reply, found]


def _reply(review: Any, number: str, channel: Mapping[str, Any], origin: str) -> Entry | None:
    said = _comment(review, "developerComment")
    if said is None or not tidy(said.get("text")):
        return None
    moment = _moment(said.get("lastModified"))
    document = {
        **_common(channel, number),
        "native_id": f"{number}/reply",
        "kind": "comment",
        "author": {"id": channel["id"], "name": channel["name"], "own": True},
        "text": tidy(said.get("text")),
        "reply_to": f"{SOURCE}:{number}",
        "thread_root": f"{SOURCE}:{number}",
    }
    return Entry(document=document, created_at=moment, edited_at=moment, origin=f"{origin}/reply")


def _common(channel: Mapping[str, Any], number: str) -> dict[str, Any]:
    package = quote(str(channel["id"]))
    url = f"https://play.google.com/store/apps/details?id={package}&reviewId={quote(number)}"
    return {"source": SOURCE, "channel": channel, "url": url}


def _comment(review: Any, name: str) -> dict[str, Any] | None:
    """The latest comment of a kind: ``comments`` is a list of objects with one field each."""
    comments = review.get("comments") if isinstance(review, dict) else None
    found = [each.get(name) for each in comments or () if isinstance(each, dict)]
    return next((each for each in found if isinstance(each, dict)), None)


def _text(said: Mapping[str, Any]) -> str:
    """Title and text are parted by a tab; the original goes before its translation."""
    text = said.get("originalText") or said.get("text")
    return text.replace("\t", "\n") if isinstance(text, str) else ""


def _author(review: Mapping[str, Any], number: str) -> dict[str, str] | None:
    """Who wrote it: Google tells a name only, and not always; people of one name are told apart by review."""
    name = tidy(review.get("authorName"))
    return {"id": f"{name} ({number})", "name": name} if name else None


def _moment(stamp: Any) -> datetime | None:
    """``{"seconds": "1763726400", "nanos": 5000000}``; numbers of 64 bits come as text."""
    try:
        seconds, nanos = int(stamp["seconds"]), int(stamp.get("nanos") or 0)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    if not 0 < seconds < LAST_SECOND or not 0 <= nanos < 10**9:
        return None
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=nanos // 1000)


def _stars(value: Any) -> int | None:
    return value if isinstance(value, int) and 1 <= value <= 5 else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


def _short(value: Any) -> str:
    return value[:16] if isinstance(value, str) else ""


def _extras(said: Mapping[str, Any]) -> dict[str, Any]:
    device = said.get("deviceMetadata")
    about = device if isinstance(device, dict) else {}
    extras = {
        "app_version": said.get("appVersionName"),
        "app_version_code": said.get("appVersionCode"),
        "android": said.get("androidOsVersion"),
        "device": said.get("device"),
        "device_name": about.get("productName"),
        "device_maker": about.get("manufacturer"),
        "dislikes": said.get("thumbsDownCount"),
    }
    return {
        key: value[:200] if isinstance(value, str) else value
        for key, value in extras.items()
        if isinstance(value, str | int) and value != ""
    }
