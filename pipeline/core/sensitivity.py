"""The threshold that suits one object: the one that about one false alarm a month would pass.

Used by ``molva backtest`` to suggest a sensitivity; pure, over the scores that `pipeline.core.spikes` gave.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from statistics import median
from typing import Final

DEFAULT: Final = 12.0
"""The detector's own threshold, where too little is known to suggest another."""
LOWEST: Final = 8.0
"""Below it scores stop the learning of the baseline; nothing below it is suggested."""
HIGHEST: Final = 50.0
"""The scores' ceiling."""
FEWEST_PEAKS: Final = 8


def suggest(scores: Sequence[float], buckets_per_day: int, per_days: float = 30.0) -> float:
    """The threshold that about one peak of the score in ``per_days`` days would pass.

    Peaks of a CUSUM without change fall off exponentially (Siegmund, Sequential Analysis, 1985, chapter
    II), so the upper quarter of the peaks gives their scale, and the threshold is read off that line. The
    scale is taken from the median, since a few of the highest peaks are real incidents: they are not
    false alarms, and they must not make the object deaf.

    Args:
        scores: one per bucket, in order, without holes, in nats; the first day of an object is 0.
        buckets_per_day: 288, 24 or 1.
        per_days: days in which one false alarm is accepted, > 0.

    Returns:
        A threshold, 8 to 50; 12, the detector's own, where fewer than eight peaks were seen.

    Raises:
        ValueError: ``buckets_per_day`` or ``per_days`` is not positive.

    >>> suggest([0.0] * 1000, 24)
    12.0
    """
    if buckets_per_day <= 0 or per_days <= 0:
        raise ValueError("buckets per day and days per alarm are above 0")
    highest = sorted(peaks(scores, max(1, buckets_per_day // 24)), reverse=True)
    if len(highest) < FEWEST_PEAKS:
        return DEFAULT
    upper = max(FEWEST_PEAKS, len(highest) // 4)
    base = highest[min(upper, len(highest) - 1)]
    scale = median(peak - base for peak in highest[:upper]) / log(2.0)
    days = len(scores) / buckets_per_day
    threshold = base + scale * log(upper * per_days / days)
    return round(min(HIGHEST, max(LOWEST, threshold)), 2)


def peaks(scores: Sequence[float], apart: int) -> list[float]:
    """The highest of each stretch of scores above 0; stretches ``apart`` or fewer buckets apart are one."""
    found: list[float] = []
    quiet = apart + 1
    for score in scores:
        if score <= 0.0:
            quiet += 1
        elif quiet > apart:
            found.append(score)
            quiet = 0
        else:
            found[-1] = max(found[-1], score)
            quiet = 0
    return found
