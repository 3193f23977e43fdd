"""The cursor of a ``youtube`` agent: the quota of the day, channels, searches, videos that are followed."""

from __future__ import annotations

from typing import ClassVar, Final

from pydantic import BaseModel, Field

from agents.cursor_state import CursorState
from agents.seen import PackedSeen

MAX_VIDEOS: Final = 1000
MAX_SEEN: Final = 20_000
"""Versions of comments: 213 KB of the cursor."""


class Spent(BaseModel):
    """Units of a day of Pacific time; ``over``: YouTube said that the quota is used up."""

    day: str = ""
    units: int = 0
    searches: int = 0
    over: bool = False


class Channel(BaseModel):
    """``uploads`` is its list of videos; ``begun``: it was read at least once.

    ``reached``: so many entries were read of a round that broke off; 0: none did.
    """

    id: str = ""
    uploads: str = ""
    begun: bool = False
    reached: int = 0


class Search(BaseModel):
    """How far a query was read; all moments in Unix seconds.

    Attributes:
        asked: when it was asked last.
        done: everything up to then was read.
        since, until, began: of a reading that goes on: its period, and when it began; ``until`` 0: none does.
    """

    asked: int = 0
    done: int = 0
    since: int = 0
    until: int = 0
    began: int = 0


class Video(BaseModel):
    """A video that is read again when it is due; all moments in Unix seconds.

    Attributes:
        count: comments that YouTube counted at the last reading.
        mark: of what its title and description say.
        page: where a reading of its comments broke off.
        read: when the last whole reading of its comments began.
        closed: comments are switched off.
        missed: how often in a row it was absent.
        failures: how often in a row its comments could not be read.
    """

    date: int
    due: int = 0
    count: int = -1
    mark: int = 0
    page: str = ""
    read: int = 0
    began: int = 0
    closed: bool = False
    missed: int = 0
    failures: int = 0


class Cursor(CursorState):
    """Everything that a restart must know."""

    OF: ClassVar[str] = "a youtube agent"

    spent: Spent = Field(default_factory=Spent)
    channels: dict[str, Channel] = {}
    searches: dict[str, Search] = {}
    videos: dict[str, Video] = {}
    seen: PackedSeen = ""

    def trim(self, now: int, span: int) -> None:
        """Forget videos that are older than ``span`` seconds, and the oldest of too many."""
        kept = [(name, each) for name, each in self.videos.items() if now - each.date <= span]
        self.videos = dict(sorted(kept, key=lambda pair: pair[1].date, reverse=True)[:MAX_VIDEOS])
