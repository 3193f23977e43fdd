"""The cursor of a ``bluesky`` agent: the moment up to which the stream was read, and the latest posts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from agents.base import CursorCorrupt

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


class Cursor(BaseModel):
    """``time_us`` as Jetstream has it; ``recent`` are posts as ``did/key``, the newest last."""

    model_config = ConfigDict(frozen=True)

    version: Literal[1] = 1
    time_us: int | None = None
    recent: tuple[str, ...] = ()
    past: Past | None = None

    @classmethod
    def read(cls, text: str | None) -> Cursor:
        """Read a cursor.

        Raises:
            CursorCorrupt: it is not one of this kind.
        """
        try:
            return cls() if text is None else cls.model_validate_json(text)
        except ValidationError as error:
            raise CursorCorrupt(f"the cursor of a bluesky agent cannot be read: {error}") from error

    def written(self) -> str:
        return self.model_dump_json(exclude_defaults=True)


def microseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)


def moment_of(microseconds: int) -> datetime:
    """The moment; also of numbers beyond all dates, which no server should send."""
    return datetime.fromtimestamp(min(max(microseconds, 0), 253_000_000_000_000_000) / 1_000_000, UTC)
