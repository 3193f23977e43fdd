"""Submissions and comments of Reddit -> posts. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from html import unescape
from typing import Any, Final

from agents.base import Found, Rejected
from agents.discussions.posting import count_of, item_of, milliseconds, moment_of, part_of, parts_of, text_of
from agents.listing import tidy
from agents.reddit.options import SOURCE
from schemas.base import LIVE

SITE: Final = "https://www.reddit.com"
REMOVED: Final = ("[deleted]", "[removed]", "[ Removed by Reddit ]")
COMMENT: Final = "t1"
SUBMISSION: Final = "t3"
MAX_MEDIA: Final = 64
LONGEST_URL: Final = 4096

Thing = dict[str, Any]


def name_of(thing: Thing) -> str:
    """Its full name, such as ``t3_abc``; empty where there is none."""
    name = text_of(thing.get("name"))
    return name if name.startswith((f"{COMMENT}_", f"{SUBMISSION}_")) and name[3:].isalnum() else ""


def is_gone(thing: Thing) -> bool:
    """Whether it was deleted by its author or removed by others: only its place is left."""
    if name_of(thing).startswith(COMMENT):
        return text_of(thing.get("body")).strip() in REMOVED
    words = text_of(thing.get("selftext")).strip()
    return words in REMOVED or bool(thing.get("removed_by_category"))


def written_at(thing: Thing) -> float:
    """When it was written, Unix seconds; 0 where that is not told."""
    moment = moment_of(thing.get("created_utc"))
    return 0.0 if moment is None else moment.timestamp()


def edited_at(thing: Thing) -> datetime | None:
    """When it was edited: Reddit gives False, a moment, or True for edits of long ago."""
    return moment_of(thing.get("edited"))


def words_of(thing: Thing) -> str:
    """Title and text; the text is Markdown and stays so."""
    lines = [tidy(unescape(text_of(thing.get(part)))) for part in ("title", "selftext", "body")]
    options = [tidy(each.get("text")) for each in parts_of(part_of(thing, "poll_data"), "options")]
    return "\n".join(filter(None, (*lines, *options)))


def post_of(
    thing: Thing, own: Collection[str], own_places: Collection[str], now: datetime
) -> Found | Rejected:
    """The post; ``own`` are users, ``own_places`` subreddits of the company."""
    name, edited = name_of(thing), edited_at(thing)
    is_comment = name.startswith(COMMENT)
    origin = parts_of(thing, "crosspost_parent_list")
    repost = text_of(thing.get("crosspost_parent"))
    document = {
        "source": SOURCE,
        "native_id": name,
        "kind": "comment" if is_comment else "repost" if repost else "post",
        "url": _address(thing),
        "channel": _channel(thing, own_places),
        "author": _author(thing, own),
        "created_at": moment_of(thing.get("created_utc")),
        "collected_at": now,
        "text": words_of(thing) if is_comment or not origin else _with_origin(thing, origin[0]),
        "reply_to": _full(thing.get("parent_id")),
        "thread_root": _full(thing.get("link_id")),
        "repost_of": _full(repost),
        "media": _media(origin[0] if origin else thing)[:MAX_MEDIA],
        "engagement": {"likes": count_of(thing.get("ups")), "comments": count_of(thing.get("num_comments"))},
        "timeline": LIVE,
        "revision": milliseconds(edited) if edited else 0,
        "edited_at": edited,
        "extras": _extras(thing),
    }
    return item_of(document, thing, f"{SOURCE}:{name or '?'}")


def _with_origin(thing: Thing, origin: Thing) -> str:
    """A crosspost says what it repeats as well."""
    own, repeated = words_of(thing), words_of(origin)
    return own if repeated in own else f"{own}\n{repeated.removeprefix(own).strip()}".strip()


def _address(thing: Thing) -> str:
    link = text_of(thing.get("permalink"))
    return f"{SITE}{link}" if link.startswith("/") and len(link) < LONGEST_URL - 30 else ""


def _author(thing: Thing, own: Collection[str]) -> dict[str, Any] | None:
    """None where the account was deleted; that of a suspended user is shown like that as well."""
    name = text_of(thing.get("author"))
    if not name or name in REMOVED:
        return None
    number = text_of(thing.get("author_fullname")) or name
    return {"id": number, "name": name, "handle": name, "own": name.lower() in own}


def _channel(thing: Thing, own_places: Collection[str]) -> dict[str, Any] | None:
    name = text_of(thing.get("subreddit"))
    if not name:
        return None
    return {
        "id": text_of(thing.get("subreddit_id")) or name,
        "name": name,
        "handle": name,
        "kind": "subreddit",
        "followers": count_of(thing.get("subreddit_subscribers")),
        "own": name.lower() in own_places,
    }


def _media(thing: Thing) -> list[dict[str, str]]:
    found = []
    for number, each in part_of(thing, "media_metadata").items():
        source = part_of(each, "s")
        kind = {"Image": "photo", "AnimatedImage": "video", "RedditVideo": "video"}.get(text_of(_kind(each)))
        url = text_of(source.get("u")) or text_of(source.get("gif")) or f"https://i.redd.it/{number}"
        found.append({"kind": kind or "document", "url": unescape(url)})
    url, hint = text_of(thing.get("url_overridden_by_dest")), text_of(thing.get("post_hint"))
    if url.startswith(("http://", "https://")) and len(url) <= LONGEST_URL and not thing.get("is_gallery"):
        video = thing.get("is_video") is True or hint in ("hosted:video", "rich:video")
        found.append({"kind": "video" if video else "photo" if hint == "image" else "link", "url": url})
    if part_of(thing, "poll_data"):
        found.append({"kind": "poll", "url": ""})
    return found


def _kind(media: object) -> object:
    """Reddit's word for the kind of an attachment."""
    return media.get("e") if isinstance(media, dict) else None


def _full(name: object) -> str | None:
    return f"{SOURCE}:{name}" if isinstance(name, str) and name.startswith(("t1_", "t3_")) else None


def _extras(thing: Thing) -> dict[str, Any]:
    extras = {
        "score": thing.get("score") if isinstance(thing.get("score"), int) else None,
        "flair": tidy(thing.get("link_flair_text"))[:100],
        "nsfw": thing.get("over_18") is True,
        "spoiler": thing.get("spoiler") is True,
        "quarantined": thing.get("quarantine") is True,
        "stickied": thing.get("stickied") is True,
    }
    return {key: value for key, value in extras.items() if value or (key == "score" and value is not None)}
