"""Objects of VK -> posts: of walls, of searches, of events; comments of all kinds. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from agents.base import Found, Rejected
from agents.vk.attachments import media_of, words_of
from agents.vk.names import SITE, SOURCE, full_id, native_id
from agents.vk.people import People
from schemas import RawPost
from schemas.base import LIVE
from schemas.codec import InvalidRecord, validate

MAX_PAYLOAD: Final = 16_384
MAX_CHAIN: Final = 16
_LINK: Final = re.compile(r"\[([^\[\]|\s]{1,400})\|([^\[\]|]{1,400})\]")
"""``[club1|Name]``, ``[id1|Name]``, ``[https://vk.com/x|words]``; readers see the part behind the bar."""
_ANSWERED: Final = re.compile(r"\[((?:id|club|public)\d+):bp-\d+_\d+\|([^\[\]|]{1,400})\]")
"""A name that answers a comment of a board: ``[id1:bp-2_3|Name]``."""

Item = Mapping[str, Any]


def number_of(item: Item, name: str) -> int:
    """An integer field of an object, 0 where there is none."""
    value = item.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def owner_of(item: Item) -> int:
    """Whose wall a post stands on; old methods and events call it ``to_id``."""
    return number_of(item, "owner_id") or number_of(item, "to_id")


def edited_of(item: Item) -> int:
    """When an object was edited, Unix seconds; 0: never."""
    return number_of(item, "edited")


def post_of(item: Item, people: People, now: datetime, *, revision: int | None = None) -> Found | Rejected:
    """The post of a wall post; of a comment where a search has found one.

    Args:
        revision: of an edit that has no date at VK; None: as ``edited`` says.
    """
    if item.get("post_type") == "reply" and number_of(item, "post_id"):
        return comment_of(item, owner_of(item), number_of(item, "post_id"), people, now)
    owner, number = owner_of(item), number_of(item, "id")
    chain = _chain(item)
    copied = chain[0] if chain else None
    fields = {
        "kind": "repost" if chain else "post",
        "url": f"{SITE}/wall{native_id(owner, number)}",
        "channel": people.channel(owner),
        "author": _author(item, people),
        "text": _text(item, chain),
        "repost_of": None if copied is None else full_id(owner_of(copied), number_of(copied, "id")),
        "engagement": _engagement(item),
        "media": media_of([*_attached(item), *(each for copy in chain for each in _attached(copy))]),
        "extras": _extras(item, chain),
    }
    return _made(item, owner and number and native_id(owner, number), fields, now, revision)


def comment_of(
    item: Item, owner: int, post: int, people: People, now: datetime, *, revision: int | None = None
) -> Found | Rejected:
    """The post of a comment under a wall post."""
    number = number_of(item, "id")
    stack = [each for each in item.get("parents_stack") or () if isinstance(each, int)]
    answered = number_of(item, "reply_to_comment") or (stack[-1] if stack else post)
    thread = f"&thread={stack[0]}" if stack else ""
    fields = {
        "kind": "comment",
        "url": f"{SITE}/wall{native_id(owner, post)}?reply={number}{thread}",
        "channel": people.channel(owner),
        "author": _author(item, people),
        "text": _text(item, []),
        "reply_to": full_id(owner, answered),
        "thread_root": full_id(owner, post),
        "engagement": _engagement(item),
        "media": media_of(item.get("attachments")),
        "extras": _extras(item, []),
    }
    return _made(item, owner and number and native_id(owner, number), fields, now, revision)


def other_comment(
    item: Item,
    what: str,
    owner: int,
    thing: int,
    people: People,
    now: datetime,
    *,
    revision: int | None = None,
) -> Found | Rejected:
    """The post of a comment under a ``photo``, ``video``, ``market``, or of a ``topic`` of a board."""
    number = number_of(item, "id")
    place = f"{what}{native_id(owner, thing)}"
    fields = {
        "kind": "comment",
        "url": f"{SITE}/{place}?{'post' if what == 'topic' else 'reply'}={number}",
        "channel": people.channel(owner),
        "author": _author(item, people),
        "text": _text(item, []),
        "thread_root": f"{SOURCE}:{place}",
        "reply_to": f"{SOURCE}:{place}",
        "engagement": _engagement(item),
        "media": media_of(item.get("attachments")),
        "extras": _extras(item, []),
    }
    return _made(item, owner and thing and number and f"{place}_{number}", fields, now, revision)


def _made(
    item: Item, named: int | str, fields: Mapping[str, Any], now: datetime, revision: int | None
) -> Found | Rejected:
    edited = edited_of(item)
    document = {
        **fields,
        "source": SOURCE,
        "native_id": str(named) if named else "",
        "created_at": _moment(item.get("date")),
        "collected_at": now,
        "timeline": LIVE,
        "revision": edited * 1000 if revision is None else revision,
        "edited_at": _moment(edited) if edited else None,
    }
    origin = f"{SOURCE}:{named or '?'}"
    try:
        return Found(validate(RawPost, document), origin)
    except InvalidRecord as error:
        return rejected(item, origin, error)


def rejected(item: object, origin: str, error: InvalidRecord) -> Rejected:
    """What cannot be read as a post."""
    payload = json.dumps(item, ensure_ascii=False, default=str).encode("utf-8", "replace")[:MAX_PAYLOAD]
    return Rejected(payload, origin, error.reason, error.detail)


def plain(text: str) -> str:
    """The words that readers see: without the addresses behind them."""
    return _LINK.sub(r"\2", _ANSWERED.sub(r"\2", text))


def _text(item: Item, chain: list[Item]) -> str:
    """The text, what polls ask, and the texts of what was reposted, as they stand one below the other."""
    parts = []
    for each in (item, *chain):
        parts += [plain(str(each.get("text") or "")), *words_of(each.get("attachments"))]
    return "\n".join(part for part in parts if part)


def _chain(item: Item) -> list[Item]:
    """What was reposted, the nearest first."""
    copies = item.get("copy_history")
    found: list[Item] = (
        [each for each in copies if isinstance(each, dict)] if isinstance(copies, list) else []
    )
    return [each for each in found if owner_of(each) and number_of(each, "id")][:MAX_CHAIN]


def _attached(item: Item) -> list[Any]:
    attachments = item.get("attachments")
    return attachments if isinstance(attachments, list) else []


def _author(item: Item, people: People) -> dict[str, Any] | None:
    """Who writes: a person, or a community; whose signature stands below is in the extras."""
    author = people.author(number_of(item, "from_id"))
    signer = number_of(item, "signer_id")
    if author is None or not signer or not people.name(signer):
        return author
    return {**author, "name": f"{author['name']} ({people.name(signer)})"}


def _engagement(item: Item) -> dict[str, int | None]:
    counts = {"likes": "likes", "reposts": "reposts", "comments": "comments", "views": "views"}
    found = {name: _counted(item.get(field)) for name, field in counts.items()}
    if found["comments"] is None:
        found["comments"] = _counted(item.get("thread"))
    return found


def _counted(value: Any) -> int | None:
    count = value.get("count") if isinstance(value, dict) else None
    return count if isinstance(count, int) and count >= 0 else None


def _extras(item: Item, chain: list[Item]) -> dict[str, Any]:
    text = str(item.get("text") or "")
    donut = item.get("donut")
    copyright_ = item.get("copyright")
    extras = {
        "signed_by": number_of(item, "signer_id"),
        "reposted": [full_id(owner_of(each), number_of(each, "id")) for each in chain],
        "links": list(dict.fromkeys(found[1] for found in _LINK.finditer(text)))[:32],
        "geo": _geo(item.get("geo")),
        "donut": bool(isinstance(donut, dict) and (donut.get("is_donut") or donut.get("is_don"))),
        "copyright": str(copyright_.get("link") or "")[:1000] if isinstance(copyright_, dict) else "",
        "advertisement": bool(item.get("marked_as_ads")),
        "post_type": str(item.get("post_type") or "")
        if item.get("post_type") not in ("post", "reply")
        else "",
    }
    return {key: value for key, value in extras.items() if value}


def _geo(geo: Any) -> dict[str, str]:
    """Coordinates as VK gives them ("latitude longitude", or an object), and the name of the place."""
    if not isinstance(geo, dict):
        return {}
    where, place = geo.get("coordinates"), geo.get("place")
    if isinstance(where, dict):
        where = f"{where.get('latitude')} {where.get('longitude')}"
    title = place.get("title") if isinstance(place, dict) else None
    found = {"coordinates": where, "place": title}
    return {key: str(value)[:200] for key, value in found.items() if value}


def _moment(seconds: Any) -> datetime | None:
    """Unix seconds as a moment; None, which no post may have, where it is none."""
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return None
