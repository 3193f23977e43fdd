"""What a run of ``molva reprocess`` is about: a period of event time, its name, and what its models are."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from pipeline.errors import MolvaError, UsageError
from pipeline.settings import Settings

STILL_SAID: Final = "NOT (empty(text) AND id IN (SELECT id FROM deletions))"
"""SQL over ``posts``: what `molva erase` has emptied keeps the analysis of what it said."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class ReprocessError(MolvaError):
    """A run cannot go on; nothing that readers see was changed."""


@dataclass(frozen=True)
class Period:
    """Posts of ``timeline`` with ``since <= created_at < until``; with ``objects``, those naming one."""

    timeline: str
    since: datetime
    until: datetime
    objects: tuple[str, ...] = ()

    @property
    def condition(self) -> str:
        """SQL over the columns of ``posts``; its parameters are `parameters`."""
        about = " AND hasAny(objects, %(objects)s)" if self.objects else ""
        return (
            "timeline = %(timeline)s AND created_at >= toDateTime64(%(since)s, 3, 'UTC')"
            f" AND created_at < toDateTime64(%(until)s, 3, 'UTC'){about} AND {STILL_SAID}"
        )

    @property
    def parameters(self) -> dict[str, Any]:
        """The values of `condition`."""
        values: dict[str, Any] = {
            "timeline": self.timeline,
            "since": _sql(self.since),
            "until": _sql(self.until),
        }
        return values | ({"objects": list(self.objects)} if self.objects else {})


def read_period(timeline: str, since: str, until: str, objects: Sequence[str]) -> Period:
    """The period that a person wrote: ISO dates or moments; without a zone they are UTC.

    Raises:
        UsageError: no such moment, or the end is not after the beginning.
    """
    first, last = _moment(since, "--from"), _moment(until, "--to")
    if last <= first:
        raise UsageError(
            f"--to {until} is not after --from {since}: the end is exclusive, so name the day after"
        )
    return Period(timeline, first, last, tuple(sorted(set(objects))))


def digest_of(settings: Settings, period: Period, release: str) -> str:
    """Eight hex digits of everything that decides the result: models, tier, watchlist, version of Molva."""
    watched = Path(settings.watchlist).read_bytes() if settings.watchlist else b""
    asked = (
        release,
        settings.sentiment_model,
        settings.sentiment_tier,
        settings.ner_engine,
        repr(period),
        hashlib.sha256(watched).hexdigest(),
    )
    return hashlib.sha256("\n".join(asked).encode()).hexdigest()[:8]


def checked_name(name: str) -> str:
    """The name of a version as a person may choose it.

    Raises:
        UsageError: it has other characters than letters, digits, ``_``, ``.``, ``-``, or more than 64.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"--version {name!r}: use 1 to 64 letters, digits, dots, dashes, underscores")
    return name


def _moment(text: str, option: str) -> datetime:
    try:
        if len(text) == len("2026-03-01"):
            return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{option} {text}: write a date or a moment, as 2026-03-01 or 2026-03-01T12:00"
        ) from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _sql(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
