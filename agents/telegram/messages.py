"""Messages of Telegram -> posts. Pure: what a batch of messages came with is in its `Batch`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from telethon.tl import types

from agents.base import Found, Rejected
from agents.telegram.media import hidden_links, media_of, reactions_of, words_of
from agents.telegram_names import SOURCE, marked, native_id
from schemas import RawPost
from schemas.base import LIVE
from schemas.codec import InvalidRecord, validate

MAX_MEDIA: Final = 64
MAX_PAYLOAD: Final = 16_384


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Where messages stand, and who is who in the answer that they came with.

    Attributes:
        called: what native ids begin with; ``names`` the same of other channels, by id.
        parent: of a group with comments: what native ids of its channel begin with, else empty.
        posts: which messages of the group are copies of the channel's posts: message -> post.
    """

    room: int
    called: str
    title: str = ""
    handle: str = ""
    group: bool = False
    followers: int | None = None
    own: bool = False
    collected_at: datetime
    chats: Mapping[int, Any] = field(default_factory=dict)
    users: Mapping[int, Any] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)
    parent: str = ""
    posts: Mapping[int, int] = field(default_factory=dict)


def is_post(message: Any) -> bool:
    """Whether it is a message that somebody wrote: no notice of the service, no gap."""
    return isinstance(message, types.Message)


def albums(messages: Iterable[Any]) -> list[list[Any]]:
    """Messages by album, each in the order of ids; what is in no album is alone."""
    found: dict[tuple[str, int], list[Any]] = {}
    for message in sorted(messages, key=lambda each: each.id):
        key = ("album", message.grouped_id) if message.grouped_id else ("single", message.id)
        found.setdefault(key, []).append(message)
    return list(found.values())


def post_of(album: Sequence[Any], batch: Batch, number: int = 0) -> Found | Rejected:
    """The post of a message, or of all messages of an album.

    ``number`` names it: the first one, also where that is not there any more; 0: it is.
    """
    number = number or album[0].id
    origin = f"{SOURCE}:{native_id(batch.called, number)}"
    document = _document(album, batch, number)
    try:
        return Found(validate(RawPost, document), origin)
    except InvalidRecord as error:
        payload = "\n".join(str(each.to_dict()) for each in album).encode("utf-8", "replace")[:MAX_PAYLOAD]
        return Rejected(payload, origin, error.reason, error.detail)


def _document(album: Sequence[Any], batch: Batch, number: int) -> dict[str, Any]:
    first = album[0]
    edited = max((each.edit_date for each in album if each.edit_date and not each.edit_hide), default=None)
    reply, root = _thread(first, batch)
    repost = _forwarded(first, batch)
    return {
        "source": SOURCE,
        "native_id": native_id(batch.called, number),
        "kind": "comment" if batch.group and reply else "repost" if first.fwd_from else "post",
        "url": _url(number, batch, root),
        "channel": _channel(batch),
        "author": _author(first, batch),
        "created_at": first.date,
        "collected_at": batch.collected_at,
        "text": "\n".join(filter(None, (words_of(each) for each in album))),
        "reply_to": reply,
        "thread_root": root,
        "repost_of": repost,
        "media": [media.model_dump() for each in album for media in media_of(each)][:MAX_MEDIA],
        "engagement": _engagement(album),
        "timeline": LIVE,
        "revision": 0 if edited is None else int(edited.timestamp() * 1000),
        "edited_at": edited,
        "extras": _extras(album, batch),
    }


def _url(number: int, batch: Batch, root: str | None) -> str:
    if batch.parent and root and root.startswith(f"{SOURCE}:{batch.parent}/"):
        return f"https://t.me/{root.removeprefix(f'{SOURCE}:')}?comment={number}"
    return f"https://t.me/{native_id(batch.called, number)}"


def _channel(batch: Batch) -> dict[str, Any]:
    return {
        "id": marked(batch.room),
        "name": batch.title,
        "handle": batch.handle,
        "kind": "group" if batch.group else "channel",
        "followers": batch.followers,
        "own": batch.own,
    }


