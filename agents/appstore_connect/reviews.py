"""An answer of App Store Connect (JSON:API) -> its reviews, and the company's replies. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from agents.appstore.reviews import SOURCE
from agents.base import Rejected
from agents.listing import Entry, tidy
from agents.web import Reply

REPLIES: Final = "customerReviewResponses"
PUBLISHED: Final = "PUBLISHED"
TOLD: Final = 300


def entries_of(document: Mapping[str, Any], channel: Mapping[str, Any]) -> list[Entry | Rejected]:
    """The reviews in their order, each after the reply to it."""
    included = document.get("included")
    replies = {
        each["id"]: each
        for each in (included if isinstance(included, list) else ())
        if isinstance(each, dict) and each.get("type") == REPLIES and isinstance(each.get("id"), str)
    }
    return [entry for each in document["data"] for entry in _entries(each, replies, channel)]


def _entries(review: Any, replies: Mapping[str, Any], channel: Mapping[str, Any]) -> list[Entry | Rejected]:
    number = review.get("id") if isinstance(review, dict) else None
    told = _part(review, "attributes")
    moment = _moment(told.get("createdDate"))
    origin = f"{SOURCE}:{channel['id']}#{number or '?'}"
    if not isinstance(number, str) or not number or moment is None:
        payload = json.dumps(review, ensure_ascii=False, sort_keys=True).encode("utf-8", "replace")
        return [Rejected(payload, origin, "invalid", "a review without an id or a date")]
    title, words, name = tidy(told.get("title")), tidy(told.get("body")), tidy(told.get("reviewerNickname"))
    rating = told.get("rating")
    document = {
        "source": SOURCE,
        "native_id": number,
        "kind": "review",
        "url": _address(channel),
        "channel": channel,
        "author": {"id": name, "name": name} if name else None,
        "text": words if words.startswith(title) else f"{title}\n{words}".strip(),
        "rating": rating if isinstance(rating, int) and 1 <= rating <= 5 else None,
        "extras": {"country": told["territory"]} if isinstance(told.get("territory"), str) else {},
    }
    found = Entry(document=document, created_at=moment, origin=origin)
    reply = _reply(review, number, replies, channel, origin)
    return [found] if reply is None else [reply, found]


def _reply(
    review: Any, number: str, replies: Mapping[str, Any], channel: Mapping[str, Any], origin: str
) -> Entry | None:
    """The reply, once it is published."""
    named = _part(_part(_part(review, "relationships"), "response"), "data").get("id")
    told = _part(replies.get(str(named)), "attributes")
    text, moment = tidy(told.get("responseBody")), _moment(told.get("lastModifiedDate"))
    if not text or told.get("state", PUBLISHED) != PUBLISHED:
        return None
    document = {
        "source": SOURCE,
        "native_id": f"{number}/reply",
        "kind": "comment",
        "url": _address(channel),
        "channel": channel,
        "author": {"id": channel["id"], "name": channel["name"], "own": True},
        "text": text,
        "reply_to": f"{SOURCE}:{number}",
        "thread_root": f"{SOURCE}:{number}",
    }
    return Entry(document=document, created_at=moment, edited_at=moment, origin=f"{origin}/reply")


def problem_of(reply: Reply) -> str:
    """What an error of the API says."""
    try:
        error = json.loads(reply.body)["errors"][0]
        return f"{error.get('code', '')}: {error.get('detail') or error.get('title', '')}"[:TOLD]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return ""


def _address(channel: Mapping[str, Any]) -> str:
    return f"https://apps.apple.com/app/id{channel['id']}"


def _part(part: Any, name: str) -> dict[str, Any]:
    """An object within an object; an empty one where there is none."""
    found = part.get(name) if isinstance(part, dict) else None
    return found if isinstance(found, dict) else {}


def _moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
