"""A page of the customer-reviews feed (Atom as JSON: texts under ``label``) -> its reviews. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from agents.base import Rejected, SourceUnavailable
from agents.listing import Entry, tidy

SOURCE: Final = "appstore"
_AUTHOR: Final = re.compile(r"/id(\d+)")
_NUMBER: Final = re.compile(r"^\d+$")


def entries_of(document: Any) -> list[Any]:
    """The feed's entries: none, one by itself, or a list.

    Raises:
        SourceUnavailable: it is no feed.
    """
    feed = document.get("feed") if isinstance(document, dict) else None
    if not isinstance(feed, dict):
        raise SourceUnavailable("the answer is JSON, but no feed of reviews")
    found = feed.get("entry", [])
    return found if isinstance(found, list) else [found]


def app_name(entries: Sequence[Any]) -> str:
    """The app's name, where the first entry is the app."""
    return next((tidy(_label(each, "im:name")) for each in entries if _is_app(each)), "")


def reviews_of(entries: Sequence[Any], channel: Mapping[str, Any], country: str) -> list[Entry | Rejected]:
    """The reviews, in the order of the feed; what cannot be read is a dead letter."""
    return [_review(each, channel, country) for each in entries if not _is_app(each)]


def _review(entry: Any, channel: Mapping[str, Any], country: str) -> Entry | Rejected:
    number, moment = _label(entry, "id"), _moment(_label(entry, "updated"))
    origin = f"{SOURCE}:{country}/{channel['id']}#{number or '?'}"
    if not _NUMBER.match(number) or moment is None:
        payload = json.dumps(entry, ensure_ascii=False, sort_keys=True).encode("utf-8", "replace")
        return Rejected(payload, origin, "invalid", "a review without a number or a date")
    title, words = tidy(_label(entry, "title")), tidy(_label(entry, "content"))
    document = {
        "source": SOURCE,
        "native_id": number,
        "kind": "review",
        "url": _address(entry),
        "channel": channel,
        "author": _author(entry.get("author")),
        "text": words if words.startswith(title) else f"{title}\n{words}".strip(),
        "rating": _stars(_label(entry, "im:rating")),
        "engagement": {"likes": _count(_label(entry, "im:voteSum"))},
        "extras": _extras(entry, country),
    }
    return Entry(document=document, created_at=moment, edited_at=moment, origin=origin)


def _is_app(entry: Any) -> bool:
    return isinstance(entry, dict) and "im:name" in entry and "im:rating" not in entry


def _label(part: Any, name: str) -> str:
    """The text of a field: ``{"label": "..."}``; empty where there is none."""
    found = part.get(name) if isinstance(part, dict) else None
    found = found.get("label") if isinstance(found, dict) else found
    return found.strip() if isinstance(found, str) else ""


def _address(entry: Mapping[str, Any]) -> str:
    links = entry.get("link")
    for link in links if isinstance(links, list) else [links]:
        attributes = link.get("attributes") if isinstance(link, dict) else None
        href = attributes.get("href") if isinstance(attributes, dict) else None
        if isinstance(href, str) and len(href) <= 4096:
            return href
    return ""


def _author(part: Any) -> dict[str, str] | None:
    """Who wrote it; Apple shows a nickname only, and the number of its page."""
    name, found = tidy(_label(part, "name")), _AUTHOR.search(_label(part, "uri"))
    if found is None and not name:
        return None
    return {"id": found[1] if found else name, "name": name}


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _stars(text: str) -> int | None:
    return int(text) if text in ("1", "2", "3", "4", "5") else None


def _count(text: str) -> int | None:
    return int(text[:9]) if _NUMBER.match(text) else None


def _extras(entry: Mapping[str, Any], country: str) -> dict[str, Any]:
    extras = {
        "country": country,
        "app_version": _label(entry, "im:version")[:100],
        "votes": _count(_label(entry, "im:voteCount")),
    }
    return {key: value for key, value in extras.items() if value not in (None, "")}
