"""When a live agent may promise that nothing older comes any more: decided by the clock, stated sparsely."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from agents.base import Clock

STEP = timedelta(minutes=5)
"""A live watermark is stated when it crosses a multiple of this: one record per partition and step."""


class LiveWatermarks:
    """Watermarks of a live agent: now minus its grace, rounded down to `STEP`."""

    def __init__(self, clock: Clock, grace: timedelta) -> None:
        self._clock = clock
        self._grace = grace
        self._stated: datetime | None = None

    def due(self) -> datetime | None:
        """The watermark that is to be stated now, or None while the last one stands."""
        moment = (self._clock() - self._grace).astimezone(UTC)
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        boundary = midnight + (moment - midnight) // STEP * STEP
        if self._stated is not None and boundary <= self._stated:
            return None
        self._stated = boundary
        return boundary
