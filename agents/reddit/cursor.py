"""The cursor of a ``reddit`` agent: how far each listing was read, and which posts are read again."""

from __future__ import annotations

from typing import ClassVar, Final

from pydantic import BaseModel

from agents.cursor_state import CursorState
from agents.seen import PackedSeen

MAX_WATCHED: Final = 4000
MAX_SEEN: Final = 20_000


class Place(BaseModel):
    """``done``: everything written up to then (Unix seconds) was read, as far as Reddit shows it."""

    done: float = 0.0


class Watched(BaseModel):
    """A post that is read again when it is due; ``tree``: also what is under it, where ``count`` changed.

    ``missed`` and ``failures``: how often in a row it was absent, and what is under it could not be read.
    """

    date: int
    due: int = 0
    tree: bool = False
    count: int = -1
    missed: int = 0
    failures: int = 0


class Cursor(CursorState):
    """Everything that a restart must know."""

    OF: ClassVar[str] = "a reddit agent"

    places: dict[str, Place] = {}
    watched: dict[str, Watched] = {}
    """By full name."""
    seen: PackedSeen = ""

    def trim(self, now: int, span: int) -> None:
        """Forget posts that are older than ``span``; of too many the oldest, those with a tree last."""
        kept = [(name, each) for name, each in self.watched.items() if now - each.date <= span]
        kept.sort(key=lambda pair: (pair[1].tree, pair[1].date), reverse=True)
        self.watched = dict(kept[:MAX_WATCHED])
