"""When a post is read again: the older the more seldom, and sooner while people talk under it."""

from __future__ import annotations

from typing import Final

SOONEST: Final = 120
LATEST: Final = 86_400
SHARE_OF_AGE: Final = 8
"""A post of eight hours is read again after one."""
LIVELY: Final = 4
"""So much sooner where the last reading found something."""
FAILED: Final = 600
DOUBLINGS: Final = 8


def rest_after(age: float, *, lively: bool) -> int:
    """Seconds up to the next reading of a post that is ``age`` seconds old."""
    usual = max(0.0, age) / SHARE_OF_AGE
    return int(min(max(usual / LIVELY if lively else usual, SOONEST), LATEST))


def rest_after_failures(failures: int) -> int:
    """Seconds up to the next reading of a post that could not be read so often in a row."""
    return min(FAILED << min(max(failures, 1) - 1, DOUBLINGS), LATEST)
