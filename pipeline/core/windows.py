"""Buckets of event time: how moments map to the fixed windows that the detector counts in.

Everything in the core counts time in whole seconds since 1970 (UTC); a bucket is named by its start.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from schemas.spike import Resolution

MINUTES_5: Final = 300
HOUR: Final = 3_600
DAY: Final = 86_400
STEPS: Final[dict[Resolution, int]] = {"5m": MINUTES_5, "1h": HOUR, "1d": DAY}
"""Length of a bucket, seconds."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)


def seconds(moment: datetime) -> int:
    """Whole seconds since 1970, rounded down.

    >>> seconds(datetime(1970, 1, 2, 0, 0, 1, 999_999, tzinfo=UTC))
    86401
    """
    return (moment - _EPOCH) // _SECOND


def moment(second: int) -> datetime:
    """The UTC moment of ``second``; the inverse of `seconds`."""
    return datetime.fromtimestamp(second, UTC)


def bucket(second: int, step: int) -> int:
    """Start of the bucket of ``step`` seconds that holds ``second``; buckets are aligned to 1970-01-01.

    >>> bucket(86_399, HOUR)
    82800
    """
    return second - second % step


def iso(second: int) -> str:
    """Compact ISO 8601 of ``second`` in UTC, as it stands in spike ids.

    >>> iso(1_406_577_600)
    '2014-07-28T20:00:00Z'
    """
    return moment(second).strftime("%Y-%m-%dT%H:%M:%SZ")
