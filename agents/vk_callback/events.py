"""Events of VK's Callback API -> posts and deletions. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from agents.base import Collected, Found, Gone, Rejected
from agents.vk.names import SOURCE, native_id
from agents.vk.people import OwnIds, People
from agents.vk.posts import Item, comment_of, number_of, other_comment, post_of

POSTS: Final = frozenset({"wall_post_new", "wall_repost"})
HIDDEN: Final = frozenset({"suggest", "postpone"})
"""Posts that nobody but editors sees."""


class Place(NamedTuple):
    """How events name the thing that is commented, and its owner; ``what`` begins its address."""

    what: str
    thing: str
    owner: str


PLACES: Final[Mapping[str, Place]] = {
    "wall_reply": Place("wall", "post_id", "post_owner_id"),
    "photo_comment": Place("photo", "photo_id", "photo_owner_id"),
    "video_comment": Place("video", "video_id", "video_owner_id"),
    "market_comment": Place("market", "item_id", "market_owner_id"),
    "board_post": Place("topic", "topic_id", "topic_owner_id"),
}


def items_of(event: Item, own: OwnIds, now: datetime) -> list[Collected]:
    """What an event tells; nothing for events that are about no public words."""
    name, group = str(event.get("type") or ""), number_of(event, "group_id")
    content = event.get("object")
    if not isinstance(content, dict):
        return []
    if name in POSTS:
        hidden = content.get("post_type") in HIDDEN
        return [] if hidden else [post_of({"owner_id": -group, **content}, People({}, own), now)]
    subject, _, action = name.rpartition("_")
    if subject not in PLACES or action not in ("new", "edit", "restore", "delete"):
        return []
    return [_comment(PLACES[subject], action, content, group, own, now)]


def _comment(
    place: Place, action: str, content: Item, group: int, own: OwnIds, now: datetime
) -> Found | Gone | Rejected:
    owner = number_of(content, place.owner) or number_of(content, "owner_id") or -group
    thing, number = number_of(content, place.thing), number_of(content, "id")
    if action == "delete" and number:
        prefix = "" if place.what == "wall" else f"{place.what}{native_id(owner, thing)}_"
        name = f"{prefix}{number}" if prefix else native_id(owner, number)
        return Gone(SOURCE, name, now, f"{SOURCE}:{name}")
    revision = int(now.timestamp() * 1000) if action == "edit" else 0
    people = People({}, own)
    if place.what == "wall":
        return comment_of(content, owner, thing, people, now, revision=revision)
    return other_comment(content, place.what, owner, thing, people, now, revision=revision)


def kind_of(event: Any) -> str:
    """The type of an event; empty where it is none."""
    return str(event.get("type") or "") if isinstance(event, dict) else ""
