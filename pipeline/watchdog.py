"""A stalled worker ends itself, so that its process manager starts a fresh one.

Faust has open bugs after which assigned partitions are no longer fetched though records wait in them
(issues 175, 523, 532). Reading is what is watched, not committing: detection acknowledges only when a bucket
closes, which may rightly take minutes.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple


class Position(NamedTuple):
    """How far a partition is read (``read``: the next offset) and where it ends (the next to be written)."""

    read: int
    end: int


@dataclass
class Watchdog:
    """Remembers since when each assigned partition has had records waiting without being read."""

    patience: timedelta = timedelta(seconds=60)
    _since: dict[Hashable, tuple[int, datetime]] = field(default_factory=dict)

    def stalled(self, positions: Mapping[Hashable, Position], now: datetime) -> list[Hashable]:
        """Partitions that have had records waiting for ``patience`` without moving."""
        waiting = {place: at.read for place, at in positions.items() if at.read < at.end}
        self._since = {
            place: self._since[place] if self._since.get(place, (None,))[0] == read else (read, now)
            for place, read in waiting.items()
        }
        return [place for place, (_, since) in self._since.items() if now - since >= self.patience]
