"""What the test server answers to each request of the Telegram API that an agent uses."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from telethon.tl import functions, types

from tests.agents.telegram.mtproto import vector
from tests.agents.telegram.world import NOON, Room, World

channels, contacts, messages, updates = (
    functions.channels,
    functions.contacts,
    functions.messages,
    functions.updates,
)


class RpcFailure(Exception):
    """An error that the client is told."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Methods:
    """The methods over a `World`; an unknown one is METHOD_INVALID, as at Telegram."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.page = 100
        """The most messages in one answer."""
        self.me = types.User(id=777, is_self=True, access_hash=1, first_name="Collector")

    def call(self, request: Any) -> bytes:
        """The result of a request, serialised."""
        match request:
            case functions.help.GetConfigRequest():
                return bytes(self._config())
            case functions.users.GetUsersRequest():
                return vector([self.me])
            case updates.GetStateRequest():
                return bytes(types.updates.State(1, 0, NOON, 1, 0))
            case updates.GetDifferenceRequest():
                return bytes(types.updates.DifferenceEmpty(NOON, 1))
            case contacts.ResolveUsernameRequest(username=name):
                return bytes(self._resolved(name))
            case channels.GetFullChannelRequest(channel=channel):
                return bytes(self._full(channel))
            case channels.JoinChannelRequest(channel=channel):
                self._room(channel, entering=True).joined = True
                return bytes(types.Updates([], [], [], self.world.now, 0))
            case channels.GetMessagesRequest(channel=channel, id=numbers):
                return bytes(self._by_id(self._room(channel), [each.id for each in numbers]))
            case updates.GetChannelDifferenceRequest():
                return bytes(self._difference(request))
            case messages.GetHistoryRequest(peer=peer):
                return bytes(self._listed(self._room(peer), request))
            case messages.GetRepliesRequest(peer=peer, msg_id=number):
                return bytes(self._replies(self._room(peer), number, request))
            case messages.GetMessagesViewsRequest(peer=peer, id=numbers):
                return bytes(self._views(self._room(peer), numbers))
            case _:
                raise RpcFailure(400, "METHOD_INVALID")

    def _config(self) -> types.Config:
        whole = dict.fromkeys(types.Config.__init__.__annotations__, None)
        numbers = {
            name: 1 for name, kind in types.Config.__init__.__annotations__.items() if kind in (int, "int")
        }
        given: dict[str, Any] = {
            **whole,
            **numbers,
            "date": NOON,
            "expires": NOON + timedelta(hours=1),
            "test_mode": False,
            "dc_options": [],
            "dc_txt_domain_name": "test",
            "me_url_prefix": "https://t.me/",
        }
        given.pop("return", None)
        return types.Config(**given)

    def _resolved(self, name: str) -> Any:
        if not name.replace("_", "").isalnum() or len(name) < 4:
            raise RpcFailure(400, "USERNAME_INVALID")
        for room in self.world.rooms.values():
            if room.handle is not None and room.handle.lower() == name.lower():
                return types.contacts.ResolvedPeer(room.peer, [room.shown()], [])
        for person in self.world.users.values():
            if person.username and person.username.lower() == name.lower():
                return types.contacts.ResolvedPeer(types.PeerUser(person.id), [], [person])
        raise RpcFailure(400, "USERNAME_NOT_OCCUPIED")

    def _room(self, channel: Any, *, entering: bool = False) -> Room:
        room = self.world.rooms.get(channel.channel_id)
        if room is None or room.access_hash != channel.access_hash:
            raise RpcFailure(400, "CHANNEL_INVALID")
        if room.broken:
            raise RpcFailure(400, "SOMETHING_NEW")
        if room.closed and not room.joined and not entering:
            raise RpcFailure(400, "CHANNEL_PRIVATE")
        return room

    def _full(self, channel: Any) -> Any:
        room = self._room(channel)
        chats = [room.shown(), *([room.linked.shown()] if room.linked else [])]
        return types.messages.ChatFull(room.full(), chats, [])

    def _page(self, room: Room, found: list[Any], count: int) -> Any:
        chats, users = self.world.known(found)
        if room.peer.channel_id not in {each.id for each in chats}:
            chats.append(room.shown())
        return types.messages.ChannelMessages(room.pts, count, found, [], chats, users)

    def _by_id(self, room: Room, numbers: list[int]) -> Any:
        found = [room.messages.get(number, types.MessageEmpty(number, None)) for number in numbers]
        return self._page(room, found, len(found))

    def _listed(self, room: Room, request: Any, only: set[int] | None = None) -> Any:
        """Newest first, from below ``offset_id``, moved by ``add_offset``; then ``min_id`` and ``max_id``."""
        known = sorted(room.messages.values(), key=lambda each: -each.id)
        known = [each for each in known if only is None or each.id in only]
        start = 0
        if request.offset_id:
            start = sum(each.id >= request.offset_id for each in known)
        elif request.offset_date is not None and request.offset_date.timestamp() > 0:
            start = sum(each.date >= request.offset_date for each in known)
        begin = max(0, start + request.add_offset)
        end = max(0, start + request.add_offset + request.limit)
        found = [
            each
            for each in known[begin:end]
            if each.id > request.min_id and (not request.max_id or each.id < request.max_id)
        ]
        return self._page(room, found, len(known))

    def _replies(self, room: Room, number: int, request: Any) -> Any:
        if room.linked is None or number not in room.messages:
            raise RpcFailure(400, "MSG_ID_INVALID")
        group = room.linked
        top = group.copies.get(number)
        under = {
            each.id
            for each in group.messages.values()
            if each.reply_to is not None
            and top in (each.reply_to.reply_to_msg_id, each.reply_to.reply_to_top_id)
        }
        return self._listed(group, request, under)

    def _views(self, room: Room, numbers: list[int]) -> Any:
        found = []
        for number in numbers:
            message = room.messages.get(number)
            views = message.views if message else None
            found.append(types.MessageViews(views, 0, message.replies if message else None))
        return types.messages.MessageViews(found, [], [])

    def _difference(self, request: Any) -> Any:
        room = self._room(request.channel)
        if request.pts <= 0:
            raise RpcFailure(400, "PERSISTENT_TIMESTAMP_EMPTY")
        if request.pts > room.pts:
            raise RpcFailure(400, "PERSISTENT_TIMESTAMP_INVALID")
        missed = [event for event in room.log if event.pts > request.pts]
        if not missed:
            return types.updates.ChannelDifferenceEmpty(room.pts, final=True, timeout=30)
        if len(missed) > room.forgets:
            return self._too_long(room)
        part = missed[: min(request.limit, self.page)]
        new, others = [], []
        for event in part:
            update = event.update
            if not isinstance(update, types.UpdateNewChannelMessage):
                others.append(update)
            elif update.message.id in room.messages:
                new.append(room.messages[update.message.id])
        chats, users = self.world.known(new + [each.message for each in others if hasattr(each, "message")])
        if room.id not in {each.id for each in chats}:
            chats.append(room.shown())
        final = len(part) == len(missed)
        return types.updates.ChannelDifference(
            part[-1].pts, new, others, chats, users, final=final, timeout=30
        )

    def _too_long(self, room: Room) -> Any:
        newest = [room.messages[each] for each in sorted(room.messages)[-10:]]
        chats, users = self.world.known(newest)
        dialog = types.Dialog(
            room.peer, room.newest, 0, 0, 0, 0, 0, 0, types.PeerNotifySettings(), pts=room.pts
        )
        return types.updates.ChannelDifferenceTooLong(dialog, newest, chats, users, final=True, timeout=30)
