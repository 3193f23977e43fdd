"""A stalled worker ends itself, so that its process manager starts a fresh one.

Faust has open bugs after which assigned partitions are no longer fetched though records wait in them
(issues 175, 523, 532). What is watched is reading, and the work of the stage as a whole: while a slow stage
works off what Faust has buffered (4,096 records and the fetch behind them, which at 50 records a second takes
minutes), Faust rightly reads nothing, so an unread partition only counts where the stage has been idle too.
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
    """Remembers since when each assigned partition has had records waiting without being read.

    ``patience``: how long that may last while the stage does nothing. ``indulgence``: how long at all; a
    partition that Faust has forgotten is found by it while the others keep the stage busy.
    """

    patience: timedelta = timedelta(seconds=60)
    indulgence: timedelta = timedelta(minutes=30)
    _since: dict[Hashable, tuple[int, datetime]] = field(default_factory=dict)
    _worked: tuple[Hashable, datetime] | None = None

    def stalled(
        self, positions: Mapping[Hashable, Position], now: datetime, work: Hashable = None
    ) -> list[Hashable]:
        """Partitions that have had records waiting for too long without moving.

        Args:
            positions: of the assigned partitions.
            now: the time of the look.
            work: anything that changes whenever the stage takes or acknowledges a record.
        """
        waiting = {place: at.read for place, at in positions.items() if at.read < at.end}
        self._since = {
            place: self._since[place] if self._since.get(place, (None,))[0] == read else (read, now)
            for place, read in waiting.items()
        }
        if self._worked is None or self._worked[0] != work:
            self._worked = (work, now)
        idle = now - self._worked[1] >= self.patience
        limit = self.patience if idle else self.indulgence
        return [place for place, (_, since) in self._since.items() if now - since >= limit]
