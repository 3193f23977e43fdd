"""One channel of the configuration with its comments: who it is, and how far both are read."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any, Final

from telethon.tl import functions, types

from agents.base import Collected
from agents.pace import Pace
from agents.surroundings import Surroundings
from agents.telegram.account import Account
from agents.telegram.cursor import RoomState
from agents.telegram.failures import Troubled, Unreadable
from agents.telegram.messages import called
from agents.telegram.options import Options
from agents.telegram.room import Room
from agents.telegram.threads import Threads
from pipeline.core.accounts import Owners

LOOK_EVERY: Final = timedelta(days=1)
FASTEST: Final = timedelta(seconds=10)
SLOWEST: Final = timedelta(minutes=5)
NEWS_GAP: Final = timedelta(seconds=3)
log = logging.getLogger("molva.agent.telegram")


class Channel:
    """``handle`` names it; `steps` reads it and its comments up to the present, `pace` tells when.

    Args:
        names: what native ids begin with, by channel: shared by all channels of the agent.
        since: of a period of the past, which begins then.
    """

    def __init__(
        self,
        handle: str,
        state: RoomState,
        options: Options,
        around: Surroundings,
        *,
        names: dict[int, str],
        owners: Owners | None,
        since: datetime | None = None,
    ) -> None:
        self.handle = handle
        self.pace = Pace(around.clock, around.jitter, fastest=FASTEST, slowest=SLOWEST, gap=NEWS_GAP)
        self._options = options
        self._around = around
        self._names = names
        self._owners = owners
        self._since = since
        self.room = self._new_room(f"@{handle}", state.changed(group=None))
        self.comments: Room | Threads | None = None
        self._take_group(state.group)

    @property
    def state(self) -> RoomState:
        """What the cursor keeps."""
        return self.room.state.changed(group=self._group_state)

    @property
    def ids(self) -> tuple[int, ...]:
        """The ids of the channel and its group, of which news may be pushed."""
        group = self._group_state
        return (self.room.state.id, *(() if group is None else (group.id,)))

    async def steps(self, account: Account) -> AsyncIterator[list[Collected]]:
        """What is new; after each step `state` may be saved.

        Raises:
            AgentError: what `Account.ask` raises.
        """
        looked = self.room.state.looked
        if looked is None or self._around.clock() - looked >= LOOK_EVERY:
            await self.look(account)
            yield []
        async for items in self.room.steps(account):
            if isinstance(self.comments, Threads):
                self.comments.note(self.room.read)
            yield items
        if isinstance(self.comments, Room):
            try:
                async for items in self.comments.steps(account):
                    yield items
            except Unreadable as error:
                await self._by_threads(account, self.comments, error)
                yield []
        if isinstance(self.comments, Threads):
            async for items in self.comments.steps(account):
                yield items

    def forget_hashes(self) -> None:
        """Another account reads from now on: it must look all channels up for itself."""
        self.room.state = self.room.state.changed(looked=None, access_hash=0)

    async def look(self, account: Account) -> None:
        """Find the channel and read its description; a new one begins with its last messages."""
        answer = await self._described(account)
        full = answer.full_chat
        chats = {chat.id: chat for chat in answer.chats}
        await self._enter(account, chats.get(self.room.state.id))
        await self._begin(account, self.room, full.pts)
        if self._options.comments:
            await self._look_for_group(account, chats.get(full.linked_chat_id or 0))
        followers = full.participants_count
        self.room.state = self.room.state.changed(looked=self._around.clock(), followers=followers)

    async def _described(self, account: Account) -> Any:
        """The description; where the channel is not to be had as it is known, its name is looked up again."""
        if self.room.state.access_hash:
            try:
                return await self._full(account, self.room)
            except Unreadable as error:
                log.info("%s: its name is looked up again", error)
        await self._resolve(account)
        return await self._full(account, self.room)

    async def _full(self, account: Account, room: Room) -> Any:
        return await account.ask(functions.channels.GetFullChannelRequest(room.input), room.name)

    async def _begin(self, account: Account, room: Room, pts: int) -> None:
        if room.state.pts:
            return
        if self._since is None:
            await room.begin(account, pts, self._options.history)
        else:
            await room.begin_before(account, pts, self._since)

    async def _resolve(self, account: Account) -> None:
        request = functions.contacts.ResolveUsernameRequest(self.handle)
        answer = await account.ask(request, self.room.name)
        chat = next((each for each in answer.chats if isinstance(each, types.Channel)), None)
        if chat is None or not isinstance(answer.peer, types.PeerChannel):
            raise Unreadable(f"@{self.handle} is a person or a bot, not a channel or a public group")
        state = self.room.state
        if state.id not in (0, chat.id):
            log.warning("@%s is another channel now: it is read from its beginning", self.handle)
            state, self.comments = RoomState(called=f"c/{chat.id}"), None
        state = state.changed(id=chat.id, access_hash=chat.access_hash, called=state.called or self.handle)
        self.room = self._new_room(self.room.name, state)

    async def _enter(self, account: Account, chat: Any) -> None:
        if not isinstance(chat, types.Channel):
            return
        if chat.restricted:
            why = "; ".join(each.text for each in chat.restriction_reason or ())
            log.warning("@%s is restricted: %s", self.handle, why)
        if not self._options.join or not chat.left:
            return
        try:
            await account.ask(functions.channels.JoinChannelRequest(self.room.input), self.room.name)
        except Troubled as error:
            log.warning("not joined: %s", error)
        else:
            log.info("joined @%s", self.handle)

    async def _look_for_group(self, account: Account, chat: Any) -> None:
        known = self._group_state
        if chat is None:
            self.comments = None
            return
        if known is None or known.id != chat.id:
            known = RoomState(called=called(chat.id, chat, self._names))
        self._take_group(known.changed(id=chat.id, access_hash=chat.access_hash, title=chat.title or ""))
        room = self.comments
        if not isinstance(room, Room) or room.state.pts:
            return
        try:
            full = await self._full(account, room)
            await self._begin(account, room, full.full_chat.pts)
        except Unreadable as error:
            await self._by_threads(account, room, error)

    async def _by_threads(self, account: Account, room: Room, error: Unreadable) -> None:
        log.warning("%s: comments are read thread by thread instead", error)
        self.comments = threads = Threads(room, self.room)
        if self._since is None:
            await threads.begin(account)
        else:
            room.state = room.state.changed(threads={})

    def _take_group(self, state: RoomState | None) -> None:
        if state is None or not self._options.comments:
            return
        room = self._new_room(f"the comments of @{self.handle}", state, self.room.state)
        self.comments = room if state.threads is None else Threads(room, self.room)

    def _new_room(self, name: str, state: RoomState, parent: RoomState | None = None) -> Room:
        if state.id:
            self._names[state.id] = state.called
        return Room(name, state, self._around, names=self._names, owners=self._owners, parent=parent)

    @property
    def _group_state(self) -> RoomState | None:
        match self.comments:
            case Threads(room=room):
                return room.state
            case Room(state=state):
                return state
        return None
