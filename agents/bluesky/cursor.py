"""The cursor of a ``bluesky`` agent: the moment up to which the stream was read, and the latest posts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict

from agents.cursor_state import CursorState

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
    """``time_us`` as Jetstream has it; ``recent`` are posts as ``did/key``, the newest last."""

    OF: ClassVar[str] = "a bluesky agent"

    model_config = ConfigDict(frozen=True)

    time_us: int | None = None
    recent: tuple[str, ...] = ()
    past: Past | None = None


def microseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)


def moment_of(microseconds: int) -> datetime:
    """The moment; also of numbers beyond all dates, which no server should send."""
    return datetime.fromtimestamp(min(max(microseconds, 0), 253_000_000_000_000_000) / 1_000_000, UTC)
