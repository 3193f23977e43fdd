"""The cursor of a ``telegram-web`` agent: for each channel what was read, and its last posts by digest."""

from __future__ import annotations

from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict

from agents.cursor_state import CursorState

WATCHED: Final = 40
"""The newest posts of a channel whose digests are kept: of the newest page, on which edits and deletions are
noticed, and as many that come back to it when others are deleted."""


class Hole(BaseModel):
    """Posts above ``low`` and below ``high`` are still to be read, from the newest on."""

    model_config = ConfigDict(frozen=True)

    low: int
    high: int


class Watched(BaseModel):
    """A post as it was read last; ``missed``: how often in a row it was not where it should be."""

    model_config = ConfigDict(frozen=True)

    digest: str
    missed: int = 0


class ChannelState(BaseModel):
    """What is known of a channel; ``called`` begins its native ids; ``last`` is its newest post."""

    model_config = ConfigDict(frozen=True)

    peer: int = 0
    called: str = ""
    last: int = 0
    hole: Hole | None = None
    posts: dict[int, Watched] = {}

    def changed(self, **fields: object) -> ChannelState:
        return self.model_copy(update=fields)


class Cursor(CursorState):
    """The agent's cursor: its channels by handle."""

    OF: ClassVar[str] = "a telegram-web agent"

    channels: dict[str, ChannelState] = {}
