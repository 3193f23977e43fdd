"""The cursor of a ``bluesky`` agent: how far the stream was read, what it has forgotten, the latest posts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict

from agents.cursor_state import CursorState
from agents.discussions.answered import Watched

REMEMBERED: Final = 2000
"""Posts whose deletion is understood; those of all others stream by as well."""


class Past(BaseModel):
    """Where the reading of a period is: which question is next, and back to which moment it was answered."""

    model_config = ConfigDict(frozen=True)

    since: int
    until: int
    """Microseconds of Unix time, as ``time_us``."""
    question: int = 0
    reached: int | None = None


class Cursor(CursorState):
    """``time_us`` as Jetstream has it; ``recent`` are posts as ``did/key``, the newest last.

    ``gaps`` are periods that are still to be read by searches (of a back-fill: its period), ``accounts`` the
    DIDs of what the options name, ``watched`` the posts by URI under which answers are looked for.
    """

    OF: ClassVar[str] = "a bluesky agent"

    model_config = ConfigDict(frozen=True)

    time_us: int | None = None
    recent: tuple[str, ...] = ()
    gaps: tuple[Past, ...] = ()
    accounts: Mapping[str, str] = {}
    watched: Mapping[str, Watched] = {}


def microseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)


def moment_of(microseconds: int) -> datetime:
    """The moment; also of numbers beyond all dates, which no server should send."""
    return datetime.fromtimestamp(min(max(microseconds, 0), 253_000_000_000_000_000) / 1_000_000, UTC)
