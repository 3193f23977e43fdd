"""A small Telegram: channels, discussion groups, users, and for each channel the log of its events by pts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from telethon.tl import types

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def user(number: int, name: str | None = "Иван", **fields: Any) -> types.User:
    return types.User(id=number, access_hash=number * 7, first_name=name, **fields)


@dataclass
class Event:
    """One step of a channel's pts."""

    pts: int
    update: Any
    date: datetime


@dataclass
class Room:
    """A channel or a supergroup. ``messages`` by id; a deleted one is missing."""

    id: int
    handle: str | None
    title: str
    group: bool = False
    access_hash: int = 0
    linked: Room | None = None
    closed: bool = False
    """Whoever has not joined may not read it."""
    joined: bool = False
    forgets: int = 10_000
    """How many events behind a client may be, before it is told that its gap is too long."""
    restriction: str = ""
    broken: bool = False
    """Reading it is an error that nobody has heard of."""
    messages: dict[int, Any] = field(default_factory=dict)
    log: list[Event] = field(default_factory=list)
    newest: int = 0
    copies: dict[int, int] = field(default_factory=dict)
    """Of posts of the channel that this group belongs to: post -> message here."""

    @property
    def pts(self) -> int:
        return self.log[-1].pts if self.log else 1

    @property
    def peer(self) -> types.PeerChannel:
        return types.PeerChannel(self.id)

    def shown(self) -> types.Channel:
        reasons = [types.RestrictionReason("all", "terms", self.restriction)] if self.restriction else None
        return types.Channel(
            id=self.id,
            title=self.title,
            photo=types.ChatPhotoEmpty(),
            date=NOON - timedelta(days=900),
            broadcast=not self.group,
            megagroup=self.group,
            access_hash=self.access_hash,
            username=self.handle,
            left=not self.joined,
            has_link=self.linked is not None,
            restricted=bool(self.restriction),
            restriction_reason=reasons,
            participants_count=None,
        )

    def full(self) -> types.ChannelFull:
        return types.ChannelFull(
            id=self.id,
            about="",
            read_inbox_max_id=0,
            read_outbox_max_id=0,
            unread_count=0,
            chat_photo=types.PhotoEmpty(0),
            notify_settings=types.PeerNotifySettings(),
            bot_info=[],
            pts=self.pts,
            participants_count=1234,
            linked_chat_id=self.linked.id if self.linked else None,
        )


class World:
    """All rooms and users; every change is also given to ``heard``, as a pushed update."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now
        self.rooms: dict[int, Room] = {}
        self.users: dict[int, types.User] = {}
        self.heard: list[Any] = []

    def room(self, handle: str | None, title: str = "", **fields: Any) -> Room:
        number = 1_000_000_000 + len(self.rooms) + 1
        room = Room(number, handle, title or (handle or "a group"), access_hash=number * 3, **fields)
        self.rooms[number] = room
        return room

    def discussed(self, channel: Room, handle: str | None = None, **fields: Any) -> Room:
        """Link a new group to a channel, for comments."""
        channel.linked = self.room(handle, f"{channel.title}: chat", group=True, **fields)
        return channel.linked

    def person(self, number: int, name: str | None = "Иван", **fields: Any) -> types.User:
        self.users[number] = user(number, name, **fields)
        return self.users[number]

    def publish(self, room: Room, text: str = "", *, at: datetime | None = None, **fields: Any) -> Any:
        """A new message; in a channel with a discussion group, also its copy there."""
        room.newest += 1
        if not room.group:
            fields = {"views": 100, "forwards": 0, **fields}
            if room.linked is not None:
                fields.setdefault("replies", types.MessageReplies(0, 0, True, channel_id=room.linked.id))
        made = types.Message(
            id=room.newest,
            peer_id=room.peer,
            date=at or self.now,
            message=text,
            post=not room.group or None,
            **fields,
        )
        self.add(room, made)
        if room.linked is not None and not room.group:
            self._copy(room, made)
        return made

    def add(self, room: Room, message: Any) -> None:
        room.newest = max(room.newest, message.id)
        room.messages[message.id] = message
        self._happened(room, types.UpdateNewChannelMessage(message, 0, 1))

    def _copy(self, room: Room, post: Any) -> None:
        assert room.linked is not None
        header = types.MessageFwdHeader(
            date=post.date,
            from_id=room.peer,
            channel_post=post.id,
            saved_from_peer=room.peer,
            saved_from_msg_id=post.id,
        )
        copy = self.publish(
            room.linked, post.message, at=post.date, from_id=room.peer, fwd_from=header, media=post.media
        )
        room.linked.copies[post.id] = copy.id

    def comment(self, channel: Room, post: int, text: str, author: int, *, to: int | None = None) -> Any:
        """A comment under a post, or a reply ``to`` another comment of it."""
        group = channel.linked
        assert group is not None
        top = group.copies[post]
        header = types.MessageReplyHeader(reply_to_msg_id=to or top, reply_to_top_id=top if to else None)
        made = self.publish(group, text, from_id=types.PeerUser(author), reply_to=header)
        replies = channel.messages[post].replies
        replies.replies, replies.max_id = replies.replies + 1, made.id
        return made

    def edit(self, room: Room, number: int, text: str, *, at: datetime | None = None, **fields: Any) -> None:
        message = room.messages[number]
        message.message, message.edit_date = text, at or self.now
        for name, value in fields.items():
            setattr(message, name, value)
        self._happened(room, types.UpdateEditChannelMessage(message, 0, 1))

    def delete(self, room: Room, *numbers: int) -> None:
        for number in numbers:
            room.messages.pop(number)
        self._happened(room, types.UpdateDeleteChannelMessages(room.id, list(numbers), 0, len(numbers)))

    def _happened(self, room: Room, update: Any) -> None:
        update.pts = room.pts + update.pts_count
        room.log.append(Event(update.pts, update, self.now))
        if room.joined:
            self.heard.append(update)

    def known(self, messages: list[Any]) -> tuple[list[Any], list[Any]]:
        """The chats and users that messages speak of, as results carry them."""
        peers = [
            peer
            for message in messages
            for peer in (
                getattr(message, "peer_id", None),
                getattr(message, "from_id", None),
                getattr(getattr(message, "fwd_from", None), "from_id", None),
            )
            if peer is not None
        ]
        chats = {each.channel_id for each in peers if isinstance(each, types.PeerChannel)}
        users = {each.user_id for each in peers if isinstance(each, types.PeerUser)}
        return (
            [self.rooms[each].shown() for each in sorted(chats) if each in self.rooms],
            [self.users[each] for each in sorted(users) if each in self.users],
        )
