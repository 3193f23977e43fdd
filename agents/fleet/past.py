"""Back-fill: a period of the past as a source of its own, beside the live one, with a cursor that remembers
which periods are done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from agents.base import Collected, CursorCorrupt, Found, History, Progress
from agents.fleet.cursor_rows import BACKFILL
from schemas.base import UtcDatetime

REMEMBERED = 200
"""Finished periods; an older one, asked for again, would be collected again."""


class Period(NamedTuple):
    """From ``since`` to before ``until``, both UTC."""

    since: datetime
    until: datetime

    def __str__(self) -> str:
        return f"{_short(self.since)}..{_short(self.until)}"


class Ledger(BaseModel):
    """The cursor of an agent's back-fill: where the present period is, and which ones are done."""

    model_config = ConfigDict(frozen=True)

    version: Literal[1] = 1
    since: UtcDatetime | None = None
    until: UtcDatetime | None = None
    cursor: str | None = None
    finished: tuple[tuple[UtcDatetime, UtcDatetime], ...] = ()

    @classmethod
    def read(cls, cursor: str | None) -> Ledger:
        """Read a cursor.

        Raises:
            CursorCorrupt: it is not one of a back-fill.
        """
        try:
            return cls() if cursor is None else cls.model_validate_json(cursor)
        except ValidationError as error:
            raise CursorCorrupt(f"the cursor of a back-fill cannot be read: {error}") from error

    def has(self, period: Period) -> bool:
        """Whether the period is done."""
        return tuple(period) in self.finished

    def at(self, period: Period, cursor: str | None) -> Ledger:
        """The period is done up to ``cursor``."""
        return Ledger(since=period.since, until=period.until, cursor=cursor, finished=self.finished)

    def inside(self, period: Period) -> str | None:
        """Where to go on in the period."""
        return self.cursor if (self.since, self.until) == tuple(period) else None

    def done(self, period: Period) -> Ledger:
        """The period is done."""
        return Ledger(finished=(*self.finished, tuple(period))[-REMEMBERED:])


class PastSource:
    """One period of a source's past, as a source that ends. Its posts stand on a timeline of their own.

    What the source gives from outside of the period is left out. The first watermark promises the beginning
    of the period; the last, final one its end, unless the source can promise more on the way.
    """

    grace = None

    def __init__(self, agent: str, history: History, period: Period) -> None:
        self.name = f"{agent}{BACKFILL}"
        self.timeline = f"backfill:{agent}:{period}"
        self._history = history
        self._period = period

    async def posts(self, cursor: str | None) -> AsyncIterator[Collected]:
        """The period from ``cursor`` on; nothing where it is done.

        Raises:
            CursorCorrupt: ``cursor`` is not one of a back-fill.
        """
        ledger, (since, until) = Ledger.read(cursor), self._period
        if ledger.has(self._period):
            return
        start = ledger.inside(self._period)
        yield Progress(self._saved(ledger, start), watermark=since)
        async with aclosing(self._history.history(since, until, start)) as items:  # type: ignore[type-var]
            async for item in items:
                saved = None if item.cursor is None else self._saved(ledger, item.cursor)
                yield self._placed(item, saved)
        yield Progress(ledger.done(self._period).model_dump_json(), watermark=until, final=True)

    def _saved(self, ledger: Ledger, cursor: str | None) -> str:
        return ledger.at(self._period, cursor).model_dump_json()

    def _placed(self, item: Collected, cursor: str | None) -> Collected:
        """The item on this timeline; a post from outside of the period is only progress."""
        match item:
            case Found(post=post) if self._period.since <= post.created_at < self._period.until:
                return item._replace(post=post.model_copy(update={"timeline": self.timeline}), cursor=cursor)
            case Found():
                return Progress(cursor)
            case Progress():
                return item._replace(cursor=cursor, final=False)
            case _:
                return item._replace(cursor=cursor)


def _short(moment: datetime) -> str:
    """A date where it is midnight UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ").removesuffix("T00:00:00Z")
