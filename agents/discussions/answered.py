"""Posts that are looked at again for the answers under them, where the source tells of none by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict

from agents.base import AgentError, Clock, Refused
from agents.discussions.aging import LATEST, rest_after

MOST: Final = 200
SPAN: Final = 14 * 86_400
"""Seconds after which what is said under a post is no longer looked for."""
EVERY_FEW: Final = 4
"""Answers are also read where their count stayed the same, each time out of so many: sources count those to
the post itself, not those to its answers."""
READINGS: Final = 2
"""A post that is absent so often in a row was deleted."""


class Watched(BaseModel):
    """A post ``of`` an account, as a cursor has it: when it was published and is ``due``, in Unix seconds.

    ``count``: how many answers it had when they were read last; ``visits`` counts looks, ``missed`` how often
    in a row it was absent.
    """

    model_config = ConfigDict(frozen=True)

    of: str
    date: int
    due: int = 0
    count: int = 0
    visits: int = 0
    missed: int = 0


class Answered:
    """The watched posts by id: at most `MOST`, the oldest are forgotten first, and all after `SPAN`."""

    def __init__(self, clock: Clock, known: Mapping[str, Watched]) -> None:
        self._clock = clock
        self._known = dict(known)

    def __contains__(self, number: str) -> bool:
        return number in self._known

    def copy(self) -> dict[str, Watched]:
        """What a cursor keeps."""
        return dict(self._known)

    def note(self, number: str, of: str, published: datetime) -> None:
        """Watch a post from now on; one that is watched already stays as it is."""
        now, date = self._now, int(published.timestamp())
        if number in self._known or now - date > SPAN:
            return
        self._known[number] = Watched(of=of, date=date, due=now)
        if len(self._known) > MOST:
            del self._known[min(self._known, key=lambda each: self._known[each].date)]

    def late(self, most: int, of: str | None = None) -> list[str]:
        """The posts of an account, or of all, that are due: at most ``most``, the most overdue first."""
        now = self._now
        self._known = {number: known for number, known in self._known.items() if now - known.date <= SPAN}
        due = {
            number: known.due
            for number, known in self._known.items()
            if known.due <= now and of in (None, known.of)
        }
        return sorted(due, key=due.__getitem__)[:most]

    def of(self, number: str) -> str:
        """The account of a post that is watched."""
        return self._known[number].of

    def wants(self, number: str, count: int) -> bool:
        """Whether its answers are to be read, now that it has ``count``."""
        known = self._known[number]
        return count != known.count or (count > 0 and known.visits % EVERY_FEW == EVERY_FEW - 1)

    def looked(self, number: str, count: int, *, lively: bool) -> None:
        """It was looked at, and its answers read if that was wanted."""
        known = self._known[number]
        due = self._now + rest_after(self._now - known.date, lively=lively)
        self._known[number] = known.model_copy(
            update={"due": due, "count": count, "visits": known.visits + 1, "missed": 0}
        )

    def failed(self, numbers: Sequence[str]) -> None:
        """They could not be looked at: the others are none the worse."""
        for number in numbers:
            known = self._known[number]
            wait = min(2 * rest_after(self._now - known.date, lively=False), LATEST)
            self._known[number] = known.model_copy(update={"due": self._now + wait})

    def is_gone(self, number: str) -> bool:
        """It was absent; True where that makes it a deletion: it is watched no longer."""
        known = self._known[number]
        if known.missed + 1 >= READINGS:
            del self._known[number]
            return True
        due = self._now + rest_after(0, lively=False)
        self._known[number] = known.model_copy(update={"due": due, "missed": known.missed + 1})
        return False

    def forget(self, number: str) -> None:
        """It was deleted."""
        self._known.pop(number, None)

    @property
    def _now(self) -> int:
        return int(self._clock().timestamp())


def wants_rest(error: AgentError) -> bool:
    """Whether a server wants to be left alone, or is; other failures may be those of one post only."""
    return isinstance(error, Refused) and error.retry_after is not None
