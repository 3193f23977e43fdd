"""The cursor of a ``telegram`` agent: for each channel who it is and how far it was read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict

from agents.cursor_state import CursorState
from schemas.base import UtcDatetime

MAX_THREADS: Final = 50
"""Posts of a channel whose comments are asked for one by one."""


class RoomState(BaseModel):
    """What is known of a channel or a group.

    Attributes:
        id, access_hash: how Telegram knows it; the hash is of this account (``account``) only.
        called: what its messages' native ids begin with; it stays when the handle changes.
        pts: up to where its events were read; 0 before the first time.
        last: the highest message id that was read.
        goal: messages up to it are read from the history, before events are.
        looked: when its description was read.
        albums: the newest ones, see `agents.telegram.albums.Albums`.
        copies: of a group, the newest messages that are copies of the channel's posts.
    """

    model_config = ConfigDict(frozen=True)

    id: int = 0
    access_hash: int = 0
    called: str = ""
    title: str = ""
    followers: int | None = None
    pts: int = 0
    last: int = 0
    goal: int = 0
    looked: UtcDatetime | None = None
    albums: Mapping[int, int] = {}
    copies: tuple[int, ...] = ()
    group: RoomState | None = None
    """The group with the comments; ``threads`` where that may not be read."""
    threads: dict[int, int] | None = None
    """Posts with comments -> the newest comment that was read."""

    @property
    def filling(self) -> bool:
        """Whether there is history to be read."""
        return self.last < self.goal

    def changed(self, **fields: object) -> RoomState:
        return self.model_copy(update=fields)

    def noting(self, posts: dict[int, int]) -> RoomState:
        """With more posts whose threads are read: of all, the newest `MAX_THREADS`."""
        if self.threads is None or not posts:
            return self
        known = {**posts, **self.threads}
        return self.changed(threads={post: known[post] for post in sorted(known)[-MAX_THREADS:]})


class Cursor(CursorState):
    """The agent's cursor: its channels by the handles of the configuration."""

    OF: ClassVar[str] = "a telegram agent"

    account: int = 0
    rooms: dict[str, RoomState] = {}


class Saved:
    """The cursor that was given out last, so that one that has not changed is not written again."""

    def __init__(self, cursor: str | None) -> None:
        self._last = cursor

    def changed(self, cursor: str) -> str | None:
        """``cursor``, where it is another one than the last."""
        if cursor == self._last:
            return None
        self._last = cursor
        return cursor
