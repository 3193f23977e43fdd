"""Where the ``email`` agent goes on: per folder, the next UID under which validity of UIDs."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from agents.cursor_state import CursorState
from schemas.base import UtcDatetime


class Position(BaseModel):
    """A place in a folder. ``validity`` 0: the folder is new to the agent."""

    model_config = ConfigDict(frozen=True)

    validity: int = 0
    next: int = 1
    """The first UID that is not collected yet."""
    newest: UtcDatetime | None = None
    """When the newest message so far came in: where UIDs begin anew, reading begins a day before it."""

    def behind(self, uid: int, arrived: datetime | None) -> Position:
        """The message ``uid`` is done."""
        known = [each for each in (self.newest, arrived) if each is not None]
        return Position(
            validity=self.validity, next=max(self.next, uid + 1), newest=max(known) if known else None
        )


class Cursor(CursorState):
    """The folders by name; those that the options no longer name are forgotten."""

    OF: ClassVar[str] = "the email agent"

    model_config = ConfigDict(frozen=True)

    folders: dict[str, Position] = {}
