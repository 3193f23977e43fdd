"""The daily rhythm of an object: 24 hours x (workday, weekend), learned as ratios to its level.

A part of the detector's state: a flat tuple of 96 floats, ``(observed, expected)`` of slot 0, of slot 1, ...
"""

from __future__ import annotations

from typing import Final

from pipeline.core.windows import DAY, HOUR

SLOTS: Final = 48
Rhythm = tuple[float, ...]
FLAT: Final[Rhythm] = (0.0,) * (2 * SLOTS)

ZONE: Final = 3 * HOUR
"""Days and weekends are those of Moscow (UTC+3, no daylight saving since 2014)."""

_MONDAY: Final = 4 * DAY  # 1970-01-05


def slot(second: int) -> int:
    """Slot of a moment: 0-23 on workdays, 24-47 on Saturdays and Sundays."""
    local = second + ZONE
    weekend = (local - _MONDAY) % (7 * DAY) >= 5 * DAY
    return local % DAY // HOUR + (24 if weekend else 0)


def factor(rhythm: Rhythm, second: int, step: int, prior: float) -> float:
    """How much of the level is usual in the bucket at ``second``: 1 where nothing is known.

    Each slot is shrunk towards 1 by ``prior`` expected mentions; between the middles of two hours the
    ratio is interpolated. A bucket of a day has one slot on workdays and one at the weekend.
    """
    middle = second + step // 2
    here = slot(middle)
    ratio = (prior + rhythm[2 * here]) / (prior + rhythm[2 * here + 1])
    past = middle % HOUR - HOUR // 2
    if past == 0 or step > HOUR:
        return ratio
    there = slot(middle + HOUR) if past > 0 else slot(middle - HOUR)
    other = (prior + rhythm[2 * there]) / (prior + rhythm[2 * there + 1])
    return ratio + (other - ratio) * abs(past) / HOUR


def learn(rhythm: Rhythm, second: int, step: int, decay: float, observed: float, expected: float) -> Rhythm:
    """Add one visit of a slot: ``observed`` mentions where the level alone promised ``expected``.

    The sums are kept to six decimals, which keeps a serialised state under 2 KB.
    """
    at = 2 * slot(second + step // 2)
    return (
        *rhythm[:at],
        round(decay * rhythm[at] + observed, 6),
        round(decay * rhythm[at + 1] + expected, 6),
        *rhythm[at + 2 :],
    )
