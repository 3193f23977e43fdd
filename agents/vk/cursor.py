"""The cursor of a ``vk`` agent: how far walls, searches, mentions are read, which posts are watched."""

from __future__ import annotations

from typing import ClassVar, Final

from pydantic import BaseModel

from agents.cursor_state import CursorState
from agents.seen import Marks, PackedSeen

MAX_WATCHED: Final = 2000
"""Posts that are read again for edits, deletions and comments."""
MAX_COMMENTS: Final = 12_000
"""Comments that are watched for edits and deletions."""


class Hole(BaseModel):
    """Posts of a wall below ``high`` and above ``low`` are still to be read, from the newest on.

    ``offset`` is about where they begin on the wall; ``left`` how many of them are wanted.
    """

    low: int
    high: int
    offset: int
    left: int


class Wall(BaseModel):
    """``last`` is the newest post that was read; ``since``: when the wall was read first, Unix seconds."""

    since: int = 0
    last: int = 0
    hole: Hole | None = None


class Search(BaseModel):
    """``done``: Unix seconds up to which a query was read; ``span``: of the next window, in seconds.

    ``deep``: when posts that VK was late to find were last looked for.
    """

    done: int = 0
    span: int = 0
    deep: int = 0


class Watched(BaseModel):
    """A post that is read again when it is ``due``, all moments in Unix seconds.

    Attributes:
        edited: its last edit.
        tree: whether comments are collected; ``count`` is how many there were, ``visits`` counts readings.
        missed: how often in a row it was absent.
        last: the newest comment that was read.
        known: its comments with 32 bits of a hash of what each says; ``absent`` of them those that the last
            reading missed;
            ``trimmed`` where there were too many to remember.
    """

    date: int
    due: int = 0
    edited: int = 0
    tree: bool = False
    count: int = -1
    visits: int = 0
    missed: int = 0
    last: int = 0
    known: Marks = {}
    absent: tuple[int, ...] = ()
    trimmed: bool = False


class Cursor(CursorState):
    """Everything that a restart must know."""

    OF: ClassVar[str] = "a vk agent"

    walls: dict[int, Wall] = {}
    searches: dict[str, Search] = {}
    mentions: dict[int, int] = {}
    """Unix seconds up to which the mentions of an account were read."""
    watched: dict[str, Watched] = {}
    """Posts by native id."""
    seen: PackedSeen = ""
    queue: tuple[str, ...] = ()
    """Of a back-fill: what is still to be read."""

    def trim(self, now: int, span: int) -> None:
        """Forget posts older than ``span`` seconds, the oldest of too many, and comments of the oldest."""
        kept = [(name, each) for name, each in self.watched.items() if now - each.date <= span]
        if len(kept) > MAX_WATCHED or sum(len(each.known) for _, each in kept) > MAX_COMMENTS:
            kept.sort(key=lambda pair: (pair[1].tree, pair[1].date), reverse=True)
        self.watched = dict(kept[:MAX_WATCHED])
        room = MAX_COMMENTS
        for each in self.watched.values():
            if len(each.known) > room:
                each.known = dict(sorted(each.known.items())[len(each.known) - room :]) if room else {}
                each.absent, each.trimmed = (), True
            room -= len(each.known)