def _author(message: Any, batch: Batch) -> dict[str, Any]:
    """A person, or the channel in whose name was written: all posts of channels, anonymous admins."""
    match message.from_id:
        case types.PeerUser(user_id=number):
            return _person(number, batch.users.get(number))
        case types.PeerChannel(channel_id=number):
            chat = batch.chats.get(number)
        case _:
            number, chat = batch.room, batch.chats.get(batch.room)
    signed = message.post_author or ""
    title = getattr(chat, "title", "") or (batch.title if number == batch.room else "")
    return {
        "id": marked(number),
        "name": f"{title} ({signed})" if signed else title,
        "handle": handle_of(chat),
        "verified": bool(getattr(chat, "verified", False)),
        "own": batch.own and number == batch.room,
    }


def _person(number: int, user: Any) -> dict[str, Any]:
    """A user; one whose account was deleted has no name."""
    if not isinstance(user, types.User) or user.deleted:
        return {"id": str(number)}
    return {
        "id": str(number),
        "name": " ".join(filter(None, (user.first_name, user.last_name))),
        "handle": handle_of(user),
        "verified": bool(user.verified),
    }


def handle_of(entity: Any) -> str:
    """The handle of a channel or user; those with several have them in a list."""
    if handle := getattr(entity, "username", None):
        return str(handle)
    several = getattr(entity, "usernames", None) or ()
    return next((str(each.username) for each in several if each.active), "")


def called(number: int, chat: Any, names: Mapping[int, str]) -> str:
    """What the native ids of a channel's messages begin with."""
    return names.get(number) or handle_of(chat).lower() or f"c/{number}"


def _thread(message: Any, batch: Batch) -> tuple[str | None, str | None]:
    """Full ids of what a message answers, and of the beginning of its thread."""
    header = message.reply_to
    if not isinstance(header, types.MessageReplyHeader) or header.reply_to_msg_id is None:
        return None, None
    number, top = header.reply_to_msg_id, header.reply_to_top_id or header.reply_to_msg_id
    if isinstance(header.reply_to_peer_id, types.PeerChannel):
        other = header.reply_to_peer_id.channel_id
        return f"{SOURCE}:{native_id(called(other, batch.chats.get(other), batch.names), number)}", None
    if header.forum_topic and not header.reply_to_top_id:
        return None, None  # a message of a topic that answers nobody
    return _place(number, batch), _place(top, batch) if batch.group else None


def _place(number: int, batch: Batch) -> str:
    """A message of the group, or the post that it is a copy of."""
    if batch.parent and number in batch.posts:
        return f"{SOURCE}:{native_id(batch.parent, batch.posts[number])}"
    return f"{SOURCE}:{native_id(batch.called, number)}"


def _forwarded(message: Any, batch: Batch) -> str | None:
    """The full id of a channel's post that was forwarded; people's messages have none to tell."""
    header = message.fwd_from
    if header is None or header.channel_post is None or not isinstance(header.from_id, types.PeerChannel):
        return None
    number = header.from_id.channel_id
    return f"{SOURCE}:{native_id(called(number, batch.chats.get(number), batch.names), header.channel_post)}"


def _engagement(album: Sequence[Any]) -> dict[str, int | None]:
    first = album[0]
    likes = [sum(found.values()) for each in album if (found := reactions_of(each))]
    return {
        "views": max((each.views for each in album if each.views is not None), default=None),
        "reposts": max((each.forwards for each in album if each.forwards is not None), default=None),
        "comments": first.replies.replies if first.replies else None,
        "likes": sum(likes) if likes else None,
    }


def _extras(album: Sequence[Any], batch: Batch) -> dict[str, Any]:
    first = album[0]
    header = first.fwd_from
    reasons = [each.text for message in album for each in message.restriction_reason or ()]
    chat = batch.chats.get(batch.room)
    if chat is not None and getattr(chat, "restricted", False):
        reasons += [each.text for each in chat.restriction_reason or ()]
    extras = {
        "reactions": {key: count for each in album for key, count in reactions_of(each).items()},
        "links": [link for each in album for link in hidden_links(each)],
        "forwarded_from": (header.from_name or header.post_author or "") if header else "",
        "restricted": "; ".join(dict.fromkeys(reasons)),
        "via_bot": first.via_bot_id or 0,
    }
    return {key: value for key, value in extras.items() if value}
