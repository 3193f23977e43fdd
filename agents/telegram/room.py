"""One channel or group: from its state to its next messages, edits and deletions.

A new one is read from its history on, then by its events (``pts``), which hold everything in order. Where
Telegram has forgotten the events, messages are read from the history again, after the last known one.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from telethon.tl import functions, types

from agents.base import Collected, Gone
from agents.surroundings import Surroundings
from agents.telegram.account import Account
from agents.telegram.albums import Albums
from agents.telegram.copies import Copies
from agents.telegram.cursor import RoomState
from agents.telegram.failures import PlaceLost, Troubled
from agents.telegram.messages import Batch, albums, handle_of, is_post, post_of
from agents.telegram_names import SOURCE, marked, native_id
from pipeline.core.accounts import Owners

PAGE: Final = 100
ALBUM: Final = 10
"""The most messages of an album; their ids follow each other."""
log = logging.getLogger("molva.agent.telegram")


class Room:
    """``state`` may be saved after each step of `steps`; ``read`` are the messages of that step.

    ``pause`` is how long Telegram wants to be left alone about it, in seconds.
    """

    def __init__(
        self,
        name: str,
        state: RoomState,
        around: Surroundings,
        *,
        names: dict[int, str],
        owners: Owners | None = None,
        parent: RoomState | None = None,
    ) -> None:
        """``names``: what native ids begin with, by channel; ``parent``: whose comments are here."""
        self.name = name
        self.state = state
        self.pause = 0.0
        self.read: list[Any] = []
        self._around = around
        self._names = names
        self._owners = owners
        self._parent = parent
        self._copies = None if parent is None else Copies(parent.id, state.copies)
        self._albums = Albums(state.albums)

    @property
    def input(self) -> types.InputChannel:
        return types.InputChannel(self.state.id, self.state.access_hash)

    async def begin(self, account: Account, pts: int, history: int) -> None:
        """Start ``history`` messages before the newest one; events are read from ``pts`` on."""
        goal = await self._newest(account)
        last = await self._newest(account, add_offset=history) if history else goal
        self.state = self.state.changed(pts=pts, last=last, goal=goal)

    async def begin_before(self, account: Account, pts: int, moment: datetime) -> None:
        """Start with the first message that is not older than ``moment``."""
        goal = await self._newest(account)
        last = await self._newest(account, offset_date=moment)
        self.state = self.state.changed(pts=pts, last=last, goal=goal)

    async def _newest(self, account: Account, **given: Any) -> int:
        """The id of the newest message, or of the newest one from a place on; 0: there is none."""
        found = await self._history(account, limit=1, **given)
        return max((message.id for message in found.messages), default=0)

    async def steps(self, account: Account) -> AsyncIterator[list[Collected]]:
        """What is new, step by step; it ends when the room is read up to the present.

        Raises:
            AgentError: what `Account.ask` raises; `state` stays as after the last step.
        """
        lost = False
        while True:
            while self.state.filling:
                yield await self.fill(account)
            try:
                items, final = await self._events(account)
            except PlaceLost as error:
                if lost:
                    raise Troubled(f"{error}, again and again") from error
                lost = True
                log.warning("%s; its history is read instead", error)
                items, final = await self._lost(account, await self._present(account)), False
            yield items
            if final:
                return

    async def fill(self, account: Account) -> list[Collected]:
        """The next page of messages after the last one; at the end nothing is to be filled."""
        self.read, last = [], self.state.last
        answer = await self._history(account, offset_id=last + 1, add_offset=-PAGE, min_id=last)
        messages = [message for message in answer.messages if message.id > last]
        if not messages:
            self.state = self.state.changed(goal=last)
            return []
        items = await self._posts(account, messages, answer)
        self._moved(last=max(message.id for message in messages))
        return items

    async def _history(self, account: Account, **given: Any) -> Any:
        asked = {
            "offset_id": 0,
            "offset_date": None,
            "add_offset": 0,
            "limit": PAGE,
            "max_id": 0,
            "min_id": 0,
        }
        peer = types.InputPeerChannel(self.state.id, self.state.access_hash)
        request = functions.messages.GetHistoryRequest(peer=peer, hash=0, **{**asked, **given})
        return await account.ask(request, self.name)

    async def _events(self, account: Account) -> tuple[list[Collected], bool]:
        """Events after ``pts``, and whether these were all."""
        self.read = []
        request = functions.updates.GetChannelDifferenceRequest(
            self.input, types.ChannelMessagesFilterEmpty(), self.state.pts, PAGE
        )
        answer = await account.ask(request, self.name)
        self.pause = float(answer.timeout or 0)
        if isinstance(answer, types.updates.ChannelDifferenceTooLong):
            log.warning("%s: more happened than Telegram tells; its history is read instead", self.name)
            return await self._lost(account, answer.dialog.pts or await self._present(account)), False
        if isinstance(answer, types.updates.ChannelDifferenceEmpty):
            self.state = self.state.changed(pts=answer.pts)
            return [], True
        items = await self._posts(account, answer.new_messages, answer)
        for update in answer.other_updates:
            items += await self._changed(account, update, answer)
        for update in answer.other_updates:  # after all that waits: nothing is deleted by halves
            if isinstance(update, types.UpdateDeleteChannelMessages):
                items += self._deleted(update.messages)
        newest = max((message.id for message in answer.new_messages), default=0)
        self._moved(pts=answer.pts, last=max(self.state.last, newest))
        return items, bool(answer.final)

    def _moved(self, **fields: object) -> None:
        copies = () if self._copies is None else self._copies.kept()
        self.state = self.state.changed(albums=self._albums.kept(), copies=copies, **fields)

    async def _present(self, account: Account) -> int:
        full = await account.ask(functions.channels.GetFullChannelRequest(self.input), self.name)
        return int(full.full_chat.pts)

    async def _lost(self, account: Account, pts: int) -> list[Collected]:
        """Events were lost: go on at ``pts`` after the history; edits of the last messages are found."""
        self._around.metrics.agent_errors.labels(self._around.agent, "EventsLost").inc()
        answer = await self._history(account, offset_id=self.state.last + 1)
        edited = [each for each in answer.messages if _is_edited(each)]
        items = await self._posts(account, edited, answer)
        self._moved(pts=pts, goal=await self._newest(account))
        return items

    async def _changed(self, account: Account, update: Any, answer: Any) -> list[Collected]:
        match update:
            case types.UpdateNewChannelMessage(message=message):
                return await self._posts(account, [message], answer)
            case types.UpdateEditChannelMessage(message=message) if _is_edited(message):
                return await self._posts(account, [message], answer)
        return []

    def _deleted(self, numbers: Sequence[int]) -> list[Collected]:
        """Deletions of posts: an album is one, and copies of the channel's posts are none."""
        copies = self._copies
        mine = [number for number in numbers if copies is None or not copies.has(number)]
        names = [native_id(self.state.called, number) for number in self._albums.without(mine)]
        return [Gone(SOURCE, name, self._around.clock(), f"{SOURCE}:{name}") for name in names]

    async def _posts(self, account: Account, messages: Sequence[Any], answer: Any) -> list[Collected]:
        """The posts of messages; albums at their ends are completed, as a page may have cut them."""
        wanted = sorted(filter(is_post, messages), key=lambda message: message.id)
        self.read += wanted
        found = albums(wanted)
        for index, album in enumerate(found):
            if album[0].id - wanted[0].id < ALBUM or wanted[-1].id - album[-1].id < ALBUM:
                found[index] = await self._whole(account, album)
        posts: dict[int, int] = {}
        if self._copies is not None:
            posts = await self._copies.found(account, self.input, wanted, self.name)
            found = [album for album in found if not self._copies.post_of(album[0])]
        batch = self.batch(answer, posts)
        return [post_of(album, batch, self._albums.note(album)) for album in found]

    async def _whole(self, account: Account, album: list[Any]) -> list[Any]:
        """The album with the messages that other pages or events hold."""
        group = album[0].grouped_id
        if not group:
            return album
        numbers = range(max(1, album[-1].id - ALBUM + 1), album[0].id + ALBUM)
        asked = [types.InputMessageID(number) for number in numbers]
        answer = await account.ask(functions.channels.GetMessagesRequest(self.input, asked), self.name)
        whole = {each.id: each for each in answer.messages if is_post(each) and each.grouped_id == group}
        whole |= {each.id: each for each in album}
        return [whole[number] for number in sorted(whole)]

    def batch(self, answer: Any, posts: Mapping[int, int] | None = None) -> Batch:
        """Where messages of an answer stand; ``posts`` as in `Batch`."""
        chats = {chat.id: chat for chat in answer.chats}
        state, chat = self.state, chats.get(self.state.id)
        if chat is not None:
            counted = getattr(chat, "participants_count", None)
            followers = state.followers if counted is None else counted
            state = self.state = state.changed(title=chat.title or "", followers=followers)
        handle = handle_of(chat) or ("" if "/" in state.called else state.called)
        names = tuple(filter(None, (handle, str(state.id), marked(state.id))))
        return Batch(
            room=state.id,
            called=state.called,
            title=state.title,
            handle=handle,
            group=bool(getattr(chat, "megagroup", self._parent is not None)),
            followers=state.followers,
            own=self._owners is not None and bool(self._owners.of(SOURCE, names)),
            collected_at=self._around.clock(),
            chats=chats,
            users={user.id: user for user in answer.users},
            names=self._names,
            parent="" if self._parent is None else self._parent.called,
            posts=posts or {},
        )


def _is_edited(message: Any) -> bool:
    """Whether its words or media were changed; reactions alone make a hidden edit."""
    return bool(is_post(message) and message.edit_date and not message.edit_hide)
