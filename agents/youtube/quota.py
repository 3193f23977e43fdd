"""The units of a day: 10,000 of a project, renewed at midnight of Pacific time, planned over the day."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from agents.base import Clock, Refused
from agents.discussions.rounds import NotYet
from agents.youtube.cursor import Spent

PACIFIC: Final = ZoneInfo("America/Los_Angeles")
SEARCH: Final = 100
"""Units of a search; any other question costs one."""
AHEAD: Final = 0.1
"""Of a day's units: so much may be spent before its time has come."""


class Quota:
    """Gives out units; ``spent`` is kept in the cursor.

    What must not wait (``reserved``: channels and what is under them) may spend all that is left; other
    questions only what the day's plan allows by now; searches their share of it.
    """

    def __init__(self, spent: Spent, units: int, share: float, clock: Clock) -> None:
        self.spent = spent
        self._units = units
        self._searches = int(units * share) // SEARCH
        self._clock = clock

    def take(self, *, reserved: bool = True) -> None:
        """One unit.

        Raises:
            NotYet: the plan has none now.
            Refused: there is none today.
        """
        self._renew()
        allowed = self._units if reserved else self._planned()
        if self.spent.over or self.spent.units + 1 > self._units:
            raise Refused("the quota of the day is used up until midnight Pacific time", self._rest())
        if self.spent.units + 1 > allowed:
            raise NotYet("the quota is planned over the day", timedelta(minutes=15))
        self.spent.units += 1

    def take_search(self) -> None:
        """A search's units; raises as `take`."""
        self._renew()
        if (
            self.spent.over
            or self.spent.units + SEARCH > self._units
            or self.spent.searches >= self._searches
        ):
            raise Refused("the searches of the day are used up until midnight Pacific time", self._rest())
        if self.spent.searches >= self._elapsed() * self._searches + 1:
            raise NotYet("searches are planned over the day", self._until_next())
        self.spent.units += SEARCH
        self.spent.searches += 1

    def used_up(self) -> timedelta:
        """YouTube says that nothing is left: the day is over; how long it still lasts."""
        self._renew()
        self.spent.over = True
        return self._rest()

    def _renew(self) -> None:
        day = self._clock().astimezone(PACIFIC).date().isoformat()
        if day > self.spent.day:  # a clock that goes back gives nothing
            self.spent.day, self.spent.units, self.spent.searches, self.spent.over = day, 0, 0, False

    def _planned(self) -> float:
        return self._units * min(1.0, self._elapsed() + AHEAD)

    def _elapsed(self) -> float:
        """The part of the Pacific day that is over."""
        now = self._clock()
        begin = _midnight(now, 0)
        return (now - begin) / (_midnight(now, 1) - begin)

    def _until_next(self) -> timedelta:
        """Until the plan has room for one more search."""
        begin = _midnight(self._clock(), 0)
        share = self.spent.searches / max(self._searches, 1)
        due = begin + (_midnight(self._clock(), 1) - begin) * min(share, 1.0)
        return max(due - self._clock(), timedelta(minutes=1))

    def _rest(self) -> timedelta:
        return _midnight(self._clock(), 1) - self._clock() + timedelta(seconds=30)


def _midnight(now: datetime, days: int) -> datetime:
    """Midnight of Pacific time, ``days`` after the one before ``now``; some days have 23 or 25 hours."""
    day = now.astimezone(PACIFIC).date() + timedelta(days=days)
    return datetime(day.year, day.month, day.day, tzinfo=PACIFIC).astimezone(now.tzinfo)
